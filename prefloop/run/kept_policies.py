"""Samples of every kept policy on the held-out prompts, for the audit of over-optimization."""

from pathlib import Path

from prefloop.audits.overoptimization import audit_overoptimization
from prefloop.figures.overoptimization import OverOptimizationFigures
from prefloop.progress import Progress
from prefloop.records import REFERENCE
from prefloop.run.assemble import assemble
from prefloop.run.monitor import RunMonitor
from prefloop.run.stages import Stages
from prefloop.run_store import open_run_store
from prefloop.settings.run import RunConfig


def audit_kept_policies(
    config: RunConfig, folder: Path, progress: Progress, *, with_people: bool
) -> OverOptimizationFigures:
    """Return how far a policy may go, after drawing what kept policies lack.

    A stop request stops the training, not this: the run stays as it stands, waiting for its owner.
    """
    with open_run_store(config, folder) as store:
        monitor = RunMonitor(store, progress)
        with monitor.keepalive():
            stages = assemble(config, folder, monitor, until="evaluation")
            stages.policy.restore()
            draw_of_kept(stages)
            return audit_overoptimization(store, config, folder, progress, with_people=with_people)


def draw_of_kept(stages: Stages) -> None:
    """Draw one sample of the reference and of each kept policy on the prompts of the evaluation.

    They are those that an evaluation of these policies would draw, and their weights stay.
    """
    held_out = stages.shuffled_prompts("held_out", "evaluation prompts")
    chosen = held_out[: stages.config.evaluation.prompts]
    updates = stages.rounds.updates
    for name in (REFERENCE, *updates.kept_names()):
        updates.keep(name)
        of_round = 0 if name == REFERENCE else max(updates.rounds_of(name), default=0)
        stages.drawer.draw(chosen, model=name, round=of_round, purpose="evaluation", per_prompt=1)
