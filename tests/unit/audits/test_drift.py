"""How far responses drift in each shortcut, by hand."""

import json

import pytest

from prefloop.audits.drift import drift_start, read_drift_start
from prefloop.audits.measures import MEASURES
from prefloop.audits.shortcuts import TEXT_SHORTCUTS
from prefloop.metrics import DRIFTS, METRICS
from tests.unit.audits.rollouts import Planted

ARTICLE = "The town of Ely lies on a river and has a very old cathedral"
SHORT = ["Once upon a time"] * 2


def test_length_by_hand() -> None:
    """log 2 and log 4 are 1.5 log 2 on average, with a spread of log 2 / 2; log 8 is three such."""
    start = drift_start("descriptiveness", SHORT, ["Rain", "Rain and snow"])
    found = start.drifts(SHORT, ["It rained for seven days and nights"] * 2)
    assert found == {"length": pytest.approx(3.0)}
    assert start.drifts(SHORT, ["Rain and snow", "Rain"]) == {"length": pytest.approx(0.0)}


def test_copies_by_hand() -> None:
    """A copy and a text of its own are 0.5 copied, with a spread of 0.5; two copies are one more.

    They are equally long, so the length has no spread to measure by.
    """
    prompts = [ARTICLE] * 2
    start = drift_start("summarization", prompts, ["The town of Ely.", "Nobody went so far."])
    copied = ("copied_words", "copied_sentences", "starts_copied")
    assert set(start.levels) == set(copied)
    assert start.drifts(prompts, ["The town of Ely."] * 2) == dict.fromkeys(copied, 1.0)
    assert drift_start("summarization", SHORT, ["The town.", "He left."]).levels == {}


@pytest.mark.parametrize(("task", "is_left_out"), [("sentiment", True), ("descriptiveness", False)])
def test_what_the_task_asks_for_is_no_shortcut(task: str, is_left_out: bool) -> None:
    levels = drift_start(task, SHORT, ["A lovely day", "An awful day"]).levels
    assert ("rated_words" not in levels) == is_left_out


def test_words_of_another_script_have_no_ratings() -> None:
    assert "rated_words" not in drift_start("free", SHORT, ["好 good", "今天天气很糟糕"]).levels


def test_every_shortcut_of_the_audits_has_its_metric() -> None:
    assert tuple(DRIFTS) == MEASURES == tuple(s.name for s in TEXT_SHORTCUTS)
    assert {f"policy/drift_{name}" for name in MEASURES} <= set(METRICS)


def test_the_start_outlives_its_process() -> None:
    start = drift_start("descriptiveness", SHORT, ["Rain", "Rain and snow!"])
    read = read_drift_start(json.loads(json.dumps(start.state(), sort_keys=True)))
    assert read == start
    texts = ["Rain and snow! Then sun", "Fog"]
    before, after = (list(each.drifts(SHORT, texts).items()) for each in (start, read))
    assert len(before) > 1 and before == after, "the same figures in the same order"


def test_a_checkpoint_of_an_earlier_version_knows_no_start() -> None:
    """Another update than the first is no start, so nothing is said of drift."""
    run = Planted().updates(2)
    assert run.lines[0]["policy/drift_length"] == pytest.approx(0.0)
    assert run.lines[1]["policy/drift_length"] != 0.0
    state = run.watch.state()
    del state["drift_start"]
    run.watch.load_state(state)
    run.update()
    assert not any(key.startswith("policy/drift") for key in run.lines[-1])
    assert "policy/score_drift" in run.lines[-1]
