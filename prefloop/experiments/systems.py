"""The systems of an experiment that its tables hold against each other, and their figures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prefloop.experiments.carry_out import is_drawn, is_finished
from prefloop.experiments.copying_control import measure
from prefloop.experiments.measures import system_figures
from prefloop.experiments.members import Experiment, SampleSet
from prefloop.experiments.summaries import (
    ArticleSummary,
    chosen_summaries,
    copying_reranked,
    question_summaries,
    reward_reranked,
    rule_summaries,
    start_summaries,
)
from prefloop.figures.experiment import SystemFigures
from prefloop.figures.text import counted
from prefloop.progress import Progress
from prefloop.scorers.build import build_scorer

ACCURACY = "accuracy"
"""The scorer that took no part in any arm."""

LEAD = "lead-3"

ROWS_OF_2019 = {
    "zero-shot": "zero-shot",
    "supervised": "supervised",
    "zero-shot + hurried": "fine-tuned (60k)",
    "supervised + hurried": "supervised + fine-tuned",
    "human reference": "human reference",
}
"""Systems here and the rows of 2019's tables that they stand beside."""


@dataclass(frozen=True)
class System:
    """What wrote a set of summaries."""

    name: str
    title: str
    control: tuple[str, str]
    """The start that it is held against, and what copies the same articles."""
    summaries: list[ArticleSummary] = field(default_factory=list)


def all_system_figures(
    experiment: Experiment,
    after: Mapping[str, Sequence[ArticleSummary]],
    progress: Progress,
) -> tuple[list[SystemFigures], dict[str, str]]:
    """Return the figures of every system, and why some are missing.

    `after` has the summaries of each finished member's policy.
    """
    missing = dict[str, str]()
    systems = [
        *_rules(experiment),
        *_models(experiment, after),
        *_chosen(experiment),
        *_reranked(experiment, missing, progress),
    ]
    accuracy = build_scorer(ACCURACY, {})
    measured = {s.name: measure(s.summaries, accuracy) for s in systems if s.summaries}
    figures = list[SystemFigures]()
    for system in systems:
        name, (start, copies) = system.name, system.control
        if name not in measured:
            missing[name] = "it has no summaries of held-out articles"
            continue
        is_held = name not in system.control and {start, copies} <= measured.keys()
        control = (measured[start], measured[copies]) if is_held else None
        row = ROWS_OF_2019.get(name, "")
        figures.append(system_figures(name, system.title, measured[name], control, in_2019=row))
    return figures, missing


def _drawn(experiment: Experiment, start: str) -> list[SampleSet]:
    """Return a start's sets of samples: tables may be made before all are drawn."""
    return [s for s in experiment.sample_sets if s.start == start and is_drawn(s)]


def _learned(experiment: Experiment, start: str) -> list[str]:
    """Return the arms of a start of which a run has finished."""
    arms = experiment.settings.members[start]
    return [arm for arm in arms if any(map(is_finished, experiment.of(start, arm)))]


def _rules(experiment: Experiment) -> list[System]:
    """Return people's subtitles and the rules that need no model."""
    first = next(iter(experiment.settings.members))
    systems: dict[str, System] = {}
    for samples in _drawn(experiment, first):
        for name, summaries in rule_summaries(samples).items():
            system = systems.setdefault(name, System(name, name, (first, LEAD)))
            system.summaries.extend(summaries)
    return list(systems.values())


def _models(
    experiment: Experiment, after: Mapping[str, Sequence[ArticleSummary]]
) -> Iterator[System]:
    """Yield every start, and what became of it in each arm."""
    for start in experiment.settings.members:
        title, control = experiment.settings.starts[start].title, (start, LEAD)
        own = [s for of in _drawn(experiment, start) for s in start_summaries(of)]
        yield System(start, title, control, own)
        for arm in _learned(experiment, start):
            names = [member.name for member in experiment.of(start, arm)]
            yield System(
                f"{start} + {arm}",
                f"{title}, then {experiment.settings.arms[arm].title}",
                control,
                [summary for name in names for summary in after.get(name, ())],
            )


def _chosen(experiment: Experiment) -> Iterator[System]:
    """Yield what labelers were shown and what they chose: what choosing does without training.

    These are the articles of the questions, not the held-out ones.
    """
    for start in experiment.settings.members:
        of, control = f"{start}, of each question", (f"{start}: shown", f"{start}: most copying")
        shown = System(control[0], f"{of} all summaries", control)
        most = System(control[1], f"{of} the summary that copies most", control)
        for samples in _drawn(experiment, start):
            drawn, copied = question_summaries(samples)
            shown.summaries.extend(drawn)
            most.summaries.extend(copied)
        yield from (shown, most)
        for arm in _learned(experiment, start):
            members = filter(is_finished, experiment.of(start, arm))
            title = f"{of} the summary chosen by {experiment.settings.arms[arm].title}"
            chosen = [s for member in members for s in chosen_summaries(member)]
            yield System(f"{start}: chosen by {arm}", title, control, chosen)


def _reranked(
    experiment: Experiment, missing: dict[str, str], progress: Progress
) -> Iterator[System]:
    """Yield the best of n samples of the first start, by copying alone and by reward models."""
    start = next(iter(experiment.settings.members))
    evaluation, control = experiment.members[0].config.evaluation, (start, LEAD)
    sets = _drawn(experiment, start)
    if not evaluation.frontier_prompts:
        missing["best of n"] = (
            "evaluation.frontier_prompts is 0: several samples a prompt are not drawn"
        )
        return
    sizes = [2**k for k in range(1, 8) if 2**k <= evaluation.frontier_samples]
    for n in sizes:
        title = f"{start}, of {counted(n, 'sample')} the one that copies most"
        kept = [s for samples in sets for s in copying_reranked(samples, n)]
        yield System(f"best of {n} by copying", title, control, kept)
    for arm in _learned(experiment, start):
        kept = []
        for member in filter(is_finished, experiment.of(start, arm)):
            progress.say(f"best of {sizes[-1]} by the reward model of {member.name}")
            kept += reward_reranked(member, sizes[-1], progress)
        title = f"{start}, of {counted(sizes[-1], 'sample')} the one that {arm} rewards most"
        yield System(f"best of {sizes[-1]} by {arm}", title, control, kept)
