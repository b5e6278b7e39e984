"""A store with people and questions, and browsers and programs that call its server."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from fastapi import FastAPI
from starlette.testclient import TestClient

from prefloop.records import Comparison, Prompt, Sample
from prefloop.store.store import Store
from prefloop.teamwork import ClaimPolicy
from prefloop.web.app import create_app
from prefloop.web.config import WebSettings

HOME = "http://127.0.0.1:8765"
PASSWORD = "a long enough password"
MODEL = "policy/round-7"
"""Appears in no answer to a labeler."""

WORK_ONLY = ClaimPolicy(
    lease_seconds=900,
    gold_share=0.0,
    retest_share=0.0,
    retest_after_seconds=1800,
    training_items=0,
)


@dataclass
class Desk:
    """An open store, the app over it, and what it takes to get in."""

    store: Store
    app: FastAPI
    people: dict[str, str] = field(default_factory=dict)
    """Names -> ids."""

    def browser(self, name: str | None = None, *, host: str = "127.0.0.1") -> "Browser":
        """Return a browser, logged in as somebody, or as nobody."""
        browser = Browser(self.app, base_url=HOME, client=(host, 5000))
        if name is not None:
            browser.enter(self.store.access.invite(self.people[name]))
        return browser

    def program(self, name: str) -> TestClient:
        """Return a client with somebody's token."""
        _, secret = self.store.access.new_token(self.people[name], "for a test")
        return TestClient(
            self.app, base_url=HOME, headers={"authorization": f"Bearer {secret}"}, **_QUIET
        )


_QUIET: dict[str, Any] = {"raise_server_exceptions": False, "follow_redirects": False}


class Browser(TestClient):
    """A client that keeps cookies and sends the token against forgery, as our pages do."""

    def __init__(self, app: FastAPI, **keys: Any) -> None:
        super().__init__(app, headers={"origin": HOME}, **_QUIET, **keys)

    def enter(self, code: str) -> None:
        """Log in with a code."""
        answer = self.post("/api/session", json={"code": code})
        assert answer.status_code == 200, answer.text
        self.headers["x-csrf-token"] = answer.json()["csrf"]


def make_desk(store: Store, *, settings: WebSettings | None = None, questions: int = 6) -> Desk:
    """Return a desk: an owner, a viewer, two labelers, instructions, open questions."""
    desk = desk_over(store, settings)
    for name, role in {
        "olga": "owner",
        "vera": "viewer",
        "ann": "labeler",
        "bob": "labeler",
    }.items():
        desk.people[name] = store.people.add(name, role).id  # type: ignore[arg-type]
    store.instructions.publish("1", "Which is best?", "Pick the **best**.", True, "olga")
    for name in ("olga", "ann", "bob"):
        store.instructions.acknowledge(desk.people[name], "1")
    fill_queue(store, questions)
    return desk


def desk_over(store: Store, settings: WebSettings | None = None) -> Desk:
    """Return a desk over a store as it is."""
    app = create_app(store, settings or WebSettings(claims=WORK_ONLY))
    return Desk(store, app, {person.name: person.id for person in store.people.all()})


def fill_queue(store: Store, questions: int, *, round: int = 7, first: int = 0) -> None:
    """Open a batch of questions of two samples each, every one wanted once."""
    places = range(first, first + questions)
    prompts = [Prompt(id=f"p{n}", text=f"Prompt {n}", source="here", split="train") for n in places]
    samples = [
        Sample(
            id=f"s{n}{side}",
            prompt_id=f"p{n}",
            model=MODEL,
            round=round,
            purpose="labels",
            text=f" text {n}{side}",
            response_ids=(n,),
            is_ended=True,
            logprob=-123.25,
            ref_logprob=-124.5,
        )
        for n in places
        for side in "ab"
    ]
    comparisons = [
        Comparison(
            id=f"c{n}",
            prompt_id=f"p{n}",
            sample_ids=(f"s{n}a", f"s{n}b"),
            round=round,
            split="train",
        )
        for n in places
    ]
    store.add_all(prompts=prompts, samples=samples, comparisons=comparisons)
    store.queue.open_batch(round, [(comparison.id, 1) for comparison in comparisons])


def answer_to(question: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the body of an answer that picks what is shown first."""
    shown = [sample["id"] for sample in question["samples"]]
    body = {
        "assignment_id": question["assignment_id"],
        "answer": "best",
        "chosen": shown[0],
        "shown": shown,
        "seconds": 4.5,
        "instructions": "1",
    }
    return body | changes


def samples_of(store: Store, question: dict[str, Any]) -> dict[str, str]:
    """Return the samples' own ids, which no labeler is told, by their places in the view."""
    view = store.queue.assignment(question["assignment_id"])
    assert view is not None
    places = [sample["id"] for sample in question["samples"]]
    return dict(zip(places, (sample.id for sample in view.samples), strict=True))


def claim(client: TestClient, n: int = 1) -> list[dict[str, Any]]:
    """Return questions for a client."""
    answer = client.post("/api/claims", json={"n": n})
    assert answer.status_code == 200, answer.text
    views: list[dict[str, Any]] = answer.json()["assignments"]
    return views


def new_id() -> str:
    """Return an id for an answer."""
    return str(uuid4())


def open_store(folder: Path) -> Store:
    """Return a new store in a folder."""
    return Store.open(folder / "prefloop.db")
