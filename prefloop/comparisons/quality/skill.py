"""Skill: do a labeler's answers agree with gold and with the others beyond chance?"""

from dataclasses import dataclass

import numpy as np

from prefloop.comparisons.quality.finding import Action, LabelerFinding, unknown
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.figures.text import counted, fixed, percent, share_interval
from prefloop.functional.skill import SkillAnswers, one_coin_skills
from prefloop.functional.statistics import Interval
from prefloop.teamwork import QualityCheck

STRONG_RATIO = 10.0
"""Likelihood ratio from which a labeler is asked ("strong" from 10 on: Jeffreys 1961)."""


@dataclass(frozen=True, kw_only=True)
class LabelerSkill:
    """The share of answers that follow gold and the others; the rest is guessing.

    Below 0 answers contradict them. Not the share of right answers: at 0 a labeler of two-way
    questions is right half of the time.
    """

    value: float
    interval: Interval
    """95 %."""
    n: int
    """Answers to gold, or to questions that others answered too."""
    flipped_probability: float
    """Probability of a skill below 0."""
    half_usual_probability: float
    """Probability of a skill below half of the usual one."""
    guess_ratio: float
    """Likelihood of the answers at skill 0, over that at the usual skill."""
    usual: float | None
    """Median skill of the others who are surely better than guessing; None if there are too few.
    Guessers are left out, so that many of them do not make guessing usual."""


def labeler_skills(history: LabelHistory, thresholds: Thresholds) -> dict[str, LabelerSkill]:
    """Return each labeler's skill, from gold and from questions that others answered too."""
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
        name: LabelerSkill(
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


def flipped_finding(labeler: str, skill: LabelerSkill, thresholds: Thresholds) -> LabelerFinding:
    """Return whether a labeler chooses against gold and the others."""
    if skill.n < thresholds.least_overlap:
        return unknown(labeler, "flipped", skill.n, _too_few(skill, thresholds))
    is_found = skill.flipped_probability > thresholds.flipped_probability
    action: Action = "ask"
    if skill.flipped_probability > thresholds.exclude_probability:
        action = "exclude"
    message = (
        f"Of {_comparable(skill)}, {_share(skill)} agree with gold and the others beyond chance."
    )
    if is_found:
        message = (
            f"Chooses against gold and the others: of {_comparable(skill)}, "
            f"{percent(-skill.value)} avoid the best sample ({_span(skill)}). Ask whether the "
            "question, the keys or the order of the samples was misread: then the labels can be "
            "given again."
        )
    return LabelerFinding(
        labeler=labeler,
        kind="flipped",
        status="found" if is_found else "not found",
        message=message,
        n=skill.n,
        value=skill.value,
        interval=skill.interval,
        action=action if is_found else None,
    )


def chance_finding(labeler: str, skill: LabelerSkill, thresholds: Thresholds) -> LabelerFinding:
    """Return whether a labeler's answers look like guessing.

    found: chance lies inside the interval, and the answers are likelier from a guesser than from
    the usual skill. A reason to look; to ask from ten times likelier on. Exclusion is suggested
    only if the skill is surely (99 %) below half of the usual. A labeler who is weak but surely
    better than chance is not reported: such labels still help.
    """
    if skill.n < thresholds.least_overlap:
        return unknown(labeler, "chance", skill.n, _too_few(skill, thresholds))
    if skill.usual is None:
        message = f"Fewer than {thresholds.least_labelers} others are surely better than guessing."
        return unknown(labeler, "chance", skill.n, message)
    low, high = skill.interval
    figures = (
        f"of {_comparable(skill)}, {_share(skill)} agree with gold and the others beyond chance, "
        f"where {percent(skill.usual)} is usual"
    )
    if low > 0 or high < 0:
        status, message = "not found", f"Better than guessing: {figures}."
        if high < 0:
            message = f"Not guessing, but against the others: {figures}."
    elif skill.guess_ratio < 1:
        status, message = "not enough evidence", f"Guessing is possible: {figures}."
    else:
        status = "found"
        message = (
            f"May be guessing: {figures}. Such answers are {_times(skill)} likelier from a guesser."
        )
    return LabelerFinding(
        labeler=labeler,
        kind="chance",
        status=status,  # type: ignore[arg-type]
        message=message,
        n=skill.n,
        value=skill.value,
        interval=skill.interval,
        action=_action(skill, thresholds) if status == "found" else None,
    )


def _action(skill: LabelerSkill, thresholds: Thresholds) -> Action:
    if skill.half_usual_probability > thresholds.exclude_probability:
        return "exclude"
    return "ask" if skill.guess_ratio >= STRONG_RATIO else "look"


def _times(skill: LabelerSkill) -> str:
    return (
        f"{fixed(skill.guess_ratio, 1)} times" if skill.guess_ratio < 1000 else "over 1,000 times"
    )


def _answers(history: LabelHistory) -> SkillAnswers:
    """Return the choices, followed by the answers to silent gold as one question of their own."""
    table = history.table
    gold = [c for c in history.checks if _is_known(c) and history.n_options(c) > 1]
    n = len(gold)

    def beyond(codes: np.ndarray) -> np.ndarray:
        return np.full(n, codes.max(initial=-1) + 1, dtype=np.int64)

    choices = table.choices
    numbers = np.array([table.numbers[c.labeler] for c in gold], dtype=np.int64)
    sizes = np.array([history.n_options(c) for c in gold], dtype=np.int64)
    right = np.array([float(bool(c.is_right)) for c in gold])
    return SkillAnswers(
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


def _too_few(skill: LabelerSkill, thresholds: Thresholds) -> str:
    return f"{_comparable(skill)}; {thresholds.least_overlap} are needed."


def _comparable(skill: LabelerSkill) -> str:
    return f"{counted(skill.n, 'answer')} to gold or to questions that others answered too"


def _share(skill: LabelerSkill) -> str:
    return f"{percent(skill.value)} ({share_interval(*skill.interval)})"


def _span(skill: LabelerSkill) -> str:
    return share_interval(-skill.interval.high, -skill.interval.low)
