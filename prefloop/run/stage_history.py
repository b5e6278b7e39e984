"""Writing down what a run has made when a stage ends, so that a later loss of it is noticed."""

from prefloop.run.stages import Stages
from prefloop.run_history import record_stage


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
