"""Does the place on the page decide, instead of what stands there?"""

from collections.abc import Sequence

import numpy as np

from prefloop.comparisons.quality.finding import Action, Finding, unknown
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.sentences import ordinal, percent
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.functional.runs import Places, place_test
from prefloop.functional.statistics import Interval, q_values, wilson
from prefloop.records import Label
from prefloop.teamwork import QualityCheck


def position_findings(history: LabelHistory, thresholds: Thresholds) -> list[Finding]:
    """Return for each labeler whether the place where a sample stood was chosen.

    Against what a fresh random order allows, by chi-square, with the share of false discoveries
    held over all labelers together.
    """
    names = history.labelers
    found = [labeler_places(history, name) for name in names]
    enough = [places.n >= thresholds.least_overlap for places in found]
    told = [places.p_value for places, is_enough in zip(found, enough, strict=True) if is_enough]
    adjusted = iter(q_values(told))
    return [
        _finding(name, places, float(next(adjusted)), thresholds)
        if is_enough
        else unknown(
            name, "place", places.n, f"{places.n} choices: too few to see a place in them."
        )
        for name, places, is_enough in zip(names, found, enough, strict=True)
    ]


def labeler_places(history: LabelHistory, labeler: str) -> Places:
    """Return where the samples stood that one labeler chose.

    Work, gold and training count: their orders are drawn anew. A repeat is the first order or its
    reverse, and answered from memory, so it does not.
    """
    checks = [c for c in history.checks_by.get(labeler, ()) if c.kind != "repeat"]
    return _places([*history.labels_by.get(labeler, ()), *checks])


def overall_places(history: LabelHistory) -> Places:
    """Return where all chosen samples stood, those of excluded labelers left out.

    A place that everybody favors is a matter of the page, not of a person.
    """
    return _places([x for x in history.labels if x.labeler not in history.excluded])


def _places(answers: Sequence[Label | QualityCheck]) -> Places:
    chosen = [
        (answer.shown.index(answer.chosen), len(answer.shown))
        for answer in answers
        if answer.answer == "best" and answer.chosen in answer.shown
    ]
    pairs = np.array(chosen, dtype=np.int64).reshape(-1, 2)
    return place_test(pairs[:, 0], pairs[:, 1])


def _finding(labeler: str, places: Places, q: float, thresholds: Thresholds) -> Finding:
    interval = wilson(places.n_favorite, places.n)
    share = places.n_favorite / places.n
    is_found = q < thresholds.place_q and places.excess > thresholds.place_excess
    figures = (
        f"the {ordinal(places.favorite)} sample shown in {places.n_favorite} of {places.n} "
        f"answers ({percent(share)}; {percent(places.expected)} if only content counts)"
    )
    told = f"Chose {figures}." if not is_found else f"Goes by the place: chose {figures}."
    return Finding(
        labeler=labeler,
        kind="place",
        status="found" if is_found else "not found",
        told=told,
        n=places.n,
        value=share,
        interval=interval,
        action=_action(places, interval, thresholds) if is_found else None,
    )


def _action(places: Places, interval: Interval, thresholds: Thresholds) -> Action:
    """Suggest exclusion if surely most answers go by the place; a leaning is a reason to ask.

    Random orders turn a leaning into noise: it costs accuracy and moves no preference.
    """
    by_place = (interval.low - places.expected) / (1 - places.expected)
    return "exclude" if by_place > thresholds.exclude_place_share else "ask"
