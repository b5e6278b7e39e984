"""The steps of a round that ask whether to go on: what its labels reward, before anything learns
from them, and what its reward model goes by, before a policy is trained against it."""

from prefloop.audits.labels import audit_labels, audit_scorers, write_label_audit
from prefloop.audits.rewards import (
    AuditedModel,
    audit_rewards,
    known_reward_audit,
    write_reward_audit,
)
from prefloop.rewards.scorer import RunningRewardModelScorer
from prefloop.run.stages import Stages
from prefloop.run.usage import recording_usage
from prefloop.run_folder import TrustFile, read_trusts
from prefloop.scorers.build import CheckedScorer, metered_by_name


def audit_labels_of_round(stages: Stages, round_number: int) -> None:
    """Audit the labels that there are, and say in a sentence what was found.

    A round whose reward model is trained has been audited; the labels of a stage that only draws
    samples are not there yet.
    """
    if stages.rounds.has_reward_model(round_number):
        return
    if not stages.store.labels(for_training=True):
        return
    scorers = audit_scorers(stages.config)
    with recording_usage(stages.folder, stages.monitor, metered_by_name(scorers)):
        figures = audit_labels(
            stages.store,
            stages.config,
            stages.folder,
            stages.monitor,
            scorers=scorers,
            before_making=stages.monitor.before_making,
        )
    write_label_audit(stages.folder, figures)
    warning = figures.first_warning
    if warning is not None:
        stages.monitor.say(f"Audit of the labels: {warning.message} {warning.action}")
    elif figures.findings:
        stages.monitor.say(f"Audit of the labels: {figures.findings[0].message}")


def audit_rewards_of_round(stages: Stages, round_number: int) -> None:
    """Audit the round's reward model, and say in a sentence whether to train against it.

    A round whose policy is trained needs it no more. The verdict stops nothing, and says so.
    """
    end = stages.rounds.last_update(round_number)
    if stages.policy.update >= end:
        return
    trusts = {file.round: file for file in read_trusts(stages.folder)}
    trust = trusts[round_number]
    scorers = audit_scorers(stages.config)
    if known_reward_audit(stages.store, stages.config, stages.folder, trust, scorers) is not None:
        return
    with recording_usage(stages.folder, stages.monitor, metered_by_name(scorers)):
        figures = audit_rewards(
            stages.store,
            stages.config,
            stages.folder,
            _model_in_memory(stages, trust),
            stages.monitor,
            scorers=scorers,
            before_making=stages.monitor.before_making,
        )
    write_reward_audit(stages.folder, figures)
    goes_on = (
        " The run goes on all the same." if figures.verdict in ("collect more", "stop") else ""
    )
    stages.monitor.say(f"Audit of the reward model: {figures.reason}{goes_on}")


def _model_in_memory(stages: Stages, trust: TrustFile) -> AuditedModel:
    """Return the reward model that the step before this one trained or read back."""
    name = f"rewards/round-{trust.round}"
    rewards = stages.rewards
    scorer = RunningRewardModelScorer(rewards.model, rewards.sampler.queries, stages.folder / name)
    return AuditedModel(trust=trust, scorer=CheckedScorer(name, scorer), fits=scorer.fits)
