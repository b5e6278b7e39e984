"""Settings of `comparisons.people` change the page, its address, and what labelers are given."""

import socket
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from fastapi import FastAPI
from starlette.testclient import TestClient

from prefloop.cli import page
from prefloop.cli.running import _page
from prefloop.cli.serving import _door, _settings
from prefloop.progress import Silent
from prefloop.run.training import train_while_waiting
from prefloop.store.store import Store
from prefloop.teamwork import Gold
from prefloop.web.serving import address, make_server
from prefloop.web.strings import SHIPPED
from tests.unit.web.desk import Desk, answer_to, make_desk, new_id, samples_of
from tests.wiring.runs import assembled
from tests.wiring.wires import Observations, Observer, Settings, Wire, covers, run_with

HOST, ADDRESS, KNOWN_AS = "host", "address", "names it answers to"
SECURE, TLS = "cookies over TLS only", "certificate and key"
LEASE, GOLD, REPEATS, EXAMPLES = "lease", "gold questions", "repeated questions", "examples"
PASSED, STRENGTH = "right answers that were enough", "asks how much better"
REASONS = "reasons offered"
RENDERED = "texts rendered"
SAID, STRINGS = "what the page says", "comparisons.strings"

BASE = {
    "comparisons.labelers": "people",
    "comparisons.people.gold_share": 0.0,
    "comparisons.people.retest_share": 0.0,
}
N_QUESTIONS, N_GOLD, N_EXAMPLES = 36, 14, 4

WIRES = [
    Wire(setting="comparisons.people.host", value="127.0.0.2", changes={HOST, ADDRESS, KNOWN_AS}),
    Wire(
        setting="comparisons.people.origin",
        value="https://label.acme.org",
        changes={ADDRESS, KNOWN_AS, SECURE},
    ),
    Wire(
        setting="comparisons.people.certificate",
        value="tls.pem",
        given={"comparisons.people.key": "a.key", "comparisons.people.certificate": "other.pem"},
        changes={TLS},
    ),
    Wire(
        setting="comparisons.people.key",
        value="b.key",
        given={"comparisons.people.key": "a.key", "comparisons.people.certificate": "tls.pem"},
        changes={TLS},
    ),
    Wire(setting="comparisons.people.lease_minutes", value=3.0, changes={LEASE}),
    Wire(setting="comparisons.people.gold_share", value=0.8, changes={GOLD}),
    Wire(
        setting="comparisons.people.retest_share",
        value=0.5,
        given={"comparisons.people.retest_after_minutes": 0.0},
        changes={REPEATS},
    ),
    Wire(
        setting="comparisons.people.retest_after_minutes",
        value=0.0,
        given={"comparisons.people.retest_share": 0.5},
        changes={REPEATS},
    ),
    Wire(setting="comparisons.people.training_items", value=4, changes={EXAMPLES, PASSED}),
    Wire(
        setting="comparisons.people.pass_accuracy",
        value=0.4,
        given={"comparisons.people.training_items": 4},
        changes={PASSED},
    ),
    Wire(setting="comparisons.people.strength", value=True, changes={STRENGTH}),
    Wire(setting="comparisons.people.reasons", value=["shorter"], changes={REASONS}),
    Wire(setting="comparisons.markdown", value=True, changes={RENDERED}),
    Wire(setting=STRINGS, value="loud.yaml", changes={SAID}),
]


def observe(settings: Settings, folder: Path) -> Observations:
    if STRINGS in settings:
        settings = {**settings, STRINGS: str(loud_strings(folder / settings[STRINGS]))}
    web = _settings(run_with({**BASE, **settings}), folder, None, None)
    with _door(web, folder) as door, Store.open(folder / "prefloop.db") as store:
        host, _ = door.getsockname()
        desk = make_desk(store, settings=web, questions=N_QUESTIONS)
        server = make_server(store, web, on_ready=lambda _: None)
        try:
            ann = desk.program("ann")
            return {
                HOST: host,
                ADDRESS: address(web, 1234),
                KNOWN_AS: [name for name in NAMES if answers_to(desk, name)],
                SECURE: web.is_secure,
                TLS: (server.config.ssl_certfile, server.config.ssl_keyfile),
                STRENGTH: ann.get("/api/me").json()["settings"]["strength"],
                REASONS: ann.get("/api/me").json()["settings"]["reasons"],
                **given_to(desk, ann),
                SAID: "YOUR CODE" in desk.browser().get("/login").text,
                RENDERED: "prompt_html" in ann.get("/api/answers").text,
            }
        finally:
            desk.app.state.services.close()
            cast(FastAPI, server.config.app).state.services.close()


def loud_strings(path: Path) -> Path:
    """Write the strings of the page with one of them in capitals."""
    raw = yaml.safe_load(SHIPPED.read_text("utf-8"))
    raw["pages"]["login"]["code"] = "YOUR CODE"
    path.write_text(yaml.safe_dump(raw, allow_unicode=True), encoding="utf-8")
    return path


NAMES = ("127.0.0.1", "127.0.0.2", "label.acme.org", "other.acme.org")


def answers_to(desk: Desk, name: str) -> bool:
    """Return whether the server answers a request that calls it by this name."""
    answer = desk.browser().get("/login", headers={"host": name})
    return bool(answer.status_code == 200)


def given_to(desk: Desk, ann: TestClient) -> Observations:
    """Return what a labeler is given who comes for the first time and answers everything."""
    for n in range(N_GOLD):
        is_training = n < N_EXAMPLES
        desk.store.gold.add(
            Gold(
                comparison_id=f"c{n}",
                chosen=f"s{n}a",
                explanation="It is.",
                is_training=is_training,
                created_by="olga",
            )
        )
    kinds: Counter[str] = Counter()
    leases = set()
    has_passed = True
    while sum(kinds.values()) < N_QUESTIONS - N_GOLD:
        answer = ann.post("/api/claims", json={"n": 4})
        has_passed = answer.status_code == 200
        if not has_passed:
            break
        for question in answer.json()["assignments"]:
            view = desk.store.queue.assignment(question["assignment_id"])
            assert view is not None
            kinds[view.kind] += 1
            leases.add(round(view.leased_until - view.leased_at))
            ann.put(f"/api/answers/{new_id()}", json=half_right(desk, question, kinds[view.kind]))
    return {
        LEASE: leases,
        GOLD: kinds["gold"] > 0,
        REPEATS: kinds["retest"] > 0,
        EXAMPLES: kinds["training"],
        PASSED: has_passed,
    }


def half_right(desk: Desk, question: dict[str, Any], number: int) -> dict[str, Any]:
    """Return an answer that is right for every second question of a kind."""
    places = {name[-1]: place for place, name in samples_of(desk.store, question).items()}
    return answer_to(question, chosen=places["ab"[number % 2]])


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_setting_changes_this_and_nothing_else(wire: Wire, observer: Observer) -> None:
    assert observer.changed(observe, wire) == wire.changes


def test_the_lease_is_as_long_as_the_setting(observer: Observer) -> None:
    seen = observer.observe(observe, comparisons__people__lease_minutes=3.0)
    assert seen[LEASE] == {180}
    assert observer.observe(observe, comparisons__people__training_items=4)[EXAMPLES] == 4


@covers("comparisons.people.port")
def test_the_page_is_at_the_port_of_the_setting(
    base: Settings, new_folder: Callable[[], Path]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = new_folder()
    web = _settings(run_with({**base, "comparisons.people.port": port}), folder, None, None)
    with _door(web, folder) as door:
        assert door.getsockname()[1] == port


@covers("comparisons.people.serve", "comparisons.people.browser")
@pytest.mark.parametrize("serve", [True, False])
@pytest.mark.parametrize("browser", [True, False])
def test_a_run_serves_the_page_and_opens_a_browser_if_it_is_to(
    base: Settings,
    new_folder: Callable[[], Path],
    monkeypatch: pytest.MonkeyPatch,
    serve: bool,
    browser: bool,
) -> None:
    opened: list[bool] = []

    def labeling_page(*_: Any, opens_browser: bool) -> nullcontext[None]:
        opened.append(opens_browser)
        return nullcontext()

    monkeypatch.setattr(page, "labeling_page", labeling_page)
    chosen = {"comparisons.people.serve": serve, "comparisons.people.browser": browser}
    with _page(run_with({**base, **BASE, **chosen}), new_folder(), [], Silent(), None):
        assert opened == ([browser] if serve else [])


LIMIT = "update up to which PPO does not wait"

WAITING = [
    Wire(setting="comparisons.wait", value="first", changes={LIMIT}),
    Wire(
        setting="comparisons.people.ahead",
        value=0.25,
        given={"comparisons.wait": "first"},
        changes={LIMIT},
    ),
]


def ahead(settings: Settings, folder: Path) -> Observations:
    """Return how far PPO goes in the second of two rounds of eight updates, while people answer."""
    rounds = {"rounds": 2, "policy.episodes": 128, "comparisons.labelers": "people"}
    with assembled({**settings, **rounds}, folder) as stages:
        asked: list[int] = []
        stages.people.ask(1, [])
        stages.policy.trainer.update = stages.rounds.last_update(0)
        stages.rewards.train = lambda *_, **__: None  # type: ignore[method-assign]
        stages.canaries.after_reward_model = lambda round_number: None  # type: ignore[method-assign]
        stages.policy.train = lambda _, end, *__, **___: asked.append(end)  # type: ignore[method-assign]
        stages.people.is_answered = lambda round_number: False  # type: ignore[method-assign]
        train_while_waiting(stages, 1)
    return {LIMIT: asked}


@pytest.mark.parametrize("wire", WAITING, ids=str)
def test_how_far_ppo_goes_before_labels_are_in(wire: Wire, observer: Observer) -> None:
    assert observer.changed(ahead, wire) == wire.changes


def test_the_share_is_that_of_the_rounds_updates(observer: Observer) -> None:
    seen = [
        observer.observe(ahead, comparisons__wait="first", comparisons__people__ahead=share)
        for share in (0.0, 0.25, 1.0)
    ]
    assert [s[LIMIT] for s in seen] == [[], [10], [16]]
    assert observer.observe(ahead, comparisons__people__ahead=1.0)[LIMIT] == [], "it waits"
