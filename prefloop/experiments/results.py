"""What an experiment on copying found, from the folders of its runs."""

from collections.abc import Sequence

from prefloop.audits.raised import raised_alarms
from prefloop.audits.shortcuts import TEXT_SHORTCUTS
from prefloop.errors import InputError
from prefloop.experiments.carry_out import is_finished
from prefloop.experiments.goals import goals_of
from prefloop.experiments.measures import (
    copied_before_and_after,
    kl,
    system_figures,
    win_rate,
)
from prefloop.experiments.members import Experiment, Member
from prefloop.experiments.summaries import (
    ArticleSummary,
    JudgedPolicy,
    chosen_summaries,
    copying_reranked,
    question_summaries,
    read_policy,
    reward_reranked,
    rule_summaries,
    start_summaries,
)
from prefloop.figures.experiment import (
    ArmFigures,
    ExperimentFigures,
    LabelWarningFigures,
    SystemFigures,
    WatchFigures,
)
from prefloop.figures.label_audit import LabelAuditFigures
from prefloop.figures.text import counted
from prefloop.progress import Progress
from prefloop.run_folder import read_run_folder
from prefloop.scorers.build import CheckedScorer, build_scorer
from prefloop.settings.audits import AuditsConfig

ACCURACY = "accuracy"
"""The scorer that took no part in any arm."""

COPYING = {shortcut.name for shortcut in TEXT_SHORTCUTS if shortcut.needs_source}
"""Shortcuts of the audits that count what is copied."""

COPIES_MORE = "copies more"
"""The alarm of the watch on the policy."""

COPIED_WORDS = "copied_words"
"""The shortcut whose weight is followed from the labels to the reward model."""

ROWS_OF_2019 = {
    "zero-shot": "zero-shot",
    "supervised": "supervised",
    "zero-shot + hurried": "fine-tuned (60k)",
    "supervised + hurried": "supervised + fine-tuned",
    "human reference": "human reference",
}
"""Systems here and the rows of 2019's tables that they stand beside."""


def experiment_figures(experiment: Experiment, progress: Progress) -> ExperimentFigures:
    """Return everything that was found; InputError if no run has finished."""
    finished = [member for member in experiment.members if is_finished(member)]
    if not finished:
        raise InputError(f"No run of {experiment.folder} has finished. Run the experiment first.")
    policies = {member.name: read_policy(member) for member in finished}
    arms = []
    for start, arm in experiment.pairs():
        there = [member for member in experiment.of(start, arm) if is_finished(member)]
        if there:
            arms.append(_arm(experiment, start, arm, [policies[m.name] for m in there]))
    systems, missing = _systems(experiment, policies, progress)
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


def _systems(
    experiment: Experiment, policies: dict[str, JudgedPolicy], progress: Progress
) -> tuple[list[SystemFigures], dict[str, str]]:
    """Return the figures of every system, and why some are missing."""
    accuracy = build_scorer(ACCURACY, {})
    found, missing = list[SystemFigures](), dict[str, str]()
    first = next(iter(experiment.settings.members))
    sets = [s for s in experiment.sample_sets if s.start == first]
    rules: dict[str, list[ArticleSummary]] = {}
    for samples in sets:
        for name, summaries in rule_summaries(samples).items():
            rules.setdefault(name, []).extend(summaries)
    for name, summaries in rules.items():
        _add(found, missing, name, name, summaries, accuracy)
    for start, arms in experiment.settings.members.items():
        variant = experiment.settings.starts[start]
        own = [s for s in experiment.sample_sets if s.start == start]
        summaries = [summary for samples in own for summary in start_summaries(samples)]
        _add(found, missing, start, variant.title, summaries, accuracy)
        for arm in arms:
            names = [member.name for member in experiment.of(start, arm)]
            after = [s for name in names if name in policies for s in policies[name].after]
            title = f"{variant.title}, then {experiment.settings.arms[arm].title}"
            _add(found, missing, f"{start} + {arm}", title, after, accuracy)
    _add_chosen(experiment, found, missing, accuracy)
    _add_reranked(experiment, found, missing, accuracy, progress)
    return found, missing


def _add(
    found: list[SystemFigures],
    missing: dict[str, str],
    name: str,
    title: str,
    summaries: Sequence[ArticleSummary],
    accuracy: CheckedScorer,
) -> None:
    if not summaries:
        missing[name] = "it has no summaries of held-out articles"
        return
    row = ROWS_OF_2019.get(name, "")
    found.append(system_figures(name, title, summaries, accuracy, in_2019=row))


def _add_chosen(
    experiment: Experiment,
    found: list[SystemFigures],
    missing: dict[str, str],
    accuracy: CheckedScorer,
) -> None:
    """Add what labelers were shown and what they chose: what choosing does without training.

    These are the articles of the questions, not the held-out ones.
    """
    for start, arms in experiment.settings.members.items():
        shown, copied = list[ArticleSummary](), list[ArticleSummary]()
        for samples in [s for s in experiment.sample_sets if s.start == start]:
            drawn, most = question_summaries(samples)
            shown, copied = [*shown, *drawn], [*copied, *most]
        of = f"{start}, of each question"
        _add(found, missing, f"{start}: shown", f"{of} all summaries", shown, accuracy)
        title = f"{of} the summary that copies most"
        _add(found, missing, f"{start}: most copying", title, copied, accuracy)
        for arm in arms:
            members = filter(is_finished, experiment.of(start, arm))
            chosen = [s for member in members for s in chosen_summaries(member)]
            title = f"{of} the summary chosen by {experiment.settings.arms[arm].title}"
            _add(found, missing, f"{start}: chosen by {arm}", title, chosen, accuracy)


def _add_reranked(
    experiment: Experiment,
    found: list[SystemFigures],
    missing: dict[str, str],
    accuracy: CheckedScorer,
    progress: Progress,
) -> None:
    """Add the best of n samples of the first start, by copying alone and by reward models."""
    start, arms = next(iter(experiment.settings.members.items()))
    sets = [s for s in experiment.sample_sets if s.start == start]
    evaluation = sets[0].config.evaluation
    if not evaluation.frontier_prompts:
        missing["best of n"] = (
            "evaluation.frontier_prompts is 0: several samples a prompt are not drawn"
        )
        return
    sizes = [2**k for k in range(1, 8) if 2**k <= evaluation.frontier_samples]
    for n in sizes:
        kept = [s for samples in sets for s in copying_reranked(samples, n)]
        title = f"{start}, of {counted(n, 'sample')} the one that copies most"
        _add(found, missing, f"best of {n} by copying", title, kept, accuracy)
    for arm in arms:
        kept = []
        for member in filter(is_finished, experiment.of(start, arm)):
            progress.say(f"best of {sizes[-1]} by the reward model of {member.name}")
            kept += reward_reranked(member, sizes[-1])
        title = f"{start}, of {counted(sizes[-1], 'sample')} the one that {arm} rewards most"
        _add(found, missing, f"best of {sizes[-1]} by {arm}", title, kept, accuracy)
