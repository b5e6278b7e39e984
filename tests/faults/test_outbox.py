"""What a page kept while it was cut off arrives late, twice, out of order, at another server.

Each answer is there once, and nobody is told that it is not.
"""

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from prefloop.store.labeling.submissions import position_name
from prefloop.store.store import Store
from prefloop.web.app import create_app
from prefloop.web.config import WebSettings
from tests.clock_for_tests import HOUR_SECONDS, MovableClock
from tests.faults.answering import WORK_ONLY, ask, invite, publish
from tests.unit.web.desk import HOME, answer_to, new_id

N_LABELERS = 10
Message = tuple[str, str, dict[str, Any]]
"""Whose answer, its id, and what it says."""


@dataclass
class Servers:
    """One server after the other over the same store file."""

    path: Path
    tokens: dict[str, str]
    store: Store = field(init=False, repr=False)
    app: FastAPI = field(init=False, repr=False)

    def restart(self) -> None:
        """End the server, and start another."""
        if hasattr(self, "store"):
            self.app.state.services.close()
            self.store.close()
        self.store = Store.open(self.path)
        self.app = create_app(self.store, WebSettings(claims=WORK_ONLY))
        self.client = TestClient(self.app, base_url=HOME)

    def call(self, labeler: str, method: str, path: str, body: Any) -> Any:
        """Return the answer to a labeler's request."""
        headers = {"authorization": f"Bearer {self.tokens[labeler]}"}
        return self.client.request(method, path, json=body, headers=headers)


@pytest.fixture
def servers(tmp_path: Path) -> Servers:
    """A store with labelers; no server yet."""
    path = tmp_path / "prefloop.db"
    tokens = {}
    with Store.open(path) as store:
        publish(store)
        for name in invite(store, N_LABELERS):
            person = store.people.by_name(name)
            assert person is not None
            store.instructions.acknowledge(person.id, "1")
            _, tokens[name] = store.access.new_token(person.id, "page")
    return Servers(path, tokens)


def filled_outboxes(servers: Servers, n_answers: int) -> list[Message]:
    """Hand out questions, and return the answers that are on their way."""
    with Store.open(servers.path) as store:
        ask(store, n_answers // N_LABELERS, wanted=N_LABELERS)
    servers.restart()
    messages: list[Message] = []
    for name in servers.tokens:
        store = servers.store
        views = store.queue.claim(name, n=n_answers, rng=random.Random(1), policy=WORK_ONLY)
        messages += [
            (
                name,
                new_id(),
                answer_to(
                    {
                        "assignment_id": view.id,
                        "samples": [{"id": position_name(i)} for i in range(len(view.samples))],
                    }
                ),
            )
            for view in views
        ]
    assert len(messages) == n_answers
    return messages


def deliver(servers: Servers, messages: list[Message], luck: random.Random) -> None:
    """Send each message one to five times, all in any order, through several servers."""
    sent = [message for message in messages for _ in range(luck.randint(1, 5))]
    luck.shuffle(sent)
    restarts = set(luck.sample(range(len(sent)), 3))
    heard: set[str] = set()
    for place, (name, answer_id, body) in enumerate(sent):
        if place in restarts:
            servers.restart()
        saved = servers.call(name, "PUT", f"/api/answers/{answer_id}", body)
        expected = "same" if answer_id in heard else "stored"
        assert (saved.status_code, saved.json().get("outcome")) == (200, expected)
        heard.add(answer_id)
        if luck.random() < 0.05:
            slip = body | {"seconds": body["seconds"] + 1}
            refused = servers.call(name, "PUT", f"/api/answers/{answer_id}", slip)
            assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")


def check(servers: Servers, messages: list[Message]) -> None:
    """Compare the store with what was sent."""
    live = {label.id: label for label in servers.store.labels()}
    assert set(live) == {answer_id for _, answer_id, _ in messages}
    for name, answer_id, body in messages:
        label = live[answer_id]
        assert label.chosen is not None
        place = label.shown.index(label.chosen) + 1
        assert (label.labeler, str(place)) == (name, body["chosen"])
    kinds = [event.kind for event in servers.store.events()]
    assert kinds.count("label") == len(messages)
    servers.app.state.services.close()
    servers.store.close()


def test_repeats_in_any_order_across_restarts_are_stored_once(servers: Servers) -> None:
    messages = filled_outboxes(servers, 200)
    deliver(servers, messages, random.Random(2019))
    check(servers, messages)


@pytest.mark.slow
def test_ten_thousand_answers_are_stored_once_each(servers: Servers) -> None:
    messages = filled_outboxes(servers, 10_000)
    deliver(servers, messages, random.Random(2019))
    check(servers, messages)


def test_answers_that_come_hours_after_their_lease_are_stored(
    servers: Servers, clock: MovableClock
) -> None:
    messages = filled_outboxes(servers, 50)
    clock.jump(5 * HOUR_SECONDS)
    deliver(servers, messages, random.Random(1))
    check(servers, messages)
