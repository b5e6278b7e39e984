"""No answer is lost: connection gone, page reloaded, browser killed, two tabs, two clicks.

And the page never says "saved" before the server did.
"""

import random
import time
import uuid
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Error, Page, Playwright, Route, expect

from prefloop.teamwork import Assignment
from tests.browser.chromium import kill, launch_with_profile
from tests.browser.conftest import PATIENCE_MS, NewPerson
from tests.browser.person import Person
from tests.browser.site import Site, short_questions

ANSWERS = "**/api/answers/**"
WATCH = """() => {
  window.told = [];
  const pill = document.getElementById("saved-text");
  const keep = () => window.told.push(pill.textContent);
  new MutationObserver(keep).observe(pill, { childList: true, subtree: true });
}"""
"""Keeps every word that the page says on what is saved."""


def cut(page: Page) -> None:
    """Take the connection away."""
    page.context.set_offline(True)


def mend(page: Page) -> None:
    """Give the connection back."""
    page.context.set_offline(False)


def leave_whatever_it_asks(page: Page) -> list[str]:
    """Accept the browser's question before leaving; return the kinds that were asked."""
    asked: list[str] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", accept)
    return asked


def answers(site: Site) -> list[str]:
    """Return what was answered, in order."""
    return [label.answer for label in site.labels()]


def test_two_minutes_without_a_connection(new_person: NewPerson, site: Site) -> None:
    ann = new_person("Ann")
    ann.page.clock.install()
    _work_through_a_cut(ann, site, lambda: ann.page.clock.fast_forward("02:00"))


@pytest.mark.slow
def test_two_minutes_without_a_connection_by_the_wall_clock(ann: Person, site: Site) -> None:
    _work_through_a_cut(ann, site, lambda: ann.page.wait_for_timeout(120_000))


def _work_through_a_cut(ann: Person, site: Site, pass_time: object) -> None:
    page = ann.page
    ann.has_more()
    page.evaluate(WATCH)
    cut(page)
    ann.press("1", "0", "b")
    ann.rests()
    expect(page.locator("#resting")).to_contain_text("No connection")
    ann.waits(3)
    pass_time()  # type: ignore[operator]
    ann.waits(3)
    expect(ann.saved).to_contain_text("no connection")
    assert site.labels() == []
    assert "Saved" not in page.evaluate("window.told")
    mend(page)
    ann.is_saved()
    assert answers(site) == ["best", "tie", "all_bad"]
    told = page.evaluate("window.told")
    assert told.index("Saved") > max(i for i, word in enumerate(told) if "3 waiting" in word)
    ann.asked()


def test_saved_is_not_said_before_the_server_said_so(ann: Person, site: Site) -> None:
    page = ann.page
    held: list[Route] = []
    page.route(ANSWERS, lambda route: held.append(route))
    ann.press("1")
    ann.waits(1)
    ann.asked()
    expect(page.locator("#figures")).to_contain_text("0 answered")
    expect(ann.saved).to_contain_text("1 waiting")
    held[0].continue_()
    ann.is_saved()
    expect(page.locator("#figures")).to_contain_text("1 answered")
    assert len(site.labels()) == 1


def test_an_answer_whose_receipt_was_lost_is_stored_once(ann: Person, site: Site) -> None:
    page = ann.page
    lost: list[int] = []

    def lose_the_first(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort()

    page.route(ANSWERS, lose_the_first)
    ann.press("1")
    ann.waits(1)
    ann.is_saved()
    assert lost == [200]
    assert answers(site) == ["best"]


def test_unsent_work_survives_a_reload_with_a_warning(ann: Person, site: Site) -> None:
    page = ann.page
    asked = leave_whatever_it_asks(page)
    page.route(ANSWERS, lambda route: route.abort())
    ann.press("1", "0")
    ann.waits(2)
    unsent = ann.prompt
    page.reload()
    assert asked == ["beforeunload"]
    ann.waits(2)
    ann.asked()
    assert ann.prompt == unsent
    page.unroute(ANSWERS)
    ann.saved.click()
    page.get_by_role("button", name="Send now").click()
    expect(page.locator("#outbox-text")).to_contain_text("Everything is saved")
    page.keyboard.press("Escape")
    ann.is_saved()
    assert answers(site) == ["best", "tie"]


def test_unsent_work_survives_the_end_of_the_browser(
    playwright: Playwright, site: Site, tmp_path: Path
) -> None:
    profile = tmp_path / "profile"
    context = launch_with_profile(playwright, profile)
    ann = Person(context.pages[0], site, "Ann")
    ann.come_back()
    ann.asked()
    context.route(ANSWERS, lambda route: route.abort())
    ann.press("1", "b")
    ann.waits(2)
    ann.asked()
    kill(profile)
    # The connection to a browser that is gone may be gone before it can be closed.
    with suppress(Error):
        context.close()
    (profile / "SingletonLock").unlink(missing_ok=True)
    with launch_with_profile(playwright, profile) as context:
        ann = Person(context.pages[0], site, "Ann")
        ann.page.goto(f"{site.address}/login")
        expect(ann.page.locator("#waiting")).to_contain_text("Answers by Ann wait in this browser")
        ann.enter(reads=False)
        ann.is_saved()
    assert answers(site) == ["best", "all_bad"]


def test_a_double_click_answers_one_question(ann: Person, page: Page, site: Site) -> None:
    button = page.get_by_role("button", name="Choose sample 1").first
    button.dblclick()
    ann.asked()
    ann.button("Tie").dblclick()
    ann.asked()
    ann.is_saved()
    assert answers(site) == ["best", "tie"]
    page.keyboard.press("2")
    page.keyboard.press("2")
    ann.asked()
    ann.is_saved()
    assert len(site.labels()) == 3


def test_a_held_key_answers_one_question(ann: Person, page: Page, site: Site) -> None:
    page.keyboard.down("1")
    ann.asked()
    for _ in range(20):
        page.keyboard.down("1")
    page.keyboard.up("1")
    ann.is_saved()
    assert len(site.labels()) == 1


def test_a_second_tab_shows_the_same_question_and_follows(ann: Person, site: Site) -> None:
    other = Person(ann.page.context.new_page(), site, "Ann")
    other.page.goto(f"{site.address}/label")
    other.asked()
    assert (other.prompt, other.samples) == (ann.prompt, ann.samples)
    before = ann.prompt
    other.press("1")
    expect(ann.page.locator("#prompt")).not_to_have_text(before)
    expect(ann.page.locator("#toast")).to_contain_text("answered in your other tab")
    ann.is_saved()
    other.is_saved()
    assert len(site.labels()) == 1
    ann.press("2")
    other.asked()
    other.press("2")
    ann.is_saved()
    other.is_saved()
    assert len(site.labels()) == 3
    assert len({label.comparison_id for label in site.labels()}) == 3


def test_what_a_closed_tab_left_behind_is_sent_by_the_other(ann: Person, site: Site) -> None:
    context = ann.page.context
    other = Person(context.new_page(), site, "Ann")
    other.page.goto(f"{site.address}/label")
    other.asked()
    other.page.route(ANSWERS, lambda route: route.abort())
    other.press("1")
    ann.waits(1)
    other.page.close()
    ann.saved.click()
    ann.page.get_by_role("button", name="Send now").click()
    ann.is_saved()
    assert answers(site) == ["best"]


def test_two_tabs_send_each_answer_once(ann: Person, site: Site) -> None:
    context = ann.page.context
    sent: list[str] = []
    context.on("request", lambda r: sent.append(r.url) if r.method == "PUT" else None)
    other = Person(context.new_page(), site, "Ann")
    other.page.goto(f"{site.address}/label")
    other.asked()
    ann.has_more()
    cut(ann.page)
    ann.press("1", "1", "1")
    other.waits(3)
    sent.clear()
    mend(ann.page)
    ann.is_saved()
    other.is_saved()
    assert len(site.labels()) == 3
    assert len(set(sent)) == 3


def test_a_session_that_ended_keeps_the_work(ann: Person, page: Page, site: Site) -> None:
    asked = leave_whatever_it_asks(page)
    # Enough for as long as the server believes a caller.
    site.ask(short_questions(80), round=8)
    site.store.people.disable(site.people["Ann"])
    site.store.people.enable(site.people["Ann"])
    deadline = time.monotonic() + 20
    while not page.locator("#login-banner").is_visible():
        assert time.monotonic() < deadline
        ann.press("1")
        ann.asked()
    stored = len(site.labels())
    expect(page.locator("#login-banner")).to_contain_text("Please log in again")
    expect(ann.saved).to_contain_text("waiting")
    page.get_by_role("button", name="Log in again").click()
    page.wait_for_url("**/login**")
    assert asked == []
    expect(page.locator("#waiting")).to_contain_text("Answers by Ann wait in this browser")
    ann.enter(reads=False)
    ann.is_saved()
    assert len(site.labels()) == stored + 1


def test_somebody_else_does_not_send_ones_work(ann: Person, page: Page, site: Site) -> None:
    leave_whatever_it_asks(page)
    site.add("Bob")
    page.route(ANSWERS, lambda route: route.abort())
    ann.press("1")
    ann.waits(1)
    page.get_by_role("button", name="Log out").click()
    dialog = page.get_by_role("dialog", name="On the way")
    expect(dialog).to_contain_text("1 answer is kept in this browser")
    dialog.get_by_role("button", name="Log out all the same").click()
    page.wait_for_url("**/login")
    page.unroute(ANSWERS)
    bob = Person(page, site, "Bob")
    bob.enter()
    expect(page.locator("#others-banner")).to_contain_text("Answers by Ann wait in this browser")
    bob.press("2")
    bob.is_saved()
    assert [label.labeler for label in site.labels()] == ["Bob"]
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    ann.enter(reads=False)
    ann.is_saved()
    assert [label.labeler for label in site.labels()] == ["Bob", "Ann"]


def test_somebody_else_in_another_tab_does_not_send_it_either(ann: Person, site: Site) -> None:
    site.add("Bob")
    ann.page.route(ANSWERS, lambda route: route.abort())
    ann.press("1")
    ann.waits(1)
    bob = Person(ann.page.context.new_page(), site, "Bob")
    bob.come_back()
    bob.asked()
    ann.page.unroute(ANSWERS)
    ann.saved.click()
    ann.page.get_by_role("button", name="Send now").click()
    expect(ann.page.locator("#login-banner")).to_contain_text("log in again")
    ann.waits(1)
    assert site.labels() == []
    bob.press("2")
    bob.is_saved()
    assert [label.labeler for label in site.labels()] == ["Bob"]


def test_a_reason_belongs_to_the_question_it_was_given_for(ann: Person, site: Site) -> None:
    other = Person(ann.page.context.new_page(), site, "Ann")
    other.page.goto(f"{site.address}/label")
    before = ann.prompt
    ann.press("s")
    other.press("1")
    expect(ann.page.locator("#prompt")).not_to_have_text(before)
    ann.page.keyboard.press("2")
    expect(ann.page.locator("#skip-dialog")).to_be_hidden()
    ann.is_saved()
    assert answers(site) == ["best"]


@pytest.mark.parametrize("status", [409, 422, 404])
def test_a_refused_answer_stays_visible_until_it_was_read(ann: Person, status: int) -> None:
    page = ann.page
    told = f"This answer was not taken, for reason {status}."
    body = {"error": {"code": "conflict", "message": told}}
    page.route(ANSWERS, lambda route: route.fulfill(status=status, json=body))
    ann.press("c")
    page.get_by_label("Goes with your answer").fill("A long thought")
    page.get_by_role("button", name="Keep it").click()
    ann.press("1")
    expect(ann.saved).to_have_text("1 not taken")
    page.get_by_role("button", name="Show it").click()
    dialog = page.get_by_role("dialog", name="On the way")
    expect(dialog).to_contain_text(told)
    expect(dialog).to_contain_text("A long thought")
    dialog.get_by_role("button", name="I have read this").click()
    dialog.get_by_role("button", name="Close").click()
    expect(ann.saved).to_have_text("Saved")
    ann.asked()


@pytest.mark.parametrize("status", [500, 503, 507, 429])
def test_a_server_in_trouble_is_asked_again(ann: Person, site: Site, status: int) -> None:
    page = ann.page
    told = "The server’s disk is full."
    body = {"error": {"code": "x", "message": told}}
    page.route(ANSWERS, lambda route: route.fulfill(status=status, json=body), times=1)
    ann.press("1")
    ann.waits(1)
    ann.is_saved()
    assert answers(site) == ["best"]


def test_a_forged_looking_request_is_repaired_with_a_new_token(ann: Person, site: Site) -> None:
    page = ann.page
    page.evaluate("async () => (await import('/static/labeling/api.js')).useToken('stale')")
    ann.press("1")
    ann.is_saved()
    assert answers(site) == ["best"]


def test_an_undo_without_a_connection_arrives_after_its_answer(ann: Person, site: Site) -> None:
    page = ann.page
    samples = ann.samples
    ann.has_more()
    cut(page)
    ann.press("1", "z")
    ann.asked()
    assert ann.samples == samples
    ann.press("2")
    mend(page)
    ann.is_saved()
    [label] = site.labels()
    assert site.text(label.chosen or "").strip() == samples[1]
    expect(page.locator("#refused-banner")).to_be_hidden()


def test_a_clock_that_jumps_does_not_matter(new_person: NewPerson, site: Site) -> None:
    ann = new_person("Ann")
    ann.asked()
    ann.page.clock.set_fixed_time("1999-12-31T23:59:59")
    ann.press("1")
    ann.is_saved()
    ann.page.clock.set_fixed_time("2099-01-01T00:00:00")
    ann.press("2")
    ann.is_saved()
    assert all(0 <= label.seconds < 120 for label in site.labels())
    assert len(site.labels()) == 2


def test_a_browser_that_keeps_nothing_says_so(new_person: NewPerson, site: Site) -> None:
    ann = new_person("Ann", comes_back=False)
    ann.page.add_init_script("Object.defineProperty(window, 'indexedDB', { value: undefined })")
    ann.come_back()
    ann.asked()
    expect(ann.page.locator("#kept-banner")).to_contain_text("This browser keeps nothing")
    ann.press("1")
    ann.is_saved()
    assert len(site.labels()) == 1


def test_a_page_left_open_over_a_deployment_offers_to_reload(ann: Person, site: Site) -> None:
    page = ann.page
    asked = leave_whatever_it_asks(page)

    def newer(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers=answer.headers | {"x-prefloop-assets": "newer"})

    page.route("**/api/claims", newer)
    page.route(ANSWERS, lambda route: route.abort())
    ann.press("1")
    expect(page.locator("#assets-banner")).to_contain_text("Nothing you did is lost")
    page.unroute("**/api/claims")
    page.unroute(ANSWERS)
    page.get_by_role("button", name="Reload now").click()
    ann.is_saved()
    assert answers(site) == ["best"]
    assert asked == []
    expect(page.locator("#assets-banner")).to_be_hidden()
    page.set_default_timeout(PATIENCE_MS)


SHELVE = """async (entries) => {
  const open = indexedDB.open("prefloop", 1);
  const database = await new Promise((resolve, reject) => {
    open.onsuccess = () => resolve(open.result);
    open.onerror = () => reject(open.error);
  });
  const change = database.transaction("outbox", "readwrite");
  for (const entry of entries) change.objectStore("outbox").put(entry);
  await new Promise((resolve, reject) => {
    change.oncomplete = resolve;
    change.onabort = () => reject(change.error);
  });
  database.close();
}"""
"""Writes entries to the browser's outbox as a page would."""


def test_what_an_earlier_page_left_in_the_browser_is_sent_and_shown(
    ann: Person, site: Site
) -> None:
    """It called an assignment `view`, and a message `told`."""
    page = ann.page
    ann.has_more()
    held = site.store.queue.claim("Ann", n=3, rng=random.Random(1), policy=site.settings.claims)
    waiting, refused = held[1], held[2]
    page.evaluate(
        SHELVE,
        [
            _left(waiting, 1, {"state": "waiting"}),
            _left(refused, 2, {"state": "refused", "told": "It came too late.", "code": "x"}),
        ],
    )
    with page.expect_response(ANSWERS) as sent:
        page.reload()
    assert sent.value.json()["outcome"] == "stored"
    expect(page.locator("#saved")).to_contain_text("1 not taken")
    assert [label.comparison_id for label in site.labels()] == [waiting.comparison_id]
    ann.asked()
    assert ann.prompt == held[0].prompt, "what was answered is not asked again"
    page.locator("#saved").click()
    expect(page.locator("#outbox-list")).to_contain_text("It came too late.")
    expect(page.locator("#outbox-list")).to_contain_text(refused.prompt[:20])


def _left(assignment: Assignment, order: int, more: dict[str, str]) -> dict[str, object]:
    """Return an answer as commit a580ba4's page wrote it to the browser's database."""
    n_samples = len(assignment.samples)
    names = [str(position + 1) for position in range(n_samples)]
    view = {
        "view": assignment.id,
        "prompt": assignment.prompt,
        "samples": [
            {"id": name, "text": sample.text}
            for name, sample in zip(names, assignment.samples, strict=True)
        ],
        "lease_seconds": 900,
    }
    body = {
        "view": assignment.id,
        "answer": "best",
        "chosen": "1",
        "shown": names,
        "seconds": 3.5,
        "active_seconds": 3.0,
        "first_key_seconds": 1.0,
        "device": "desktop",
        "instructions": "1",
        "note": "",
        "confidence": None,
        "replaces": None,
    }
    entry = {"id": str(uuid.uuid4()), "kind": "answer", "body": body, "view": view}
    return entry | {"person": "Ann", "tries": 0, "order": order} | more
