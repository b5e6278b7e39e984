"""A language model that sees both texts, asked in both orders."""

from pathlib import Path

import pytest

from prefloop.errors import InputError
from prefloop.evaluation.judges.build import CheckedJudge, build_judge
from prefloop.evaluation.judges.llm import read_outcome
from prefloop.run_file import parse_run
from tests.unit.scorers.endpoint.chat_server import ChatServer, Reply, says, serving


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFLOOP_CACHE", str(tmp_path))


def judge(server: ChatServer, **settings: object) -> CheckedJudge:
    entry = {"kind": "llm", "base_url": server.url, "model": "m", **settings}
    return build_judge("mine", parse_run({"judges": {"mine": entry}}, "run.yaml"))


def parts(question: str) -> tuple[str, str]:
    """Return the two responses of a question."""
    rest = question.split("A:\n")[1].split("\n\nBetter:")[0]
    first, second = rest.split("\n\nB:\n")
    return first, second


def longer(question: str, n_before: int) -> Reply:
    """Prefer the longer response, wherever it stands."""
    first, second = (len(text) for text in parts(question))
    return says("tie" if first == second else "A" if first > second else "B")


def test_the_better_response_wins_in_either_place() -> None:
    with serving(longer) as server:
        asked = judge(server)
        outcomes = asked.compare_all(["p"] * 3, ["long text", "x", "abc"], ["short", "yy", "cba"])
        assert outcomes == ["win", "loss", "tie"]
        assert asked.compare("p", "short", "long text") == "loss"
    assert ("long text", "short") in map(parts, server.asked)
    assert asked.scorer is None and asked.sources == {"m"}
    assert "compares two texts" in asked.description


def test_both_orders_are_asked() -> None:
    with serving(longer) as server:
        judge(server).compare("p", "one", "another")
    assert {parts(question) for question in server.asked} == {
        ("one", "another"),
        ("another", "one"),
    }


@pytest.mark.parametrize("letter", ["A", "B"])
def test_a_model_that_prefers_a_place_gives_ties(letter: str) -> None:
    with serving(lambda question, n: says(letter)) as server:
        assert judge(server).compare_all(["p"] * 2, ["x", "y"], ["z", "w"]) == ["tie", "tie"]


def test_a_win_in_one_order_only_is_a_tie() -> None:
    def behave(question: str, n_before: int) -> Reply:
        return says("A" if parts(question)[0] == "x" else "tie")

    with serving(behave) as server:
        assert judge(server).compare("p", "x", "y") == "tie"


def test_the_swapped_question_of_a_pair_answers_the_pair_the_other_way_round() -> None:
    with serving(longer) as server:
        asked = judge(server)
        assert asked.compare("p", "longer", "short") == "win"
        n = len(server.asked)
        assert asked.compare("p", "short", "longer") == "loss"
    assert len(server.asked) == n


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("A", "win"),
        ("b", "loss"),
        ("**B**", "loss"),
        ("tie", "tie"),
        ("Tie.", "tie"),
        ("Continuation A is better.", "win"),
        ("It's a tie", "tie"),
        ("[[B]]", "loss"),
        ("<think>A or B? B.</think> A", "win"),
    ],
)
def test_an_outcome_is_read(answer: str, outcome: str) -> None:
    assert read_outcome(answer) == outcome


@pytest.mark.parametrize("answer", ["", "Neither", "A and B", "better", "A tie"])
def test_an_answer_without_an_outcome_is_told(answer: str) -> None:
    with pytest.raises(ValueError, match="of A, B and tie"):
        read_outcome(answer)


def test_nonsense_is_refused_with_the_text() -> None:
    with serving(lambda question, n: says("Both are lovely.")) as server:
        asked = judge(server, attempts=2, concurrency=1)
        with pytest.raises(InputError, match=r"2 answers that cannot be read .*'Both are lovely"):
            asked.compare("p", "x", "y")
    assert len(server.asked) == 2
