"""What an experiment on copying found, from the folders of its runs."""

from collections.abc import Sequence

from prefloop.audits.raised import raised_alarms
from prefloop.audits.shortcuts import TEXT_SHORTCUTS
from prefloop.errors import InputError
from prefloop.experiments.carry_out import is_finished
from prefloop.experiments.goals import goals_of
from prefloop.experiments.measures import copied_before_and_after, kl, win_rate
from prefloop.experiments.members import Experiment, Member, refuse_other_settings
from prefloop.experiments.summaries import JudgedPolicy, read_policy
from prefloop.experiments.systems import all_system_figures
from prefloop.figures.experiment import (
    ArmFigures,
    ExperimentFigures,
    LabelWarningFigures,
    WatchFigures,
)
from prefloop.figures.label_audit import LabelAuditFigures
from prefloop.progress import Progress
from prefloop.run_folder import read_run_folder
from prefloop.settings.audits import AuditsConfig

COPYING = {shortcut.name for shortcut in TEXT_SHORTCUTS if shortcut.needs_source}
"""Shortcuts of the audits that count what is copied."""

COPIES_MORE = "copies more"
"""The alarm of the watch on the policy."""

COPIED_WORDS = "copied_words"
"""The shortcut whose weight is followed from the labels to the reward model."""


def experiment_figures(experiment: Experiment, progress: Progress) -> ExperimentFigures:
    """Return everything that was found.

    InputError if no run has finished, or if one was made with other settings than `experiment`
    has: the tables would say what was not run.
    """
    finished = [member for member in experiment.members if is_finished(member)]
    if not finished:
        raise InputError(f"No run of {experiment.folder} has finished. Run the experiment first.")
    for member in finished:
        refuse_other_settings(member.folder, member.config)
    policies = {member.name: read_policy(member) for member in finished}
    arms = []
    for start, arm in experiment.pairs():
        there = [member for member in experiment.of(start, arm) if is_finished(member)]
        if there:
            arms.append(_arm(experiment, start, arm, [policies[m.name] for m in there]))
    after = {name: policy.after for name, policy in policies.items()}
    systems, missing = all_system_figures(experiment, after, progress)
    config = finished[0].config
    lacking = [m.name for m in experiment.members if not is_finished(m)]
    if lacking:
        missing["runs"] = f"not finished: {', '.join(lacking)}"
    return ExperimentFigures(
        seeds=tuple(experiment.settings.seeds),
        prompts=max(arm.after.n_clusters for arm in arms),
        labels=config.comparisons.labels,
        episodes=config.policy.episodes,
        model=config.models.name,
        arms=tuple(arms),
        systems=tuple(systems),
        goals=goals_of(experiment.settings, arms),
        missing=missing,
    )


def _arm(
    experiment: Experiment, start: str, arm: str, policies: Sequence[JudgedPolicy]
) -> ArmFigures:
    before, after, ratio, change = copied_before_and_after(policies)
    return ArmFigures(
        start=start,
        arm=arm,
        title=experiment.settings.arms[arm].title,
        dose=experiment.settings.arms[arm].dose,
        seeds=tuple(policy.member.samples.seed for policy in policies),
        before=before,
        after=after,
        ratio=ratio,
        change=change,
        win_rate=win_rate(policies),
        kl=kl(policies),
        labels=tuple(label_warning(policy.member) for policy in policies),
        watch=tuple(copying_alarm(policy.member) for policy in policies),
    )


def label_warning(member: Member) -> LabelWarningFigures:
    """Return what was known of a member's labels before anything learned from them."""
    run = read_run_folder(member.folder)
    audit, rewards = run.label_audit, run.reward_audit
    warning = None if audit is None else audit.first_warning
    contrast = None if audit is None else audit.contrast
    followed = [] if rewards is None else [s for s in rewards.shortcuts if s.name == COPIED_WORDS]
    return LabelWarningFigures(
        seed=member.samples.seed,
        message="" if warning is None else warning.message,
        contrasts=0 if contrast is None else contrast.answers,
        taken=None if contrast is None else contrast.taken,
        is_warned=audit is not None and warns_of_copying(audit, member.config.audits),
        weight_in_labels=followed[0].in_labels if followed else None,
        weight_in_rewards=followed[0].in_model if followed else None,
    )


def copying_alarm(member: Member) -> WatchFigures:
    """Return at which update, and at which KL, the watch said that the policy copies more."""
    metrics = read_run_folder(member.folder).metrics
    raised = [
        alarm for alarm in raised_alarms(metrics, member.config.policy) if alarm.name == COPIES_MORE
    ]
    update = raised[0].update if raised else None
    at = [line for line in metrics if line.stage == "policy" and line.update == update]
    kl_there = at[0].values.get("policy/kl") if at else None
    return WatchFigures(seed=member.samples.seed, update=update, kl=kl_there)


def warns_of_copying(audit: LabelAuditFigures, config: AuditsConfig) -> bool:
    """Whether the labels were seen to reward copying, by the thresholds of their audit."""
    if audit.contrast is not None and audit.contrast.status == "found":
        return True
    return any(
        shortcut.name in COPYING
        and shortcut.alone.value > 0
        and shortcut.is_beyond_chance
        and shortcut.skill >= config.shortcut_skill
        for shortcut in audit.shortcuts
    )
