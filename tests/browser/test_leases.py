"""Whose a question is: somebody's who is there to answer it, and nobody's who is not."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.conftest import PATIENCE_MS, NewPerson
from tests.browser.person import Person
from tests.browser.site import Site, serving, short_questions
from tests.browser.test_outbox import ANSWERS, leave_whatever_it_asks
from tests.clock_for_tests import MovableClock

CLAIMS = "**/api/claims"
RENEW = "**/api/claims/renew"
STEP = "05:01"
"""A little more than the page's longest time between two renewals."""
SIXTEEN_MINUTES = 960.0
"""A little more than a lease."""
SOMETHING_ELSE = "async () => { await fetch('/api/me'); }"
"""A request after which those that the page made before are known here."""
ELSEWHERE = "went to somebody else meanwhile"


@pytest.fixture
def database_clock(monkeypatch: pytest.MonkeyPatch) -> MovableClock:
    """Return the clock by which leases are judged."""
    return MovableClock(monkeypatch)


@pytest.fixture
def idle_ann(new_person: NewPerson) -> Person:
    """Return Ann at a page whose clock can be moved."""
    ann = new_person("Ann", comes_back=False)
    ann.page.clock.install()
    ann.come_back()
    ann.has_more()
    return ann


def leave_for_eleven_minutes(ann: Person, clock: MovableClock) -> None:
    """Let a lease lapse while nobody touches the page."""
    ann.page.clock.fast_forward("11:00")
    clock.jump(SIXTEEN_MINUTES)


def asked_for(page: Page) -> list[str]:
    """Return what a page asks of the server's leases, as it comes."""
    seen: list[str] = []

    def keep(request: Request) -> None:
        if "/api/claims" in request.url:
            seen.append(f"{request.method} {request.url.rpartition('/api/')[2]}")

    page.on("request", keep)
    return seen


def hear_all(page: Page) -> None:
    """Wait until everything that the page has asked for is known here."""
    page.evaluate(SOMETHING_ELSE)
    page.wait_for_load_state("networkidle")


def test_somebody_at_the_page_keeps_their_question(idle_ann: Person) -> None:
    page = idle_ann.page
    for _ in range(4):
        page.mouse.move(10, 10)
        page.mouse.move(20, 20)
        with page.expect_request(RENEW):
            page.clock.fast_forward(STEP)


def test_nobody_at_the_page_keeps_nothing(idle_ann: Person) -> None:
    page = idle_ann.page
    with page.expect_request(RENEW):
        page.clock.fast_forward(STEP)
    page.clock.fast_forward(STEP)
    hear_all(page)
    seen = asked_for(page)
    for _ in range(6):
        page.clock.fast_forward(STEP)
        hear_all(page)
    assert seen == []
    with page.expect_request(RENEW):
        page.mouse.move(30, 30)


@pytest.fixture
def one_question(tmp_path: Path) -> Iterator[Site]:
    """Serve a store with a single question."""
    folder = tmp_path / "one"
    folder.mkdir()
    with serving(folder) as made:
        made.add("Ann")
        made.ask(short_questions(1))
        yield made


def test_nobody_at_the_page_takes_nothing_new(new_person: NewPerson, one_question: Site) -> None:
    ann = new_person("Ann", comes_back=False)
    ann.site, page = one_question, ann.page
    page.clock.install()
    ann.come_back()
    ann.has_more()
    # The renewal looks for more questions, and goes on looking as there are none.
    with page.expect_request(CLAIMS):
        page.clock.fast_forward(STEP)
    hear_all(page)
    with page.expect_request(CLAIMS):
        page.clock.fast_forward("00:10")
    hear_all(page)
    page.clock.fast_forward(STEP)
    hear_all(page)
    seen = asked_for(page)
    one_question.ask(short_questions(3), round=8)
    for _ in range(6):
        page.clock.fast_forward("01:00")
        hear_all(page)
    assert seen == []
    with page.expect_request(CLAIMS):
        page.mouse.move(30, 30)


def test_a_resting_page_takes_nothing_while_nobody_is_there(
    new_person: NewPerson, one_question: Site
) -> None:
    ann = new_person("Ann", comes_back=False)
    ann.site, page = one_question, ann.page
    page.clock.install()
    ann.come_back()
    ann.press("1")
    ann.is_saved()
    expect(page.locator("#resting")).to_be_visible()
    page.clock.fast_forward("11:00")
    page.evaluate(SOMETHING_ELSE)
    one_question.ask(short_questions(3), round=8)
    seen = asked_for(page)
    for _ in range(6):
        page.clock.fast_forward("01:00")
        page.evaluate(SOMETHING_ELSE)
    assert seen == []
    page.mouse.move(30, 30)
    ann.asked()


def test_a_lapsed_question_that_is_free_is_still_there(
    idle_ann: Person, database_clock: MovableClock
) -> None:
    before = idle_ann.prompt
    leave_for_eleven_minutes(idle_ann, database_clock)
    with idle_ann.page.expect_response(RENEW) as renewed:
        idle_ann.page.mouse.move(30, 30)
    assert len(renewed.value.json()["assignments"]) == 3
    hear_all(idle_ann.page)
    assert idle_ann.prompt == before
    expect(idle_ann.page.locator("#toast")).not_to_contain_text(ELSEWHERE)


def test_who_comes_back_hears_that_others_have_the_question(
    idle_ann: Person, new_person: NewPerson, site: Site, database_clock: MovableClock
) -> None:
    site.add("Bob")
    before = idle_ann.prompt
    leave_for_eleven_minutes(idle_ann, database_clock)
    bob = new_person("Bob")
    bob.asked()
    while bob.prompt != before:
        bob.press("1")
        bob.asked()
    bob.press("1")
    bob.is_saved()
    # Bob may have met the question last: then nothing would be left for Ann.
    site.ask(short_questions(2), round=8)
    idle_ann.page.mouse.move(30, 30)
    expect(idle_ann.page.locator("#toast")).to_contain_text(ELSEWHERE)
    expect(idle_ann.page.locator("#prompt")).not_to_have_text(before)


def test_a_question_that_is_being_read_is_not_taken_away(
    idle_ann: Person, site: Site, database_clock: MovableClock
) -> None:
    before = idle_ann.prompt
    # The connection was gone for long, and others answered meanwhile.
    database_clock.jump(SIXTEEN_MINUTES)
    site.add("Bob")
    site.store.queue.freeze(7)
    idle_ann.page.mouse.move(30, 30)
    with idle_ann.page.expect_response(RENEW) as renewed:
        idle_ann.page.clock.fast_forward(STEP)
    assert renewed.value.json()["assignments"] == []
    hear_all(idle_ann.page)
    assert idle_ann.prompt == before
    idle_ann.press("1")
    idle_ann.is_saved()
    assert len(site.labels()) == 1


@pytest.mark.parametrize("is_reloaded", [False, True])
def test_refused_answers_do_not_stand_in_the_way(
    ann: Person, site: Site, is_reloaded: bool
) -> None:
    page = ann.page
    leave_whatever_it_asks(page)
    told = {"error": {"code": "refused", "message": "No."}}
    page.route(ANSWERS, lambda route: route.fulfill(status=422, json=told))

    def keep_what_is_given_back(route: Route) -> None:
        if route.request.method == "DELETE":
            route.abort()
        else:
            route.continue_()

    page.route(CLAIMS, keep_what_is_given_back)
    # The hand fills up: with the question on the page, four at most are asked for.
    for n in (1, 2, 3, 4):
        ann.press("1")
        expect(ann.saved).to_have_text(f"{n} not taken")
    ann.rests()
    page.unroute(CLAIMS)
    page.unroute(ANSWERS)
    if is_reloaded:
        page.reload()
    else:
        page.evaluate("window.dispatchEvent(new Event('online'))")
    ann.press("1")
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while len(site.labels()) < 1:
        assert time.monotonic() < deadline, "the new answer was not stored"
        page.evaluate(SOMETHING_ELSE)
    expect(ann.saved).to_have_text("4 not taken")
