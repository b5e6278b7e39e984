"""Where a run continues: at its newest checkpoint, or at the one that a roll back names."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from prefloop.audits.alarm_rules import NEWEST
from prefloop.audits.raised import raised_alarms
from prefloop.audits.watch import WATCH
from prefloop.errors import CheckpointError
from prefloop.evaluation.evaluate import forget_evaluations
from prefloop.figures.metrics_line import MetricsLine, read_line
from prefloop.models.checkpoint import read_checkpoint
from prefloop.run.evaluating import refuse_broken_judges, refuse_own_reward_models
from prefloop.run.stages import Stages
from prefloop.run.stops import TRAINER
from prefloop.run.watching import release_own_stop
from prefloop.settings.comparisons import PEOPLE
from prefloop.settings.policy import PolicyConfig
from prefloop.teamwork import StopRequest

ROLLED_BACK = "run_rolled_back"
"""The event of a run that goes back, with its stop request and the update."""


def resume(stages: Stages) -> None:
    """Continue where an earlier process stopped: at its newest checkpoint, or at the start."""
    stages.policy.restore()
    _owe_nothing_at_first(stages)
    stages.monitor.outbox.catch_up(stages.store, stages.metrics.lines())
    goes_back = stages.config.audits.on_alarm == "roll_back"
    if stages.config.comparisons.labelers == PEOPLE or goes_back:
        # What people or alarms stop may have to go back to where it began.
        if stages.policy.update not in stages.policy.checkpoints:
            stages.monitor.before_making()
        stages.policy.ensure_checkpoint()
    stages.rounds.contestants.refuse_missing()
    refuse_own_reward_models(stages.config, stages.folder)
    refuse_broken_judges(stages.config)
    release_own_stop(stages.config, stages.monitor)
    stages.canaries.release_switched_off()
    stages.canaries.note_releases()
    stages.live.write_down()
    stages.monitor.attach(stages.policy, partial(answer_alarm, stages))


def _owe_nothing_at_first(stages: Stages) -> None:
    """Let a policy without a checkpoint begin behind the last roll back that its store knows of.

    The store is a copy, or another run used it before: that run went back, and nothing of this one
    is to be taken back. Reward models learn from as many labels as they did after it.
    """
    followed = stages.store.events_of_kind(ROLLED_BACK)
    if followed and not stages.policy.checkpoints:
        stages.policy.lineage = replace(
            stages.policy.lineage,
            rolled_back_by=json.loads(followed[-1].payload)["cord"],
            label_cutoff=followed[-1].sequence,
        )


def answer_alarm(stages: Stages, request: StopRequest, checkpoints: Sequence[int]) -> int | None:
    """Return the last good policy where an alarm stopped the run and may take it back by itself.

    That is once a round: an alarm that comes again is no accident of random numbers. A request to
    which a person added a reason is for the owner.
    """
    requests = stages.store.stop_requests
    is_asked = stages.config.audits.on_alarm == "roll_back" and request.pulled_by == WATCH
    if not is_asked or any(by != WATCH for by in requests.added_by(request.id)):
        return None
    start = stages.rounds.last_update(stages.monitor.round - 1)
    for earlier in requests.all():
        target = earlier.roll_back_to
        if earlier.released_by == WATCH and target is not None and target >= start:
            return None
    lines = [read_line(line) for line in stages.metrics.lines() if line["stage"] == "policy"]
    return last_good(lines, stages.config.policy, [c for c in checkpoints if c >= start])


def last_good(
    lines: Sequence[MetricsLine], policy: PolicyConfig, checkpoints: Sequence[int]
) -> int | None:
    """Return the newest checkpoint from before the alarms that stopped the run in the newest
    update; None if there is none.

    An alarm that stops was a warning before, and both look at the mean of NEWEST updates: what it
    is about began so many updates before the first of its round.
    """
    raised = [a for a in raised_alarms(lines, policy) if a.round == lines[-1].round]
    stopping = {a.name for a in raised if a.level == "stop" and a.update == lines[-1].update}
    began = min((a.update for a in raised if a.name in stopping), default=0) - NEWEST
    good = [number for number in checkpoints if number <= max(began, 0)]
    return max(good, default=None) if stopping else None


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
    event = stages.store.add_event(ROLLED_BACK, {"cord": request.id, "update": target})
    rounds = range(stages.config.rounds)
    later = [r for r in rounds if stages.rounds.last_update(r) > target]
    stages.rewards.forget(later)
    stages.policy.exports.forget(later)
    forget_evaluations(stages.folder, later)
    stages.canaries.forget_after(target)
    stages.live.write_down()
    stages.policy.roll_back(target, request=request.id, label_cutoff=event.sequence)
    stages.monitor.note = ""
    stages.monitor.say(f"The policy continues from update {target}.")
