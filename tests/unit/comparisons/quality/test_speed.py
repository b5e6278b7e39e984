"""Faster than one can skim: looked at, asked about, never excluded."""

import math

from prefloop.comparisons.quality.finding import LabelerFinding
from prefloop.comparisons.quality.label_history import LabelHistory, QuestionStats
from prefloop.comparisons.quality.speed import median_seconds, speed_finding
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.teamwork import AnswerTimes
from tests.unit.comparisons.quality.answers import label


def finding(
    seconds: list[float], *, n_words: int = 60, active: bool = False, held: float = 200.0
) -> LabelerFinding:
    """60 words are skimmed in five seconds."""
    labels = [
        label(f"q{i}", "ann", 0, seconds=100.0 if active else s) for i, s in enumerate(seconds)
    ]
    history = LabelHistory(
        labels=labels,
        question_stats={
            x.comparison_id: QuestionStats(n_words=n_words, copies_most=None) for x in labels
        },
        times={
            x.id: AnswerTimes(worked_seconds=None, held_seconds=held, active_seconds=s)
            for x, s in zip(labels, seconds, strict=True)
            if active
        },
    )
    return speed_finding(history, "ann", Thresholds())


def test_fast_answers_are_counted_in_the_last_50() -> None:
    slow_now = finding([1.0] * 200 + [9.0] * 50)
    assert (slow_now.status, slow_now.value, slow_now.action) == ("not found", 0.0, None)
    fast_now = finding([9.0] * 200 + [1.0] * 50)
    assert (fast_now.status, fast_now.value, fast_now.action) == ("found", 1.0, "ask")
    assert fast_now.message == (
        "50 of the last 50 answers (100 %; 92–100 %) came faster than one can skim the texts "
        "at 720 words a minute."
    )


def test_a_fifth_is_allowed_and_just_more_is_looked_at() -> None:
    assert finding([4.9] * 10 + [5.1] * 40).status == "not found"
    just = finding([4.9] * 12 + [5.1] * 38)
    assert (just.status, just.action) == ("found", "look")


def test_active_time_counts_where_it_is_known() -> None:
    assert finding([1.0] * 50, active=True).status == "found"


def test_nobody_is_believed_to_have_read_longer_than_they_had_the_question() -> None:
    assert finding([60.0] * 50, active=True).status == "not found"
    assert finding([60.0] * 50, active=True, held=1.0).status == "found"


def test_untimed_answers_and_unknown_texts_are_no_evidence() -> None:
    assert finding([1.0] * 49).status == "not enough evidence"
    assert finding([1.0] * 49 + [math.nan]).n == 49
    labels = [label(f"q{i}", "ann", 0, seconds=0.1) for i in range(60)]
    unread = speed_finding(LabelHistory(labels=labels), "ann", Thresholds())
    assert (unread.status, unread.n) == ("not enough evidence", 0)


def test_skips_are_no_answers() -> None:
    labels = [label(f"q{i}", "ann", answer="skip", seconds=0.1) for i in range(60)]
    question_stats = {x.comparison_id: QuestionStats(n_words=60, copies_most=None) for x in labels}
    found = speed_finding(
        LabelHistory(labels=labels, question_stats=question_stats), "ann", Thresholds()
    )
    assert found.n == 0


def test_median_time() -> None:
    labels = [label(f"q{i}", "ann", 0, seconds=s) for i, s in enumerate([3.0, math.nan, 9.0, 4.0])]
    history = LabelHistory(labels=labels)
    assert median_seconds(history, "ann") == 4.0
    assert median_seconds(history, "nobody") is None


def test_the_servers_time_is_what_counts_and_else_that_without_breaks() -> None:
    """Answers from before schema 0005 have no time of the server: a break is no work."""
    answers = [label(f"q{i}", "ann", 0, seconds=3600.0) for i in range(3)]
    known = [(12.0, 40.0), (None, 9.0), (None, None)]
    times = {
        x.id: AnswerTimes(worked_seconds=worked, held_seconds=4000.0, active_seconds=active)
        for x, (worked, active) in zip(answers, known, strict=True)
    }
    history = LabelHistory(labels=answers, times=times)
    assert [history.worked_seconds(x) for x in answers] == [12.0, 9.0, 3600.0]
