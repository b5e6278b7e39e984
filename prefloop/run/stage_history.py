"""Writing down what a run has made when a stage ends, so that a later loss of it is noticed."""

from prefloop.run.stages import Stages
from prefloop.run_history import last_record, record_stage


def note_start(stages: Stages) -> None:
    """Write down what there is when a run starts.

    A finished run of version 0.1, which kept no history, stays as it is.
    """
    is_kept = last_record(stages.folder) is not None
    if is_kept or stages.rounds.first_unfinished() is not None:
        note_stage(stages, "prompts", 0)


def note_stage(stages: Stages, stage: str, round_number: int) -> None:
    """Append the ledger's head and what lies in the run folder to the run's history."""
    head = stages.store.ledger_head()
    record_stage(
        stages.folder,
        stage=stage,
        round_number=round_number,
        update=stages.policy.update,
        events=head.n_events,
        head=head.hash,
    )
