"""Position bias: does a labeler choose by where a sample stands on the page?"""

from collections.abc import Sequence

import numpy as np

from prefloop.comparisons.quality.finding import Action, LabelerFinding, unknown
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.figures.text import counted, ordinal, percent
from prefloop.functional.runs import PositionTest, position_test
from prefloop.functional.statistics import Interval, q_values, wilson
from prefloop.records import Label
from prefloop.teamwork import QualityCheck


def position_findings(history: LabelHistory, thresholds: Thresholds) -> list[LabelerFinding]:
    """Return for each labeler whether they choose by position.

    Chosen positions are compared with those of a uniform random order by a chi-square test; the
    false discovery rate is controlled over all labelers together.
    """
    names = history.labelers
    found = [labeler_positions(history, name) for name in names]
    enough = [test.n >= thresholds.least_overlap for test in found]
    p_values = [test.p_value for test, is_enough in zip(found, enough, strict=True) if is_enough]
    adjusted = iter(q_values(p_values))
    return [
        _finding(name, test, float(next(adjusted)), thresholds)
        if is_enough
        else unknown(
            name,
            "position",
            test.n,
            f"{counted(test.n, 'choice')}; {thresholds.least_overlap} are needed.",
        )
        for name, test, is_enough in zip(names, found, enough, strict=True)
    ]


def labeler_positions(history: LabelHistory, labeler: str) -> PositionTest:
    """Return the position test of one labeler's choices.

    Regular questions, gold and training count: each is shown in a random order. A repeated question
    does not: it is shown in the first order or its reverse, and may be answered from memory.
    """
    checks = [c for c in history.checks_by.get(labeler, ()) if c.kind != "retest"]
    return _test([*history.labels_by.get(labeler, ()), *checks])


def overall_positions(history: LabelHistory) -> PositionTest:
    """Return the position test of all choices but those of excluded labelers.

    A position that everybody favors is caused by the page, not by a person.
    """
    return _test([x for x in history.labels if x.labeler not in history.excluded])


def _test(answers: Sequence[Label | QualityCheck]) -> PositionTest:
    chosen = [
        (answer.shown.index(answer.chosen), len(answer.shown))
        for answer in answers
        if answer.answer == "best" and answer.chosen in answer.shown
    ]
    pairs = np.array(chosen, dtype=np.int64).reshape(-1, 2)
    return position_test(pairs[:, 0], pairs[:, 1])


def _finding(labeler: str, test: PositionTest, q: float, thresholds: Thresholds) -> LabelerFinding:
    interval = wilson(test.n_favorite, test.n)
    share = test.n_favorite / test.n
    is_found = q < thresholds.position_q and test.excess > thresholds.position_excess
    figures = (
        f"the {ordinal(test.favorite)} sample shown in {test.n_favorite} of {test.n} "
        f"answers ({percent(share)}; {percent(test.expected)} if only content counts)"
    )
    message = f"Chose {figures}." if not is_found else f"Chooses by position: chose {figures}."
    return LabelerFinding(
        labeler=labeler,
        kind="position",
        status="found" if is_found else "not found",
        message=message,
        n=test.n,
        value=share,
        interval=interval,
        action=_action(test, interval, thresholds) if is_found else None,
    )


def _action(test: PositionTest, interval: Interval, thresholds: Thresholds) -> Action:
    """Suggest exclusion if surely most answers go by position; less is a reason to ask.

    As orders are random, a weak position bias is noise: it costs accuracy and favors no sample.
    """
    by_position = (interval.low - test.expected) / (1 - test.expected)
    return "exclude" if by_position > thresholds.exclude_position_share else "ask"
