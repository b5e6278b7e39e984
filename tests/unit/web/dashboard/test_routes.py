"""The dashboard's figures: what they say, who may read them, and that they grow."""

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from prefloop.records import Prompt, Sample
from prefloop.store.store import Store
from prefloop.web.config import WebSettings
from prefloop.web.dashboard import routes as dashboard
from tests.clock_for_tests import MovableClock
from tests.unit.web.desk import Browser, Desk, answer_to, claim, new_id
from tests.unit.web.seeded_store import Seeding, seed_store

PATIENCE_SECONDS = 60
MODEL = "policy/update-77"
JUDGED_PROMPT: dict[str, Any] = {
    "id": "judged",
    "text": "A day.",
    "source": "t",
    "split": "held_out",
    "reference": None,
}


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A run in its second round, stopped by the cord; nothing in this file changes it."""
    from prefloop.web.app import create_app

    with Store.open(tmp_path_factory.mktemp("seeded") / "prefloop.db") as store:
        people = seed_store(store, hours=10, questions=110, updates=24, is_stopped=True)
        app = create_app(store, WebSettings(run_name="warm endings", hourly_wage=20.0))
        yield Desk(store, app, people)
        app.state.services.close()


@pytest.fixture
def shown(seeded: Desk) -> dict[str, Any]:
    """What the dashboard shows at first."""
    return read(seeded.browser("Olga"))


def sample_of(model: str, text: str) -> Sample:
    """Return a sample of the evaluation."""
    return Sample(
        id=f"judged {len(model)}",
        prompt_id="judged",
        model=model,
        round=0,
        purpose="evaluation",
        text=text,
        response_ids=(1, 2),
        is_ended=True,
        logprob=-1.0,
        ref_logprob=None,
    )


def read(browser: Browser, after: int = 0) -> dict[str, Any]:
    """Return what is new on the dashboard."""
    answer = browser.get("/api/dashboard", params={"after": after})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def until(look: Callable[[], Any]) -> Any:
    """Return what is seen as soon as it is something."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while (found := look()) is None:
        assert time.monotonic() < ends, "never came"
        time.sleep(0.05)
    return found


# --- what it says


def test_the_run_is_told_in_sentences(shown: dict[str, Any]) -> None:
    assert shown["message"] == "Round 1, training the policy: update 24 of 200."
    assert re.fullmatch(
        r"\d+ of \d+ answers are in; .+\.", shown["questions_text"].replace(",", "")
    )


def test_batches_come_newest_first_and_say_whether_they_are_open(shown: dict[str, Any]) -> None:
    newest, oldest = shown["batches"]
    assert (newest["round"], oldest["round"]) == (1, 0)
    assert newest["frozen_at"] is None and oldest["frozen_at"] is not None
    assert oldest["minutes_left"] is None


def test_answers_are_counted_by_the_hour(seeded: Desk, shown: dict[str, Any]) -> None:
    hours = shown["tallies"]["by_hour"]
    assert len(hours) == dashboard.HOURS_SHOWN
    assert [h["hour"] - hours[0]["hour"] for h in hours] == list(range(len(hours)))
    preferences = sum(h["best"] + h["tie"] + h["all_bad"] for h in hours)
    given = seeded.store.tallies.all()
    assert preferences == shown["tallies"]["labels"] > 0
    assert sum(h["skip"] for h in hours) == sum(t.n.get("skip", 0) for t in given)


def test_work_costs_what_the_wage_says(shown: dict[str, Any]) -> None:
    work = shown["tallies"]
    assert work["cost"] == pytest.approx(20 * work["hours"])
    assert "USD an answer" in work["message"]


def test_whoever_answers_is_at_work(desk: Desk) -> None:
    for name, n in (("ann", 1), ("bob", 3)):
        browser = desk.browser(name)
        for question in claim(browser, n):
            browser.put(f"/api/answers/{new_id()}", json=answer_to(question))
    people = read(desk.browser("olga"))["tallies"]["at_work"]
    assert [(p["name"], p["this_hour"] + p["last_hour"]) for p in people] == [
        ("bob", 3),
        ("ann", 1),
    ]


def test_who_holds_a_question_is_at_work_before_answering(desk: Desk) -> None:
    desk.browser("bob").post("/api/claims", json={"n": 1})
    [person] = read(desk.browser("olga"))["tallies"]["at_work"]
    assert (person["name"], person["this_hour"]) == ("bob", 0)


def test_the_policy_has_its_curves(shown: dict[str, Any]) -> None:
    lines = [u for u in shown["updates"] if u["stage"] == "policy"]
    assert [u["update"] for u in lines] == list(range(1, 25))
    assert all(set(u["line"]) == set(dashboard.SHOWN) for u in lines)


def test_samples_of_the_newest_updates_come_along(shown: dict[str, Any]) -> None:
    assert [s["update"] for s in shown["samples"]] == [n for n in (21, 22, 23, 24) for _ in "abc"]
    sample = shown["samples"][-1]
    assert sample["prompt"] and sample["response"]
    assert isinstance(sample["score"], float) and isinstance(sample["kl"], float)


def test_a_stop_says_who_and_why_and_shows_the_samples(shown: dict[str, Any]) -> None:
    active = shown["cord"]["active"]
    assert active["pulled_by"] == "Grace" and "trick" in active["reason"]
    assert active["stopped_text"].endswith("waits at update 24.")
    assert len(active["samples"]) == 4
    assert {s["model_text"] for s in active["samples"]} == {"policy of round 0"}
    assert all(s["prompt"] and s["text"] for s in active["samples"])


def test_a_stop_at_a_judged_pair_does_not_tell_whose_texts_they_are(desk: Desk) -> None:
    """Whoever judges may read this page, too."""
    texts = {MODEL: "The tuned one.", "reference": "The other one."}
    asked = [sample_of(model, text) for model, text in texts.items()]
    desk.store.add_all(prompts=[Prompt(**JUDGED_PROMPT)], samples=asked)
    desk.store.stop_requests.pull("ann", "Both insult people.", [each.id for each in asked])
    answer = desk.browser("olga").get("/api/dashboard")
    samples = answer.json()["cord"]["active"]["samples"]
    assert {(s["model_text"], s["text"]) for s in samples} == {("", t) for t in texts.values()}
    assert MODEL not in json.dumps(answer.json()["cord"])


def test_earlier_stops_keep_what_was_checked(shown: dict[str, Any]) -> None:
    [earlier] = shown["cord"]["earlier"]
    assert "stop token" in earlier["checked"]
    assert earlier["action_text"] == "rolled back to update 6"


def test_agreement_comes_with_its_interval_and_its_time(seeded: Desk) -> None:
    browser = seeded.browser("Olga")
    quality = until(lambda: read(browser)["quality"])
    agreement = quality["agreement"]
    assert 0 <= agreement["low"] < agreement["value"] < agreement["high"] <= 1
    assert quality["n_labels"] == len(seeded.store.labels())
    assert quality["at"] <= seeded.store.now()
    assert "guessing gives 25 %" in quality["message"]
    assert browser.get("/api/quality").json() == quality


def test_twice_the_labels_have_a_price(seeded: Desk) -> None:
    browser = seeded.browser("Olga")
    found = until(lambda: read(browser)["forecast"])
    assert found["doubled"]["labels"] == 2 * found["n_labels"]
    assert found["now"]["low"] <= found["now"]["accuracy"] <= found["now"]["high"]
    assert len(found["points"]) > 10 and found["message"].endswith(".")


# --- what is new


def test_only_what_is_new_comes_again(seeded: Desk, shown: dict[str, Any]) -> None:
    again = read(seeded.browser("Olga"), after=shown["last"])
    assert again["updates"] == [] and again["samples"] == []
    assert again["last"] == shown["last"] and not again["is_reset"]


def test_many_lines_come_in_pages(
    seeded: Desk, shown: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashboard, "LINES_AT_ONCE", 10)
    pages: list[dict[str, Any]] = []
    browser, after = seeded.browser("Olga"), 0
    while not pages or pages[-1]["has_more"]:
        pages.append(read(browser, after))
        after = pages[-1]["last"]
    assert len(pages) > 2
    assert [u for page in pages for u in page["updates"]] == shown["updates"]


def test_after_a_roll_back_the_lines_come_anew(desk: Desk) -> None:
    import random

    Seeding(desk.store, random.Random(1)).improve(0, 1, 9)
    browser = desk.browser("olga")
    last = read(browser)["last"]
    desk.store.updates.forget_after("policy", 4)
    again = read(browser, last)
    assert again["is_reset"]
    assert [u["update"] for u in again["updates"]] == [1, 2, 3, 4]
    assert not read(browser, again["last"])["is_reset"]


def test_the_trainer_is_missed_after_ten_seconds(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = MovableClock(monkeypatch)
    browser = desk.browser("olga")
    assert read(browser)["message"] == "No trainer has used this store yet."
    desk.store.updates.heartbeat(phase="training the policy", round=0, done=3, total=9)
    assert not read(browser)["trainer"]["is_missing"]
    clock.jump(42)
    trainer = read(browser)["trainer"]
    assert trainer["is_missing"] and trainer["missing_text"].startswith("Nothing heard")
    assert "42 s" in trainer["missing_text"] or "43 s" in trainer["missing_text"]
    desk.store.updates.heartbeat(phase="finished", round=0, done=9, total=9)
    clock.jump(42)
    assert not read(browser)["trainer"]["is_missing"]


def test_a_store_without_anything_is_shown_too(desk: Desk) -> None:
    found = read(desk.browser("olga"))
    assert found["updates"] == [] and found["cord"] == {"active": None, "earlier": []}
    assert found["tallies"]["labels"] == 0 and found["forecast"] is None


def test_no_request_reads_all_labels(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("all labels were read")

    monkeypatch.setattr(Store, "labels", refuse)
    monkeypatch.setattr(type(desk.store.gold), "quality_checks", refuse)
    read(desk.browser("olga"))
    assert until(lambda: read(desk.browser("olga"))["quality"])


# --- who may see it


@pytest.mark.parametrize("path", ["/dashboard", "/api/dashboard", "/api/quality"])
def test_owners_and_viewers_see_it_and_labelers_do_not(desk: Desk, path: str) -> None:
    assert desk.browser("olga").get(path).status_code == 200
    assert desk.browser("vera").get(path).status_code == 200
    assert desk.browser("ann").get(path).status_code == 403
    assert desk.program("olga").get(path).status_code == 403
    assert desk.browser().get(path).status_code in (303, 401)


def test_the_page_holds_nothing_inline_and_no_figure(desk: Desk) -> None:
    text = desk.browser("olga").get("/dashboard").text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", text)
    # What its scripts say is no address.
    text = re.sub(r"<meta name=\"prefloop-strings\" content='[^']*'>", "", text)
    assert "http://" not in text and "https://" not in text
    assert "olga" in text


def test_only_owners_get_what_changes_something(desk: Desk) -> None:
    owner, viewer = (desk.browser(name).get("/dashboard").text for name in ("olga", "vera"))
    assert "cord-form" in owner and "stop-line" in owner and 'href="/team"' in owner
    assert "cord-form" not in viewer and "stop-line" not in viewer and 'href="/team"' not in viewer
