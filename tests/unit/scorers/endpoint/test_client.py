"""Questions reach a real server on the loopback address that is slow, limits, drops and rambles."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prefloop.errors import DiskError, InputError
from prefloop.figures.usage import EndpointUsage, UsageFigures, usage_text
from prefloop.scorers.endpoint import client as client_module
from prefloop.scorers.endpoint import refusals
from prefloop.scorers.endpoint.client import Endpoint
from prefloop.scorers.endpoint.settings import EndpointConfig
from tests.unit.scorers.endpoint.chat_server import (
    USAGE,
    ChatServer,
    Reply,
    closed_port,
    says,
    serving,
)

KEY = "sk-5ecret-that-nobody-may-see"
QUESTIONS = [f"question {i}" for i in range(12)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Pauses of a hundredth of a second, and a cache that nobody else uses."""
    monkeypatch.setattr(refusals, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setenv("PREFLOOP_CACHE", str(tmp_path / "cache"))


def endpoint(server: ChatServer | str, **settings: Any) -> Endpoint:
    url = server if isinstance(server, str) else server.url
    return Endpoint(EndpointConfig(base_url=url, model="judge-1", **settings))


def taken(asked: Endpoint) -> UsageFigures:
    used = asked.take_usage("mine")
    assert used is not None
    return used


def number(answer: str) -> int:
    return int(answer)


def echo(question: str, n_before: int) -> Reply:
    """Answer each question with the number in it."""
    return says(question.rpartition(" ")[2])


def refused(server: ChatServer | str, questions: list[str] | None = None, **settings: Any) -> str:
    with pytest.raises(InputError) as caught:
        endpoint(server, **settings).ask(questions or QUESTIONS, number)
    return str(caught.value)


def test_answers_come_in_the_order_of_the_questions_several_at_a_time() -> None:
    def late(question: str, n_before: int) -> Reply:
        n = question.rpartition(" ")[2]
        return Reply(body=says(n).body, after_seconds=0.03 if int(n) % 2 else 0.06)

    with serving(late) as server:
        assert endpoint(server, concurrency=4).ask(QUESTIONS, number) == list(range(12))
    assert 2 <= server.most_at_once <= 4


def test_a_request_says_what_the_settings_say() -> None:
    with serving(echo) as server:
        asked = endpoint(
            server,
            system="You rate.",
            temperature=0.5,
            max_tokens=None,
            options={"seed": 3},
        )
        assert asked.ask(["rate 7"], number) == [7]
    [body] = server.bodies
    assert body == {
        "model": "judge-1",
        "messages": [
            {"role": "system", "content": "You rate."},
            {"role": "user", "content": "rate 7"},
        ],
        "temperature": 0.5,
        "seed": 3,
    }
    assert server.keys == [None]


def test_the_same_question_is_asked_once() -> None:
    with serving(echo) as server:
        asked = endpoint(server)
        assert asked.ask(["a 1", "a 1", "b 2"], number) == [1, 1, 2]
        assert asked.ask(["b 2"], number) == [2]
    assert sorted(server.asked) == ["a 1", "b 2"]
    used = taken(asked)
    assert (used.usage.requests, used.usage.reused) == (2, 1)
    assert asked.take_usage("mine") is None


@pytest.mark.parametrize(
    "trouble",
    [
        Reply(status=429, body="slow down"),
        Reply(status=500, body="oops"),
        Reply(status=503),
        Reply(is_dropped=True),
        Reply(after_seconds=0.5, body=says("9").body),
        Reply(drips=True),
    ],
    ids=["limited", "broken", "unavailable", "dropped", "slow", "dripping"],
)
def test_what_passes_is_waited_out(trouble: Reply) -> None:
    def behave(question: str, n_before: int) -> Reply:
        return trouble if n_before < 2 else echo(question, n_before)

    with serving(behave) as server:
        asked = endpoint(server, timeout_seconds=0.25)
        assert asked.ask(QUESTIONS[:3], number) == [0, 1, 2]
    assert len(server.asked) == 9


def test_a_pause_that_the_server_asks_for_is_kept_by_all_requests() -> None:
    limited: list[float] = []

    def behave(question: str, n_before: int) -> Reply:
        if not limited:
            limited.append(1)
            return Reply(status=429, headers={"Retry-After": "1"})
        return echo(question, n_before)

    with serving(behave) as server:
        assert endpoint(server, concurrency=1).ask(QUESTIONS[:3], number) == [0, 1, 2]
    first, *others = server.times
    assert min(others) - first >= 1.0


def test_a_pause_longer_than_the_patience_is_told_at_once() -> None:
    busy = Reply(status=429, body="quota", headers={"Retry-After": "3600"})
    with serving(lambda question, n: busy) as server:
        told = refused(server, patience_seconds=5.0)
    assert "429" in told and "quota" in told and "asks to wait 3600 s" in told
    assert "patience_seconds 5 are over" in told and "run the same command again later" in told
    assert len(server.asked) <= 8


def test_an_endpoint_that_is_away_is_named_with_what_to_do() -> None:
    told = refused(f"http://127.0.0.1:{closed_port()}/v1", patience_seconds=0.05)
    assert "model 'judge-1' at http://127.0.0.1:" in told and "ConnectError" in told


def test_an_endpoint_that_stays_slow_is_named_with_the_setting() -> None:
    with serving(lambda question, n: Reply(after_seconds=0.3)) as server:
        told = refused(server, QUESTIONS[:2], timeout_seconds=0.1, patience_seconds=0.15)
    assert "it gave no answer within timeout_seconds 0.1" in told


@pytest.mark.parametrize("status", [400, 401, 403, 404, 307])
def test_a_refusal_that_will_not_pass_is_told_at_once(status: int) -> None:
    reply = Reply(status=status, body="no such model", headers={"Location": "http://else/"})
    with serving(lambda question, n: reply) as server:
        told = refused(server, ["one"])
    assert str(status) in told and "no such model" in told and "base_url, model" in told
    assert "key_variable is null" in told and len(server.asked) == 1


def test_nonsense_is_asked_again_and_then_shown() -> None:
    def behave(question: str, n_before: int) -> Reply:
        is_odd = int(question.rpartition(" ")[2]) % 2 == 1
        return says("Well, it depends.") if is_odd and n_before == 0 else echo(question, n_before)

    with serving(behave) as server:
        assert endpoint(server).ask(QUESTIONS, number) == list(range(12))
    assert len(server.asked) == 18
    with serving(lambda question, n: says("Well, it depends.")) as server:
        told = refused(server, ["one"], attempts=4)
    assert "4 answers that cannot be read (invalid literal" in told
    assert "'Well, it depends.'" in told and "Change the template" in told
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(body="<html>hello</html>"), "<html>hello</html>"),
        (Reply(body='{"choices": []}'), "not a chat completion"),
        (Reply(body='{"choices": [{"text": "5"}]}'), "not a chat completion"),
        (Reply(body="[1, 2]"), "not a chat completion"),
        (says(None), "holds no text"),
        (says("  "), "finish_reason is None"),
    ],
    ids=["a page", "no choice", "an older form", "a list", "null", "blank"],
)
def test_a_response_that_is_no_completion_is_shown(reply: Reply, said: str) -> None:
    with serving(lambda question, n: reply) as server:
        told = refused(server, ["one"], attempts=2)
    assert said in told and len(server.asked) == 2


def test_an_interrupted_scoring_goes_on_where_it_stopped() -> None:
    def behave(question: str, n_before: int) -> Reply:
        return Reply(status=400) if question == "question 7" else echo(question, n_before)

    with serving(behave) as server:
        assert "400" in refused(server, concurrency=2)
        there = set(server.asked) - {"question 7"}
        assert len(there) >= 6
        server.behave = echo
        server.asked.clear()
        asked = endpoint(server)
        assert asked.ask(QUESTIONS, number) == list(range(12))
    assert not there & set(server.asked), "an answer that was paid for was asked for again"
    assert taken(asked).usage.reused == len(there)


def test_answers_under_way_are_kept_when_another_fails() -> None:
    def behave(question: str, n_before: int) -> Reply:
        if question == "bad 0":
            return Reply(status=400, after_seconds=0.02)
        return Reply(body=says("5").body, after_seconds=0.2)

    with serving(behave) as server:
        refused(server, ["slow 1", "bad 0", "slow 2", "later 3"], concurrency=3)
        assert "later 3" not in server.asked, "nothing new is begun after a failure"
        assert endpoint(server).ask(["slow 1", "slow 2"], number) == [5, 5]
    assert server.asked.count("slow 1") == server.asked.count("slow 2") == 1


def test_a_file_cut_short_costs_only_the_last_answer(tmp_path: Path) -> None:
    kept = tmp_path / "answers.jsonl"
    with serving(echo) as server:
        endpoint(server, answers=str(kept)).ask(["a 1", "b 2"], number)
        kept.write_bytes(kept.read_bytes()[:-9])
        server.asked.clear()
        assert endpoint(server, answers=str(kept)).ask(["a 1", "b 2", "c 3"], number) == [1, 2, 3]
        assert len(server.asked) == 2
        server.asked.clear()
        endpoint(server, answers=str(kept)).ask(["a 1", "b 2", "c 3"], number)
    assert server.asked == []


def test_another_request_is_another_answer() -> None:
    with serving(echo) as server:
        for settings in ({}, {"temperature": 1.0}, {"system": "x"}, {"options": {"seed": 1}}):
            endpoint(server, **settings).ask(["a 1"], number)
            endpoint(server, **settings).ask(["a 1"], number)
    assert len(server.asked) == 4


def test_an_answer_that_can_no_longer_be_read_is_asked_for_again() -> None:
    def strict(answer: str) -> int:
        if answer != "8":
            raise ValueError("it is not 8")
        return 8

    with serving(lambda question, n: says("7" if n == 0 else "8")) as server:
        assert endpoint(server).ask(["rate"], number) == [7]
        assert endpoint(server).ask(["rate"], strict) == [8]
        assert endpoint(server).ask(["rate"], strict) == [8]
    assert len(server.asked) == 2


def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    monkeypatch.setattr(client_module, "append_answer", _no_room)
    with serving(echo) as server, pytest.raises(DiskError, match="no room"):
        endpoint(server).ask(["a 1"], number)


def _no_room(*_: Any) -> None:
    raise DiskError("no room")


def test_what_it_cost_is_counted() -> None:
    def behave(question: str, n_before: int) -> Reply:
        return says("hm") if n_before == 0 else says("3")

    with serving(behave) as server:
        asked = endpoint(server, prices={"prompt": 2.5, "completion": 10.0, "currency": "EUR"})
        asked.ask(["a", "b"], number)
    used = taken(asked)
    assert used.usage == EndpointUsage(
        requests=4,  # Answers that cannot be read are paid for too.
        prompt_tokens=4 * USAGE["prompt_tokens"],
        completion_tokens=4 * USAGE["completion_tokens"],
    )
    assert used.money == pytest.approx((400 * 2.5 + 8 * 10.0) / 1e6)
    assert (used.name, used.model, used.currency) == ("mine", "judge-1", "EUR")


@pytest.mark.parametrize(
    ("prices", "usage"),
    [({}, USAGE), ({"prompt": 1.0}, USAGE), ({"prompt": 1.0, "completion": 1.0}, None)],
    ids=["no prices", "one price", "no tokens"],
)
def test_a_cost_that_is_not_known_is_not_made_up(prices: dict[str, float], usage: Any) -> None:
    with serving(lambda question, n: says("3", usage=usage)) as server:
        asked = endpoint(server, prices=prices)
        asked.ask(["a"], number)
    used = taken(asked)
    assert used.usage.requests == 1 and used.money is None
    assert ("not reported for 1 request" in usage_text(used)) == (usage is None)


# The key


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda value: monkeypatch.setenv("JUDGE_KEY", value)


def test_the_key_comes_from_the_environment_and_is_sent(key: Callable[[str], None]) -> None:
    key(f" {KEY}\n")
    with serving(echo) as server:
        endpoint(server, key_variable="JUDGE_KEY").ask(["a 1"], number)
    assert server.keys == [f"Bearer {KEY}"]


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(InputError, match=r"JUDGE_KEY \(key_variable\) is not set"):
        endpoint("http://127.0.0.1:9/v1", key_variable="JUDGE_KEY")


@pytest.mark.parametrize("bad", [f"{KEY}\nmore", f"{KEY} more", f"{KEY}\x07", f"{KEY}é"])
def test_a_key_that_cannot_be_sent_is_not_shown(bad: str, key: Callable[[str], None]) -> None:
    key(bad)
    with pytest.raises(InputError) as caught:
        endpoint("http://127.0.0.1:9/v1", key_variable="JUDGE_KEY")
    assert "JUDGE_KEY" in str(caught.value) and KEY not in str(caught.value)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=401, body=f"Incorrect API key provided: {KEY}"),
        Reply(status=429, body=f"too many requests for {KEY}"),
        Reply(body=f"your key is {KEY}"),
        says(f"The key was {KEY}."),
        says(json.dumps({"Authorization": f"Bearer {KEY}"})),
    ],
    ids=["refused", "limited", "no completion", "answer", "echo"],
)
def test_no_message_and_no_file_holds_the_key(
    reply: Reply,
    key: Callable[[str], None],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    key(KEY)
    with serving(lambda question, n: reply) as server, caplog.at_level("DEBUG"):
        told = refused(server, ["a"], key_variable="JUDGE_KEY", patience_seconds=0.05, attempts=1)
    assert KEY not in told and "[key]" in told
    assert KEY not in caplog.text and "5ecret" not in caplog.text
    written = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(KEY in text for text in written)


# A process that dies

ASKING = """
import sys
from prefloop.scorers.endpoint.client import Endpoint
from prefloop.scorers.endpoint.settings import EndpointConfig
config = EndpointConfig(base_url=sys.argv[1], model="judge-1", concurrency=2)
Endpoint(config).ask([f"question {i}" for i in range(12)], int)
"""


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT], ids=["killed", "ctrl-c"])
def test_a_process_that_is_stopped_loses_only_what_is_under_way(sent: signal.Signals) -> None:
    def behave(question: str, n_before: int) -> Reply:
        if len(server.asked) > 8:
            is_far.set()
            return Reply(after_seconds=2.0, is_dropped=True)
        return echo(question, n_before)

    is_far = threading.Event()
    with serving(behave) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", ASKING, server.url], stderr=subprocess.DEVNULL
        )
        assert is_far.wait(60)
        process.send_signal(sent)
        started = time.monotonic()
        assert process.wait(60) != 0
        assert time.monotonic() - started < 1.5, "it waits for an endpoint that is silent"
        server.behave = echo
        server.asked.clear()
        assert endpoint(server).ask(QUESTIONS, number) == list(range(12))
    assert len(server.asked) <= 12 - 8 + 1
