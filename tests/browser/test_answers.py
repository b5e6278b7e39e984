"""An owner reads answers and decides with keys; two owners at once see each other."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import faults
from tests.browser.conftest import PATIENCE_MS, NewPerson
from tests.browser.site import Site

NOTE = "<img src=x onerror=\"document.title='owned'\"> =1+1"
Open = Callable[[str], Page]


@pytest.fixture
def open_as(browser: Browser, site: Site) -> Iterator[Open]:
    """Return a function that opens the page of answers as an owner."""
    contexts = []

    def open_page(name: str) -> Page:
        context = browser.new_context(viewport={"width": 1200, "height": 900})
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        entered = site.store.access.log_in_with_code(site.code(name))
        assert entered is not None
        cookie = {"name": "prefloop_session", "value": entered[0], "url": site.address}
        context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        page.goto(f"{site.address}/team/answers")
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_answers_reach_the_owner_who_decides_with_one_key(
    new_person: NewPerson, open_as: Open, site: Site
) -> None:
    ann = new_person("Ann")
    ann.press("c")
    ann.page.get_by_label("Goes with your answer").fill(NOTE)
    ann.page.get_by_role("button", name="Keep it").click()
    ann.press("1", "f")
    ann.page.keyboard.press("1")
    ann.is_saved()
    [held] = site.store.holds.in_force()
    site.add("otto", "owner")
    olga, otto = open_as("olga"), open_as("otto")
    expect(olga.locator(".answered")).to_have_count(2)
    expect(olga.locator(".answered").nth(1)).to_contain_text(NOTE)
    expect(olga).to_have_title(re.compile("^Answers"))
    assert faults(olga) == []
    olga.locator(".answered").nth(1).focus()
    olga.keyboard.press("2")
    decided = olga.locator(".answered").nth(1)
    expect(decided).to_contain_text("olga decided: sample 2")
    expect(decided).to_be_focused()
    [made] = site.store.adjudications.in_force()
    # Otto has not seen that: his key changes nothing, and shows what was said.
    otto.locator(".answered").nth(1).focus()
    otto.keyboard.press("0")
    expect(otto.locator(".answered").nth(1)).to_contain_text("olga decided: sample 2")
    expect(otto.get_by_role("alert")).to_contain_text("Look at that, then change it")
    assert site.store.adjudications.in_force() == [made]
    otto.keyboard.press("g")
    expect(otto.locator(".answered").nth(1)).to_contain_text("known to be best")
    assert [(g.comparison_id, g.chosen) for g in site.store.gold.all()] == [
        (made.comparison_id, made.chosen)
    ]
    olga.get_by_role("button", name="Release").click()
    olga.get_by_role("button", name="Yes").click()
    expect(olga.get_by_role("button", name="Release")).to_have_count(0)
    assert site.store.holds.in_force() == []
    assert held.held_by == "Ann"
    for width in (1200, 390):
        olga.set_viewport_size({"width": width, "height": 900})
        assert olga.evaluate("document.documentElement.scrollWidth <= innerWidth")
