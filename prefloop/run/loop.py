"""The whole path, once per round. Read this file first."""

from collections.abc import Callable, Sequence
from pathlib import Path

from prefloop.doctor.losses import lost_parts, refuse_lost_metrics
from prefloop.models.processes import Processes
from prefloop.progress import BeforeMaking, Progress, make_freely
from prefloop.run.assemble import assemble
from prefloop.run.auditing import audit_labels_of_round, audit_rewards_of_round
from prefloop.run.evaluating import evaluate, judge_again
from prefloop.run.labeling import collect_comparisons, wait_for_people
from prefloop.run.monitor import RunMonitor
from prefloop.run.reporting import write_report
from prefloop.run.rollback import resume, roll_back
from prefloop.run.stage_history import note_stage, note_start
from prefloop.run.stages import Stages
from prefloop.run.stops import RollBack
from prefloop.run.training import train_policy, train_reward_model, train_while_waiting
from prefloop.run.update_calls import OnUpdate
from prefloop.run_folder import report_path
from prefloop.run_store import open_run_store
from prefloop.settings.run import RunConfig

Step = Callable[[Stages, int], None]

PATH: Sequence[tuple[str, Step]] = (
    ("samples", collect_comparisons),  # of the newest policy; labelers answer them, people later
    ("policy", train_while_waiting),  # against the reward model that there is
    ("comparisons", wait_for_people),
    ("comparisons", audit_labels_of_round),  # what do they reward?
    ("rewards", train_reward_model),  # on all labels so far
    ("rewards", audit_rewards_of_round),  # may a policy be trained against it?
    ("policy", train_policy),  # up to the last update of the round
    ("evaluation", evaluate),  # by judges that share no source with the labelers
)
"""The steps of a round in order, each with the stage that `until` compares it with."""

PATH_OF_KNOWN_REWARD: Sequence[tuple[str, Step]] = (
    ("policy", train_policy),
    ("evaluation", evaluate),
)
"""The steps where `policy.reward` is a scorer: nobody labels, and no reward model is trained."""


def run(
    config: RunConfig,
    folder: Path,
    progress: Progress,
    *,
    until: str | None = None,
    before_making: BeforeMaking = make_freely,
    on_update: OnUpdate | None = None,
    processes: Processes | None = None,
) -> Path:
    """Run every round, resuming where an earlier process stopped; return the report's path.

    `until` is the last stage to run; with it the run ends in the first unfinished round, and where
    nothing was left to make no file changes. `before_making` is called before anything is made,
    `on_update` after every update; StopRequested passes where it asks for an end. Several
    `processes` share the training; this is the first of them.
    """
    with open_run_store(config, folder) as store:
        refuse_lost_metrics(folder)
        for loss in lost_parts(folder):
            progress.say(str(loss))
        monitor = RunMonitor(store, progress, before_making=before_making, on_update=on_update)
        with monitor.keepalive():
            stages = assemble(config, folder, monitor, until=until, processes=processes)
            resume(stages)
            note_start(stages)
            run_rounds(stages)
            if until is not None and not monitor.has_made:
                return report_path(folder)
            report = write_report(stages)
        monitor.finish()
        return report


def evaluate_again(
    config: RunConfig,
    folder: Path,
    progress: Progress,
    models: Sequence[str],
    *,
    before_making: BeforeMaking = make_freely,
) -> Path:
    """Have the judges look at models of a run, finished or not; return the report's path."""
    with open_run_store(config, folder) as store:
        refuse_lost_metrics(folder)
        monitor = RunMonitor(store, progress, before_making=before_making)
        with monitor.keepalive():
            stages = assemble(config, folder, monitor, until="evaluation")
            resume(stages)
            judge_again(stages, models)
            return write_report(stages)


def run_rounds(stages: Stages) -> None:
    """Run one round after the other, again from where a roll back leads to.

    A round whose steps leave it unfinished, such as one that no held-out prompt can judge, ends the
    run: the same steps would leave it so again.
    """
    is_done = False
    while not is_done:
        try:
            stages.monitor.check_stop("between stages")
            round_number = stages.rounds.first_unfinished()
            if round_number is not None:
                run_round(stages, round_number)
            is_done = round_number is None or stages.rounds.until is not None
            if not is_done and stages.rounds.first_unfinished() == round_number:
                stages.monitor.say(
                    f"Round {round_number} stays without figures by every judge: the report says "
                    "what is missing."
                )
                is_done = True
        except RollBack as stop:
            roll_back(stages, stop.request)
            note_stage(stages, "roll back", stages.monitor.round)


def run_round(stages: Stages, round_number: int) -> None:
    """Run the steps of one round, as far as the run is to go."""
    stages.monitor.round = round_number
    uses_reward_model = stages.config.policy.uses_reward_model
    for stage, step in PATH if uses_reward_model else PATH_OF_KNOWN_REWARD:
        if stages.rounds.reaches(stage):
            stages.monitor.check_stop("between stages")
            step(stages, round_number)
            note_stage(stages, stage, round_number)
