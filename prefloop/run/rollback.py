"""Where a run continues: at its newest checkpoint, or at the one that a roll back names."""

from prefloop.errors import CheckpointError
from prefloop.evaluation.evaluate import forget_evaluations
from prefloop.models.checkpoint import read_checkpoint
from prefloop.run.evaluating import refuse_broken_judges, refuse_own_reward_models
from prefloop.run.stages import Stages
from prefloop.run.stops import TRAINER
from prefloop.run.watching import release_own_stop
from prefloop.settings.comparisons import PEOPLE
from prefloop.teamwork import StopRequest


def resume(stages: Stages) -> None:
    """Continue where an earlier process stopped: at its newest checkpoint, or at the start."""
    stages.policy.restore()
    stages.monitor.outbox.catch_up(stages.store, stages.metrics.lines())
    if stages.config.comparisons.labelers == PEOPLE:
        # What people stop may have to go back to where it began.
        if stages.policy.update not in stages.policy.checkpoints:
            stages.monitor.before_making()
        stages.policy.ensure_checkpoint()
    stages.rounds.contestants.refuse_missing()
    refuse_own_reward_models(stages.config, stages.folder)
    refuse_broken_judges(stages.config)
    release_own_stop(stages.config, stages.monitor)
    stages.monitor.attach(stages.policy)


def roll_back(stages: Stages, request: StopRequest) -> None:
    """Continue from the checkpoint that a released stop request names; redo what came after it.

    Reward models then learn from all labels known by now: an exclusion may have removed some. If
    the checkpoint is damaged, the run stops again and its owner chooses another one.
    """
    target = request.roll_back_to
    assert target is not None, "a roll back names its checkpoint"
    try:
        read_checkpoint(stages.policy.folder, target)
    except CheckpointError as error:
        # Continuing as if nothing had been decided would be the opposite of what the owner wants.
        stages.store.stop_requests.pull(TRAINER, f"{error} Choose another checkpoint.")
        return
    stages.monitor.before_making()
    event = stages.store.add_event("run_rolled_back", {"cord": request.id, "update": target})
    rounds = range(stages.config.rounds)
    later = [r for r in rounds if stages.rounds.last_update(r) > target]
    stages.rewards.forget(later)
    stages.policy.exports.forget(later)
    forget_evaluations(stages.folder, later)
    stages.policy.roll_back(target, request=request.id, label_cutoff=event.sequence)
    stages.monitor.note = ""
    stages.monitor.say(f"The policy continues from update {target}.")
