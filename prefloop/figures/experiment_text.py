"""The figures of a copying experiment as lines of text, beside those of 2019."""

from collections.abc import Sequence

from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.experiment import (
    ArmFigures,
    ExperimentFigures,
    SystemFigures,
    WatchFigures,
)
from prefloop.figures.text import counted, fixed, percent, points, points_interval, share_interval

NOVEL_SENTENCES_2019 = {
    "human reference": (0.967, 0.989),
    "zero-shot": (0.917, 0.963),
    "supervised": (0.836, 0.969),
    "supervised + fine-tuned": (0.696, 0.940),
    "fine-tuned (60k)": (0.025, 0.290),
}
"""Share of sentences that are not in the source, CNN/Daily Mail and TL;DR (2019, blog)."""

ACCURATE_2019 = {
    "zero-shot": (6, 6),
    "fine-tuned (60k)": (29, 26),
    "supervised": (19, 8),
    "supervised + fine-tuned": (20, 11),
}
"""Accurate summaries of 30, in the authors' judgment, CNN/Daily Mail and TL;DR (2019, table 5)."""

OF_30 = 30

NOTHING = "–"
MET = {True: "yes", False: "no", None: "not known"}


def share_text(figure: EstimateFigure | None) -> str:
    """Return a share with its interval; a dash without one."""
    if figure is None:
        return NOTHING
    return f"{percent(figure.value)} ({share_interval(figure.low, figure.high, apart_from=())})"


def ratio_text(ratio: EstimateFigure | None) -> str:
    """Return a ratio with its interval; words where one of the two copied nothing."""
    if ratio is None:
        return "not defined: one of the two copied nothing"
    if ratio.low is None or ratio.high is None:
        return f"{fixed(ratio.value, 1)} times"
    return f"{fixed(ratio.value, 1)} times ({fixed(ratio.low, 1)}–{fixed(ratio.high, 1)})"


def change_text(change: EstimateFigure) -> str:
    """Return a change in percentage points with its interval."""
    interval = points_interval(change.low, change.high)
    return f"{points(change.value)} points ({interval})"


def number_text(figure: EstimateFigure | None, digits: int) -> str:
    """Return a mean with its interval; a dash without one."""
    if figure is None:
        return NOTHING
    value = fixed(figure.value, digits)
    if figure.low is None or figure.high is None:
        return value
    return f"{value} ({fixed(figure.low, digits)}–{fixed(figure.high, digits)})"


def headline(figures: ExperimentFigures) -> str:
    """Return on what everything rests."""
    seeds = ", ".join(map(str, figures.seeds))
    return (
        f"{figures.model}, {counted(figures.labels, 'label')} to learn from and "
        f"{counted(figures.episodes, 'episode')} in each run, "
        f"{'seed' if len(figures.seeds) == 1 else 'seeds'} {seeds}, "
        f"{counted(figures.prompts, 'held-out article')}. Intervals are 95 %."
    )


def arm_lines(figures: ExperimentFigures) -> list[str]:
    """Return for each arm the copied share before and after, and what the labels had told."""
    lines = list[str]()
    for arm in figures.arms:
        lines += [
            f"{arm.title}, from {arm.start}: sentences copied {share_text(arm.before)} before, "
            f"{share_text(arm.after)} after: {ratio_text(arm.ratio)}; {change_text(arm.change)}.",
            *(f"  {line}" for line in [*_label_lines(arm), *map(_watch_line, arm.watch)]),
        ]
    return lines


def goal_lines(figures: ExperimentFigures) -> list[str]:
    """Return each goal with what was found."""
    return [f"{MET[goal.is_met]:<12}  {goal.goal}: {goal.found}" for goal in figures.goals]


def arm_table(figures: ExperimentFigures) -> list[list[str]]:
    """Return a row for each arm, under `ARM_COLUMNS`."""
    return [
        [
            f"{arm.title}, from {arm.start}",
            share_text(arm.before),
            share_text(arm.after),
            ratio_text(arm.ratio),
            share_text(arm.win_rate),
            number_text(arm.kl, 1),
            _over_seeds([label.weight_in_labels for label in arm.labels]),
            _over_seeds([label.weight_in_rewards for label in arm.labels]),
        ]
        for arm in figures.arms
    ]


ARM_COLUMNS = [
    "Arm",
    "copied before",
    "copied after",
    "ratio",
    "win rate (accuracy)",
    "KL, nats",
    "copying in labels",
    "copying in the reward model",
]


def system_table(figures: ExperimentFigures) -> list[list[str]]:
    """Return a row for each system, under `SYSTEM_COLUMNS`: table 5.6 of 2019, and more."""
    return [
        [
            system.title,
            share_text(system.copying.novel_sentences),
            _in_2019(system, NOVEL_SENTENCES_2019),
            share_text(system.copying.novel_2grams),
            number_text(system.copying.lexical_independence, 2),
            number_text(system.copying.density, 1),
            share_text(system.copying.starts_copied),
            _with_n(system.starts_with_preamble),
            number_text(system.words, 0),
        ]
        for system in figures.systems
    ]


SYSTEM_COLUMNS = [
    "System",
    "sentences not in the source",
    "2019: CNN/DM, TL;DR",
    "novel bigrams",
    "independence (MINT)",
    "density",
    "first three words copied",
    "the same behind a preamble",
    "words",
]


def accuracy_table(figures: ExperimentFigures) -> list[list[str]]:
    """Return a row for each system, under `ACCURACY_COLUMNS`: table 5.7 of 2019."""
    return [
        [
            system.title,
            share_text(system.accurate),
            _above_text(system.accuracy_above_copying),
            f"{system.n}",
            _of_30(system),
            share_text(system.copied_sentences),
        ]
        for system in figures.systems
    ]


ACCURACY_COLUMNS = [
    "System",
    "accurate by the check",
    "above as many copies, points",
    "summaries",
    "2019, authors: CNN/DM, TL;DR",
    "sentences copied",
]


def _label_lines(arm: ArmFigures) -> list[str]:
    """Return what the audit of the labels said before the training, seed by seed."""
    lines = []
    for label in arm.labels:
        said = label.message or "no warning"
        taken = f"a copy met a sample that is none in {counted(label.contrasts, 'answer')}"
        if label.taken is not None:
            taken += f", and was taken in {share_text(label.taken)}"
        lines.append(f"before the training (seed {label.seed}): {said} [{taken}]")
    return lines


def _watch_line(watch: WatchFigures) -> str:
    if watch.update is None:
        return f"while it trained (seed {watch.seed}): no alarm that the policy copies more"
    kl = NOTHING if watch.kl is None else fixed(watch.kl, 1)
    return (
        f"while it trained (seed {watch.seed}): the watch said at update {watch.update}, at a KL "
        f"of {kl} nats, that the policy copies more"
    )


def _in_2019(system: SystemFigures, table: dict[str, tuple[float, float]]) -> str:
    if system.in_2019 not in table:
        return NOTHING
    return ", ".join(percent(share, digits=1) for share in table[system.in_2019])


def _of_30(system: SystemFigures) -> str:
    if system.in_2019 not in ACCURATE_2019:
        return NOTHING
    return ", ".join(f"{n} of {OF_30}" for n in ACCURATE_2019[system.in_2019])


def _above_text(above: EstimateFigure | None) -> str:
    if above is None:
        return NOTHING
    interval = points_interval(above.low, above.high)
    return f"{points(above.value)} ({interval})" if interval else points(above.value)


def _with_n(figure: EstimateFigure | None) -> str:
    return NOTHING if figure is None else f"{share_text(figure)}, n {figure.n}"


def _over_seeds(values: Sequence[float | None]) -> str:
    """Return the mean over seeds, and behind it the least and the greatest of several."""
    known = [value for value in values if value is not None]
    if not known:
        return NOTHING
    mean = fixed(sum(known) / len(known))
    return mean if len(known) == 1 else f"{mean} ({fixed(min(known))} to {fixed(max(known))})"
