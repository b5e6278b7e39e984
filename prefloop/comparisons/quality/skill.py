"""Do a labeler's answers go by what others and the key see, by a coin, or against it?"""

from dataclasses import dataclass

import numpy as np

from prefloop.comparisons.quality.finding import Action, Finding, unknown
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.sentences import counted, percent, span
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.functional.skill import Answers, one_coin_skills
from prefloop.functional.statistics import Interval
from prefloop.teamwork import QualityCheck

TELLING = 10.0
"""A likelihood ratio that is worth a talk ("strong" from 10 on: Jeffreys 1961)."""


@dataclass(frozen=True, kw_only=True)
class Skill:
    """The share of answers that go by what others and the key see; the rest is guessing.

    Below 0 they go against it. Not the share of right answers: at 0 a labeler of two-way questions
    is right half of the time.
    """

    value: float
    interval: Interval
    """95 %."""
    n: int
    """Answers that others or the key can speak to."""
    flipped_probability: float
    half_usual_probability: float
    """Of a skill below half of what is usual here."""
    guess_ratio: float
    """How many times likelier such answers are from a guesser than from the usual skill."""
    usual: float | None
    """The median skill of the others who are surely better than guessing; None if there are too
    few. Guessers are left out, so that many of them do not make guessing usual."""


def labeler_skills(history: LabelHistory, thresholds: Thresholds) -> dict[str, Skill]:
    """Return every labeler's skill, from gold and from the questions that others answered too."""
    answers = _answers(history)
    skills = one_coin_skills(answers)
    means, low, high = skills.mean(), skills.quantile(0.025), skills.quantile(0.975)
    flipped = skills.below(np.zeros(len(means)))
    enough = skills.n >= thresholds.least_overlap
    counts_for = [
        name not in history.excluded and bool(enough[i]) and low[i] > 0
        for i, name in enumerate(history.labelers)
    ]
    usual = _median_of_others(means, np.array(counts_for, dtype=bool), thresholds.least_labelers)
    halved = skills.below(usual / 2)
    ratios = skills.ratio(np.zeros(len(means)), usual)
    return {
        name: Skill(
            value=float(means[i]),
            interval=Interval(float(low[i]), float(high[i])),
            n=int(skills.n[i]),
            flipped_probability=float(flipped[i]),
            half_usual_probability=float(halved[i]),
            guess_ratio=float(ratios[i]),
            usual=None if np.isnan(usual[i]) else float(usual[i]),
        )
        for i, name in enumerate(history.labelers)
    }


def flipped_finding(labeler: str, skill: Skill, thresholds: Thresholds) -> Finding:
    """Return whether a labeler chooses against the others and the key."""
    if skill.n < thresholds.least_overlap:
        return unknown(labeler, "flipped", skill.n, _too_few(skill, thresholds))
    is_found = skill.flipped_probability > thresholds.flipped_probability
    action: Action = "ask"
    if skill.flipped_probability > thresholds.exclude_probability:
        action = "exclude"
    told = f"Of {_speaking(skill)}, {_share(skill)} go by what others and the key see."
    if is_found:
        told = (
            f"Chooses against others and the key: of {_speaking(skill)}, {percent(-skill.value)} "
            f"avoid the best sample ({_span(skill)}). Ask whether the question, the keys or the "
            "samples' order was misread: then the labels can be given anew."
        )
    return Finding(
        labeler=labeler,
        kind="flipped",
        status="found" if is_found else "not found",
        told=told,
        n=skill.n,
        value=skill.value,
        interval=skill.interval,
        action=action if is_found else None,
    )


def chance_finding(labeler: str, skill: Skill, thresholds: Thresholds) -> Finding:
    """Return whether a labeler's answers look like a coin's.

    found: chance lies inside the interval, and such answers are likelier from a guesser than from
    the usual skill. A reason to look; from ten times likelier on to ask. Exclusion is suggested
    only if the skill is surely (99 %) below half of the usual. A labeler who is weak but surely
    better than chance is not told: such labels still help.
    """
    if skill.n < thresholds.least_overlap:
        return unknown(labeler, "chance", skill.n, _too_few(skill, thresholds))
    if skill.usual is None:
        told = f"Fewer than {thresholds.least_labelers} others are surely better than guessing."
        return unknown(labeler, "chance", skill.n, told)
    low, high = skill.interval
    figures = (
        f"of {_speaking(skill)}, {_share(skill)} go by what others and the key see, where "
        f"{percent(skill.usual)} is usual"
    )
    if low > 0 or high < 0:
        status, told = "not found", f"Better than guessing: {figures}."
        if high < 0:
            told = f"Not like a coin, but against the others: {figures}."
    elif skill.guess_ratio < 1:
        status, told = "not enough evidence", f"May or may not be guessing: {figures}."
    else:
        status = "found"
        told = (
            f"Cannot be told from guessing: {figures}. Such answers are {_times(skill)} likelier "
            "from a guesser."
        )
    return Finding(
        labeler=labeler,
        kind="chance",
        status=status,  # type: ignore[arg-type]
        told=told,
        n=skill.n,
        value=skill.value,
        interval=skill.interval,
        action=_action(skill, thresholds) if status == "found" else None,
    )


def _action(skill: Skill, thresholds: Thresholds) -> Action:
    if skill.half_usual_probability > thresholds.exclude_probability:
        return "exclude"
    return "ask" if skill.guess_ratio >= TELLING else "look"


def _times(skill: Skill) -> str:
    return f"{skill.guess_ratio:.1f} times" if skill.guess_ratio < 1000 else "over 1,000 times"


def _answers(history: LabelHistory) -> Answers:
    """Return the choices, and after them the answers to silent gold as one question of its own."""
    table = history.table
    gold = [c for c in history.checks if _is_known(c) and history.n_options(c) > 1]
    n = len(gold)

    def beyond(codes: np.ndarray) -> np.ndarray:
        return np.full(n, codes.max(initial=-1) + 1, dtype=np.int64)

    choices = table.choices
    numbers = np.array([table.numbers[c.labeler] for c in gold], dtype=np.int64)
    sizes = np.array([history.n_options(c) for c in gold], dtype=np.int64)
    right = np.array([float(bool(c.is_right)) for c in gold])
    return Answers(
        labeler=np.concatenate([choices.labeler, numbers]),
        question=np.concatenate([choices.question, beyond(choices.question)]),
        option=np.concatenate([choices.option, beyond(choices.option)]),
        n_options=np.concatenate([table.n_options, sizes]),
        is_right=np.concatenate([np.full(len(choices.labeler), np.nan), right]),
        n_labelers=choices.n_labelers,
    )


def _is_known(check: QualityCheck) -> bool:
    return check.kind == "gold" and check.is_right is not None


def _median_of_others(means: np.ndarray, counts_for: np.ndarray, least: int) -> np.ndarray:
    """Return for each labeler the others' median; NaN where fewer than `least` others count."""
    found = np.full(len(means), np.nan)
    for i in range(len(means)):
        others = counts_for.copy()
        others[i] = False
        if others.sum() >= least:
            found[i] = np.median(means[others])
    return found


def _too_few(skill: Skill, thresholds: Thresholds) -> str:
    return (
        f"{counted(skill.n, 'answer')} that others or the key can speak to; "
        f"{thresholds.least_overlap} are needed."
    )


def _speaking(skill: Skill) -> str:
    return f"{counted(skill.n, 'answer')} that others or the key can speak to"


def _share(skill: Skill) -> str:
    return f"{percent(skill.value)} ({span(skill.interval)})"


def _span(skill: Skill) -> str:
    return span(Interval(-skill.interval.high, -skill.interval.low))
