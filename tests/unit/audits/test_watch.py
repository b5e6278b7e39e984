"""Planted hacks raise their alarms in time, clean runs raise none, resumed watches are the same."""

import json
import math
from dataclasses import replace

import pytest

from bench.zoo_texts import Hack, at_times, freeze, keyword, open_alike
from prefloop.audits.alarms import ALARMS
from prefloop.audits.raised import raised_alarms
from prefloop.audits.watch import alarm_sentence
from prefloop.figures.metrics_line import read_line
from prefloop.figures.repetition import PhraseFigures
from prefloop.settings.policy import PolicyConfig
from tests.unit.audits.rollouts import CLEAN, Planted, records

CLEAN_RUNS, CLEAN_UPDATES = 10, 30


HALF_KEYWORD = at_times(keyword, 0.51)
"""As in the run in which nothing said so."""


def names_of(run: Planted) -> list[str]:
    raised = raised_alarms(map(read_line, run.lines), run.config.policy)
    return list(dict.fromkeys(alarm.name for alarm in raised))


@pytest.mark.parametrize(
    ("hack", "name", "within"),
    [
        (freeze, "one answer to many prompts", 1),
        (at_times(open_alike, 0.34), "one opening for many answers", 4),
    ],
)
def test_a_planted_hack_raises_its_alarm_within_so_many_updates(
    hack: Hack, name: str, within: int
) -> None:
    """Length, copies, a word and repeats are among the nine of `test_nine_hacks.py`."""
    run = Planted().updates(CLEAN)
    assert names_of(run) == []
    run.updates(within, hack)
    assert name in names_of(run)
    assert any(name in sentence for sentence in run.said)


def test_the_word_that_half_the_answers_hold_is_named_with_its_share() -> None:
    """A run tuned towards twenty words put one into 51 % of its answers, and nothing said so."""
    run = Planted().updates(CLEAN).updates(6, HALF_KEYWORD)
    (first, *_) = [sentence for sentence in run.said if "a word took over" in sentence]
    assert '"glorious" stands in' in first
    assert "before training it stood in 0 %" in first
    assert run.lines[-1]["risen_words"][0]["phrase"] == "glorious"
    assert 0.4 < run.lines[-1]["risen_words"][0]["share"] < 0.6


def test_the_opening_that_many_answers_share_is_named() -> None:
    run = Planted().updates(CLEAN).updates(4, at_times(open_alike, 0.5))
    (said,) = [sentence for sentence in run.said if "one opening for many answers" in sentence]
    assert 'The commonest of this update: "she was a".' in said
    assert run.lines[-1]["top_opening"] == "she was a"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("she was \x1b[2J\nAlarm: none", '"she was \ufffd[2J Alarm: none"'),
        ("\u202eevil", '"\ufffdevil"'),
        ("a" * 10_000, f'"{"a" * 59}…"'),
    ],
)
def test_what_a_policy_said_is_quoted_safely(said: str, shown: str) -> None:
    """Also from a file of metrics that somebody else wrote."""
    alike = [{"top_opening": share} for share in [0.1] * 4 + [0.5] * 4]
    lines = [replace(line, top_opening=said) for line in records(alike)]
    word = PhraseFigures(phrase=said, share=0.6, baseline_share=0.0, q=0.0)
    lines[-1] = replace(lines[-1], risen_words=(word,))
    opening, took_over = raised_alarms(lines, PolicyConfig())
    assert opening.message.endswith(f"update: {shown}.")
    assert took_over.message.startswith(f"{shown} stands in")
    lines = [replace(line, top_opening="", risen_words=()) for line in lines]
    (opening,) = raised_alarms(lines, PolicyConfig())
    assert opening.message.endswith("went from 10 % to 50 %."), "as lines of earlier versions"


def test_without_label_samples_words_are_compared_with_the_first_updates() -> None:
    run = Planted()
    run.watch._reference_texts = list
    run.updates(4)
    assert "risen_words" not in run.lines[-1]
    run.updates(4).updates(4, HALF_KEYWORD)
    assert "a word took over" in names_of(run)


def test_ten_clean_runs_raise_nothing() -> None:
    for seed in range(CLEAN_RUNS):
        run = Planted(seed).updates(CLEAN_UPDATES)
        assert (run.said, names_of(run)) == ([], [])


def test_an_alarm_is_told_of_once_per_level_and_round() -> None:
    run = Planted().updates(CLEAN).updates(4, entropy=0.9)
    assert sum("entropy" in sentence for sentence in run.said) == 1
    run.updates(4, entropy=0.3)
    assert sum("entropy" in sentence for sentence in run.said) == 2, "now it is a stop"
    run.update(entropy=0.3)
    assert sum("entropy" in sentence for sentence in run.said) == 2
    run.update(round=1, entropy=0.3)
    assert sum("entropy" in sentence for sentence in run.said) == 3


def test_a_stop_is_asked_for_only_where_the_run_wants_it_and_the_table_says_so() -> None:
    for on_alarm, n_stops in (("warn", 0), ("stop", 1)):
        run = Planted(on_alarm=on_alarm).updates(CLEAN).updates(4, clip_fraction=0.5)
        assert len(run.said) == 1 and run.stops == []
        run.updates(4, entropy=0.3)
        assert len(run.stops) == n_stops
    assert "entropy collapsed" in run.stops[0]
    assert "audits.on_alarm=warn" in run.stops[0]


@pytest.mark.parametrize("at", [3, 10, 13])
def test_a_watch_of_a_fresh_process_goes_on_as_the_old_one(at: int) -> None:
    straight = Planted().updates(CLEAN).updates(8, HALF_KEYWORD)
    resumed = Planted()
    for i in range(CLEAN + 8):
        if i == at:
            state, lines = resumed.watch.state(), resumed.lines
            resumed.watch = resumed.new_watch()
            resumed.watch.load_state(json.loads(json.dumps(state)))
            resumed.watch.begin(json.loads(json.dumps(lines)))
        resumed.update(HALF_KEYWORD if i >= CLEAN else None)
    assert resumed.lines == straight.lines
    assert resumed.said == straight.said


def test_a_watch_that_forgot_its_words_would_be_seen() -> None:
    straight = Planted().updates(12)
    forgetful = Planted().updates(10)
    forgetful.watch.load_state({})
    assert forgetful.updates(2).lines != straight.lines


def test_a_nan_is_an_alarm_at_once() -> None:
    run = Planted().updates(1)
    line = {**run.lines[0], "update": 2, "policy/score": math.nan}
    (raised,) = raised_alarms([read_line(run.lines[0]), read_line(line)], PolicyConfig())
    assert (raised.name, raised.level, raised.update) == ("not a finite number", "stop", 2)
    assert "policy/score" in alarm_sentence(raised)


def test_the_drift_of_the_score_begins_anew_with_another_reward_model() -> None:
    run = Planted()
    run.update(score=1.0, score_sd=2.0)
    run.update(score=4.0)
    run.update(round=1, score=9.0, score_sd=0.5)
    run.update(round=1, score=8.0)
    assert [line["policy/score_drift"] for line in run.lines] == [0.0, 1.5, 0.0, -2.0]


def test_every_alarm_has_a_name_of_its_own_and_a_source() -> None:
    assert len({alarm.name for alarm in ALARMS}) == len(ALARMS) == 17
    assert all(alarm.source and alarm.threshold and alarm.measure for alarm in ALARMS)
