"""Speed: is an answer given before its texts can be read?"""

import math
from statistics import median

from prefloop.comparisons.quality.finding import LabelerFinding, unknown
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.figures.text import counted, fixed, percent, share_interval
from prefloop.functional.statistics import wilson
from prefloop.label_types.answers import PREFERENCES


def median_seconds(history: LabelHistory, labeler: str) -> float | None:
    """Return the median time of a labeler's answers; None if none was timed."""
    times = [history.worked_seconds(label) for label in history.labels_by.get(labeler, ())]
    known = [seconds for seconds in times if not math.isnan(seconds)]
    return median(known) if known else None


def speed_finding(history: LabelHistory, labeler: str, thresholds: Thresholds) -> LabelerFinding:
    """Return whether too many of the latest answers came faster than one can skim.

        too fast:  active seconds < words of prompt and samples / words per second

    Active seconds are the browser's, cut at the time for which the server had handed out the
    question: whoever says more is not believed.

    Fast is not wrong: a labeler who knows the prompt reads less. So it is a reason to look or to
    ask, never to exclude.
    """
    timed = [
        (history.reading_seconds(label), history.question_stats[label.comparison_id].n_words)
        for label in history.labels_by.get(labeler, ())
        if label.answer in PREFERENCES and label.comparison_id in history.question_stats
    ]
    last = [pair for pair in timed if not math.isnan(pair[0])][-thresholds.last_answers :]
    n = len(last)
    if n < thresholds.last_answers:
        message = f"{counted(n, 'timed answer')}; {thresholds.last_answers} are needed."
        return unknown(labeler, "speed", n, message)
    n_fast = sum(seconds < n_words / thresholds.words_per_second for seconds, n_words in last)
    interval = wilson(n_fast, n)
    is_found = n_fast > thresholds.too_fast_share * n
    pace = f"{fixed(60 * thresholds.words_per_second, 0)} words a minute"
    return LabelerFinding(
        labeler=labeler,
        kind="speed",
        status="found" if is_found else "not found",
        message=f"{n_fast} of the last {n} answers ({percent(n_fast / n)}; "
        f"{share_interval(*interval)}) came faster than one can skim the texts at {pace}.",
        n=n,
        value=n_fast / n,
        interval=interval,
        action=("ask" if interval.low > thresholds.too_fast_share else "look")
        if is_found
        else None,
    )
