"""One tab sends at a time, and what is taken back stays taken back, whatever arrives when."""

import time

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.conftest import PATIENCE_MS, NewPerson
from tests.browser.person import Person
from tests.browser.site import Site
from tests.browser.test_outbox import ANSWERS, cut, leave_whatever_it_asks, mend

STEAL = """() => new Promise((had) => {
  navigator.locks.request("prefloop-outbox", { steal: true }, () => {
    had();
    return new Promise((done) => { window.letGo = done; });
  });
})"""
"""Takes the lock away from whoever has it, and keeps it until `letGo()`."""
OWN_CLOCK = """
const [read, set, clear] = [performance.now.bind(performance), setTimeout, clearTimeout];
const pending = new Map();
let ahead = 0;
performance.now = () => read() + ahead;
window.setTimeout = (run, ms = 0) => {
  const id = set(() => { pending.delete(id); run(); }, ms);
  pending.set(id, { due: performance.now() + ms, run });
  return id;
};
window.clearTimeout = (id) => { pending.delete(id); clear(id); };
window.pass = (ms) => {
  ahead += ms;
  for (const [id, { due, run }] of pending) {
    if (due > performance.now()) continue;
    window.clearTimeout(id);
    run();
  }
};
"""
"""A clock that `pass()` moves in one tab alone; Playwright's own is one for all tabs."""
HOLDERS = "async () => (await navigator.locks.query()).held.map((lock) => lock.clientId).join()"
WAITERS = "async () => (await navigator.locks.query()).pending.length"


def another_tab(ann: Person) -> Person:
    """Open the labeling page once more in the same browser."""
    other = Person(ann.page.context.new_page(), ann.site, ann.name)
    other.page.add_init_script(OWN_CLOCK)
    other.page.goto(f"{ann.site.address}/label")
    other.asked()
    return other


def hold(page: Page) -> list[Route]:
    """Keep a page's answers from arriving; return them as they come."""
    held: list[Route] = []
    page.route(ANSWERS, lambda route: held.append(route))
    return held


def sends(page: Page) -> list[str]:
    """Return the ways and the ids that a page sends, as they come."""
    sent: list[str] = []

    def keep(request: Request) -> None:
        if "/api/answers/" in request.url:
            sent.append(f"{request.method} {request.url.rsplit('/', 1)[1]}")

    page.on("request", keep)
    return sent


def until(page: Page, expression: str, wanted: object) -> None:
    """Wait until an expression in a page has a value."""
    _until(lambda: page.evaluate(expression) == wanted, page, f"{expression} is not {wanted}")


def until_sent(page: Page, requests: list[Route] | list[str], n: int) -> None:
    """Wait until so many requests came."""
    _until(lambda: len(requests) >= n, page, f"fewer than {n} requests")


def _until(is_so: object, page: Page, told: str) -> None:
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < deadline, told
        # Lets Playwright hand over what the browser reported meanwhile.
        page.evaluate("new Promise((done) => { requestIdleCallback(done, { timeout: 50 }); })")


def test_a_tab_that_lost_its_turn_stops(ann: Person, site: Site) -> None:
    thief = another_tab(ann)
    sent, held = sends(ann.page), hold(ann.page)
    ann.press("1", "2")
    ann.waits(2)
    until_sent(ann.page, held, 1)
    thief.page.evaluate(STEAL)
    ann.page.unroute(ANSWERS)
    # It stops, and stands in the queue for its turn: it cannot send before it has it.
    until(ann.page, WAITERS, 1)
    assert len(sent) == 1
    assert site.labels() == []
    thief.page.evaluate("window.letGo()")
    ann.is_saved()
    assert len(site.labels()) == 2
    assert len(set(sent)) == 2


def test_a_tab_that_hangs_is_not_waited_for(ann: Person, site: Site) -> None:
    other = another_tab(ann)
    sent, held = sends(ann.page), hold(ann.page)
    ann.press("1", "2")
    until_sent(ann.page, held, 1)
    hung = ann.page.evaluate(HOLDERS)
    until(other.page, WAITERS, 0)
    other.page.evaluate("window.dispatchEvent(new Event('online'))")
    until(other.page, WAITERS, 1)
    other.page.evaluate("window.pass(61_000)")
    other.is_saved()
    ann.is_saved()
    assert other.page.evaluate(HOLDERS) != hung
    assert len(site.labels()) == 2
    assert len(sent) == 1


def test_a_tab_that_is_merely_slow_keeps_its_turn(ann: Person, site: Site) -> None:
    other = another_tab(ann)
    held, others = hold(ann.page), sends(other.page)
    ann.press("1", "2")
    until_sent(ann.page, held, 1)
    slow = ann.page.evaluate(HOLDERS)
    other.page.evaluate("window.dispatchEvent(new Event('online'))")
    until(other.page, WAITERS, 1)
    other.page.evaluate("window.pass(45_000)")
    held[0].continue_()
    until_sent(ann.page, held, 2)
    other.page.evaluate("window.pass(45_000)")
    until(other.page, WAITERS, 1)
    assert ann.page.evaluate(HOLDERS) == slow
    held[1].continue_()
    ann.is_saved()
    other.is_saved()
    assert others == []
    assert len(site.labels()) == 2


@pytest.mark.parametrize("is_reloaded", [False, True])
def test_an_undo_waits_for_an_answer_that_may_have_left(
    ann: Person, site: Site, is_reloaded: bool
) -> None:
    page = ann.page
    leave_whatever_it_asks(page)
    ann.has_more()
    prompt, samples = ann.prompt, ann.samples
    sent = sends(page)
    # The connection breaks while the answer is on its way: nobody knows whether it arrives.
    page.route(ANSWERS, lambda route: route.abort())
    ann.press("1")
    until_sent(page, sent, 1)
    put = sent[0]
    ann.press("z")
    ann.asked()
    assert ann.samples == samples
    if is_reloaded:
        page.reload()
        ann.waits(2)
    page.unroute(ANSWERS)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    ann.is_saved()
    taken_back = "DELETE " + put.removeprefix("PUT ")
    assert sent[-2:] == [put, taken_back]
    assert sent.index(taken_back) == len(sent) - 1
    assert site.labels() == []
    ann.asked()
    # After a reload those that were taken meanwhile may come before it; without one it is there.
    for _ in range(5 if is_reloaded else 0):
        if ann.prompt != prompt:
            other = ann.prompt
            ann.press("1")
            expect(page.locator("#prompt")).not_to_have_text(other)
    assert (ann.prompt, ann.samples) == (prompt, samples)
    ann.press("2")
    ann.is_saved()
    label = site.labels()[-1]
    assert site.text(label.chosen or "").strip() == samples[1]


def test_an_answer_that_arrives_after_its_undo_does_not_stand(ann: Person, site: Site) -> None:
    page = ann.page
    late: list[Request] = []

    def lose_the_first(route: Route) -> None:
        if late:
            route.continue_()
            return
        late.append(route.request)
        route.abort()

    page.route(ANSWERS, lose_the_first)
    ann.press("1")
    until_sent(page, late, 1)  # type: ignore[arg-type]
    ann.press("z")
    ann.is_saved()
    # What was given up on arrives now, as it may from a proxy on the way.
    response = page.context.request.fetch(
        late[0].url, method="PUT", headers=late[0].all_headers(), data=late[0].post_data
    )
    assert response.status == 200, response.text()
    assert site.labels() == []


def test_what_never_left_is_taken_back_in_silence(new_person: NewPerson, site: Site) -> None:
    ann = new_person("Ann")
    ann.has_more()
    sent, held = sends(ann.page), hold(ann.page)
    ann.press("1")
    until_sent(ann.page, held, 1)
    ann.press("2")
    ann.waits(2)
    ann.press("z")
    ann.asked()
    for route in held:
        route.continue_()
    ann.page.unroute(ANSWERS)
    ann.is_saved()
    assert len(sent) == 1
    assert len(site.labels()) == 1
    expect(ann.page.locator("#refused-banner")).to_be_hidden()


def test_an_answer_that_is_refused_after_its_undo_is_not_mourned(ann: Person, site: Site) -> None:
    page = ann.page
    held = hold(page)
    ann.press("1")
    until_sent(page, held, 1)
    ann.press("z")
    ann.waits(2)
    held[0].fulfill(status=422, json={"error": {"code": "refused", "message": "No."}})
    page.unroute(ANSWERS)
    ann.is_saved()
    expect(page.locator("#refused-banner")).to_be_hidden()
    assert site.labels() == []


def test_a_cut_and_an_undo_leave_nothing_but_the_last_word(ann: Person, site: Site) -> None:
    page = ann.page
    ann.has_more()
    cut(page)
    ann.press("1", "z", "2", "z", "0")
    mend(page)
    ann.is_saved()
    assert [label.answer for label in site.labels()] == ["tie"]
