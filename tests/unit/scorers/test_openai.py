"""Ratings of a language model become scores."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from prefloop.errors import InputError
from prefloop.run_file import parse_run
from prefloop.scorers.build import build_scorer
from prefloop.scorers.openai import read_rating
from tests.tolerances import FP64
from tests.unit.scorers.endpoint.chat_server import Reply, says, serving


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFLOOP_CACHE", str(tmp_path))


def by_length(question: str, n_before: int) -> Reply:
    """Rate a response by its number of words."""
    response = question.split("Continuation:\n")[1].split("\n\nRating:")[0]
    return says(f"{min(10, len(response.split()))}/10")


def test_ratings_become_scores_around_the_middle() -> None:
    with serving(by_length) as server:
        section = {"mine": {"kind": "openai", "base_url": server.url, "model": "m", "scale": 0.5}}
        scorer = build_scorer("mine", section)
        scores = scorer.score(["Once", "Once", "Then"], ["a b c", "a b c d e", ""])
    np.testing.assert_allclose(scores, [0.5 * (3 - 5), 0.0, 0.5 * (0 - 5)], **FP64)
    assert scorer.sources == {"m"} and scorer.description == "a language model's rating"
    first = next(asked for asked in server.asked if "a b c" in asked)
    assert "from 0 (worst) to 10 (best)" in first and "Beginning:\nOnce\n" in first


def test_it_is_asked_where_an_event_loop_runs_as_in_a_notebook() -> None:
    async def cell(url: str) -> list[float]:
        section = {"mine": {"kind": "openai", "base_url": url, "model": "m"}}
        return build_scorer("mine", section).score(["Once"], ["a b c d e f g"]).tolist()

    # In a thread of its own: a browser test before this one leaves a loop running in the main one.
    with serving(by_length) as server, ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: asyncio.run(cell(server.url))).result() == [2.0]


def test_a_template_and_a_range_of_ones_own() -> None:
    with serving(lambda question, n: says("4")) as server:
        settings = {
            "kind": "openai",
            "base_url": server.url,
            "model": "m",
            "template": "From {lowest} to {highest}: {response}",
            "lowest": 1.0,
            "highest": 5.0,
        }
        assert build_scorer("mine", {"mine": settings}).score([""], ["hello"]).tolist() == [1.0]
    assert server.asked == ["From 1 to 5: hello"]


def test_nothing_is_asked_for_no_responses() -> None:
    section = {"mine": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "m"}}
    assert build_scorer("mine", section).score([], []).shape == (0,)


@pytest.mark.parametrize(
    ("answer", "rating"),
    [
        ("7", 7.0),
        (" 7.5\n", 7.5),
        ("**8**", 8.0),
        ("Rating: 9/10", 9.0),
        ("6 out of 10", 6.0),
        ("<think>It is a 3, or a 4.</think>\n5", 5.0),
        ("10/10", 10.0),
        ("0", 0.0),
        ("I would say 4. Yes, 4.", 4.0),
    ],
)
def test_a_rating_is_read(answer: str, rating: float) -> None:
    assert read_rating(answer, 0, 10) == rating


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("Good!", "it holds no number instead of one from 0 to 10"),
        ("3 or 4", "it holds 2 numbers"),
        ("11", "11 is not from 0 to 10"),
        ("-1", "-1 is not from 0 to 10"),
        ("", "no number"),
    ],
)
def test_an_answer_without_a_rating_is_told(answer: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_rating(answer, 0, 10)


def test_the_model_that_labels_cannot_judge() -> None:
    """The same model behind another address is the same source."""
    here = {"kind": "openai", "base_url": "http://127.0.0.1:1/v1", "model": "m"}
    there = {"kind": "llm", "base_url": "http://127.0.0.1:2/v1", "model": "m"}
    raw = {
        "scorers": {"labels": here},
        "judges": {"judge": there},
        "comparisons": {"synthetic": {"scorers": {"labels": 1.0}}},
        "evaluation": {"judges": ["judge"]},
    }
    with pytest.raises(Exception, match=r"'judge' is no independent judge: .* \(m\)"):
        parse_run(raw, "run.yaml")
    raw["judges"] = {"judge": {**there, "model": "another"}}
    assert parse_run(raw, "run.yaml").evaluation.judges == ["judge"]


def test_an_answer_that_is_none_names_the_model_and_shows_the_answer() -> None:
    with serving(lambda question, n: says("As a language model, I cannot.")) as server:
        section = {"mine": {"kind": "openai", "base_url": server.url, "model": "m"}}
        with pytest.raises(InputError, match=r"model 'm' at .*no number.*'As a language model"):
            build_scorer("mine", section).score(["a"], ["b"])
