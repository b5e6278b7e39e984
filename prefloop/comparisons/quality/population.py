"""Alarms about all labelers at once: their cause is the page or the known answers, not people.

One labeler is no population. So each alarm holds without any one of the people behind it, too:
somebody who answers much, and flipped, at random, by position or for the copies, raises none alone.
Nor can one person hide that the answers of all others are flipped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from prefloop.comparisons.quality.copying_preference import copying_answers
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.peers import overall_with_owners
from prefloop.comparisons.quality.position import overall_positions
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.figures.text import counted, ordinal, percent, share_interval
from prefloop.functional.statistics import Estimate, Interval, paired_win_rate, wilson

AlarmKind = Literal["flipped", "chance", "position", "copying", "rule"]
AlarmTest = Callable[[Estimate, float], AlarmKind | None]
"""What an estimate beside chance is an alarm of; None: of nothing."""


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A problem of the whole run."""

    kind: AlarmKind
    """`flipped`: people as a whole choose against the known answers or the owners. `chance`: no
    better than guessing. `position`: everybody favors a position on the page. `copying`: everybody
    prefers copies of the prompt. `rule`: an exclusion rule excludes more than it should."""
    level: Literal["stop", "look"]
    """`stop`: stop the run until it is understood; labels may mean their opposite."""
    message: str
    value: float
    interval: Interval | None
    n: int


class RatedAnswer(NamedTuple):
    """One answer, and whether it is what an alarm counts."""

    labeler: str
    question: str
    outcome: float
    """1 or 0; between them where several owners decide."""
    chance: float
    """The outcome to expect from a guess."""


def population_alarms(history: LabelHistory, thresholds: Thresholds) -> list[Alarm]:
    """Return the alarms about all labelers together."""
    found = [
        _gold_alarm(history, thresholds),
        _owners_alarm(history, thresholds),
        _position_alarm(history, thresholds),
        _copying_alarm(history, thresholds),
    ]
    return [alarm for alarm in found if alarm is not None]


def key_is_in_doubt(alarms: list[Alarm]) -> bool:
    """Return whether the known answers are in doubt, as the whole population fails them."""
    return any(alarm.kind in ("flipped", "chance") for alarm in alarms)


def holds_without_each(
    answers: Sequence[RatedAnswer], kind: AlarmKind, holds: AlarmTest, confidence: float
) -> bool:
    """Return whether the answers without any one labeler's are an alarm of the same kind.

    These intervals are clustered by question alone: that people differ is in that of all of them,
    and of two who are left nothing could be said about people at large.
    """
    for name in {answer.labeler for answer in answers}:
        rest = [answer for answer in answers if answer.labeler != name]
        if not rest:
            return False
        estimate = paired_win_rate(
            [answer.outcome for answer in rest], [answer.question for answer in rest], confidence
        )
        if holds(estimate, _chance(rest)) != kind:
            return False
    return True


def _gold_alarm(history: LabelHistory, thresholds: Thresholds) -> Alarm | None:
    """Compare the latest silent gold of all with chance; the latest, to notice a flip early."""
    known = [
        RatedAnswer(
            check.labeler,
            check.comparison_id,
            float(bool(check.is_right)),
            1 / history.n_options(check),
        )
        for check in history.checks
        if check.kind == "gold" and check.is_right is not None and history.n_options(check) > 1
    ]
    gold = [c for c in known if c.labeler not in history.excluded][-thresholds.recent_gold :]
    people = {answer.labeler for answer in gold}
    if len(gold) < thresholds.least_gold or len(people) < thresholds.least_labelers:
        return None
    estimate = _estimate(gold, thresholds.grade_confidence)
    chance = _chance(gold)
    kind = _against_chance(estimate, chance)
    confidence = thresholds.grade_confidence
    if kind is None or not holds_without_each(gold, kind, _against_chance, confidence):
        hidden = _hidden_flip(gold, thresholds)
        if hidden is None:
            return None
        kind, gold, estimate = "flipped", hidden, _estimate(hidden, confidence)
        chance, people = _chance(gold), {answer.labeler for answer in gold}
    figures = (
        f"{percent(estimate.value)} ({share_interval(*estimate.interval)}) of the latest "
        f"{counted(len(gold), 'gold answer')} by {len(people)} people are right, where guessing "
        f"gives {percent(chance)}"
    )
    return _alarm(kind, figures, estimate)


def _hidden_flip(gold: list[RatedAnswer], thresholds: Thresholds) -> list[RatedAnswer] | None:
    """Return the answers of all but one if they are flipped and that one hides it; else None."""
    people = sorted({answer.labeler for answer in gold})
    if len(people) <= thresholds.least_labelers:
        return None
    confidence = thresholds.grade_confidence
    for name in people:
        rest = [answer for answer in gold if answer.labeler != name]
        if len(rest) < thresholds.least_gold:
            continue
        is_flipped = _against_chance(_estimate(rest, confidence), _chance(rest)) == "flipped"
        if is_flipped and holds_without_each(rest, "flipped", _against_chance, confidence):
            return rest
    return None


def _owners_alarm(history: LabelHistory, thresholds: Thresholds) -> Alarm | None:
    estimate = overall_with_owners(history)
    if estimate is None or estimate.n < thresholds.least_gold:
        return None
    chance = float((1 / history.table.n_options).mean())
    answers = _beside_owners(history)
    people = {answer.labeler for answer in answers}
    if len(people) < thresholds.least_labelers or estimate.interval.high >= chance:
        return None
    if not holds_without_each(answers, "flipped", _against_chance, thresholds.grade_confidence):
        return None
    owners = _owners_who_chose(history)
    for name in owners if len(owners) > 1 else ():
        others = _beside_owners(replace(history, owners=history.owners - {name}), but=name)
        rest = paired_win_rate([x.outcome for x in others], [x.question for x in others])
        if _against_chance(rest, _chance(others)) != "flipped":
            return None
    figures = (
        f"labelers choose as the owners do in {percent(estimate.value)} "
        f"({share_interval(*estimate.interval)}) of {counted(estimate.n, 'common choice')}, where "
        f"guessing gives {percent(chance)}"
    )
    return _alarm("flipped", figures, estimate)


def _owners_who_chose(history: LabelHistory) -> list[str]:
    return sorted({x.labeler for x in history.table.labels} & history.owners)


def _beside_owners(history: LabelHistory, *, but: str = "") -> list[RatedAnswer]:
    """Return the choices of labelers on questions that owners answered: the share who agree."""
    table = history.table
    of_owners: dict[str, list[str | None]] = {}
    for label in table.labels:
        if label.labeler in history.owners:
            of_owners.setdefault(label.comparison_id, []).append(label.chosen)
    found = []
    for label, n_options in zip(table.labels, table.n_options, strict=True):
        chosen = of_owners.get(label.comparison_id)
        is_counted = label.labeler not in history.owners | history.excluded | {but}
        if chosen and is_counted:
            outcome = chosen.count(label.chosen) / len(chosen)
            found.append(
                RatedAnswer(label.labeler, label.comparison_id, outcome, 1 / int(n_options))
            )
    return found


def _against_chance(estimate: Estimate, chance: float) -> AlarmKind | None:
    interval = estimate.interval
    if interval.high < chance:
        return "flipped"
    if interval.low <= chance and interval.high < (1 + chance) / 2:
        return "chance"
    return None


def _alarm(kind: AlarmKind, figures: str, estimate: Estimate) -> Alarm:
    sentence = figures[0].upper() + figures[1:]
    is_flipped = kind == "flipped"
    message = (
        f"{sentence}: answers mean their opposite, or the known answers do. The cause is the "
        "page, the order or the known answers, not people."
        if is_flipped
        else f"{sentence}: this may be guessing. Check the known answers, and whether answers and "
        "samples still belong together, before you draw conclusions about anybody."
    )
    return Alarm(
        kind=kind,
        level="stop" if is_flipped else "look",
        message=message,
        value=estimate.value,
        interval=estimate.interval,
        n=estimate.n,
    )


def _position_alarm(history: LabelHistory, thresholds: Thresholds) -> Alarm | None:
    found = overall_positions(history)
    if not _favors_a_position(history, thresholds):
        return None
    people = {label.labeler for label in history.labels} - history.excluded
    for name in people:
        rest = replace(history, excluded=history.excluded | {name})
        if not _favors_a_position(rest, thresholds):
            return None
    share = found.n_favorite / found.n
    return Alarm(
        kind="position",
        level="look",
        message=f"All labelers together chose the {ordinal(found.favorite)} sample shown in "
        f"{percent(share)} of {counted(found.n, 'choice')}, where chance gives "
        f"{percent(found.expected)}: check how the page lays samples out, and whether their order "
        "is random.",
        value=share,
        interval=wilson(found.n_favorite, found.n),
        n=found.n,
    )


def _favors_a_position(history: LabelHistory, thresholds: Thresholds) -> bool:
    found = overall_positions(history)
    return found.p_value < thresholds.position_q and found.excess > thresholds.position_excess


def _copying_alarm(history: LabelHistory, thresholds: Thresholds) -> Alarm | None:
    """Compare the choices of copies with chance, whoever made them."""
    answers = [
        RatedAnswer(x.label.labeler, x.label.comparison_id, float(x.is_copy), x.chance)
        for x in copying_answers(history)
    ]
    people = {answer.labeler for answer in answers}
    if len(answers) < thresholds.least_overlap or len(people) < thresholds.least_labelers:
        return None

    def prefers_copies(estimate: Estimate, chance: float) -> AlarmKind | None:
        is_clear = estimate.interval.low > chance
        return (
            "copying" if is_clear and estimate.value - chance > thresholds.copying_excess else None
        )

    estimate, chance = _estimate(answers, thresholds.grade_confidence), _chance(answers)
    is_robust = prefers_copies(estimate, chance) is not None and holds_without_each(
        answers, "copying", prefers_copies, thresholds.grade_confidence
    )
    if not is_robust:
        return None
    return Alarm(
        kind="copying",
        level="look",
        message=f"Where one sample copies clearly most from the prompt, {len(people)} people "
        f"together chose it in {percent(estimate.value)} "
        f"({share_interval(*estimate.interval, apart_from=(chance,))}) of "
        f"{counted(estimate.n, 'answer')}, where guessing gives {percent(chance)}: a model that "
        "learns from these labels learns to copy. Check what the instructions say about copies.",
        value=estimate.value,
        interval=estimate.interval,
        n=estimate.n,
    )


def _estimate(answers: Sequence[RatedAnswer], confidence: float) -> Estimate:
    return paired_win_rate(
        [answer.outcome for answer in answers],
        [answer.question for answer in answers],
        confidence,
        labelers=[answer.labeler for answer in answers],
    )


def _chance(answers: Sequence[RatedAnswer]) -> float:
    return sum(answer.chance for answer in answers) / len(answers)
