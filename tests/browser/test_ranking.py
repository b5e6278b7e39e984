"""Ranking all samples, by keys and by touch, with fewer places than samples, and taken back."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.axe import faults
from tests.browser.conftest import NewPerson
from tests.browser.person import Person
from tests.browser.site import Site, serving
from tests.known import known

FOUR = (" First.", " Second.", " Third.", " Fourth.")
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def site(tmp_path: Path):
    """Serve a store with six rankings of four for Ann."""
    with serving(tmp_path) as made:
        made.add("Ann")
        questions = [(f"Rank these ({n}).", FOUR) for n in range(6)]
        made.ask(questions, label_type="ranking")
        yield made


def test_an_owner_ranks_by_keys_where_a_ranking_was_asked(
    ann: Person, browser: Browser, site: Site
) -> None:
    ann.press("1", "2", "3", "Enter")
    ann.is_saved()
    context = browser.new_context()
    entered = site.store.access.log_in_with_code(site.code("olga"))
    assert entered is not None
    cookie = {"name": "prefloop_session", "value": entered[0], "url": site.address}
    context.add_cookies([cookie])  # type: ignore[list-item]
    page = context.new_page()
    page.goto(f"{site.address}/team/answers")
    question = page.locator(".answered")
    expect(question).to_contain_text(re.compile(r"Ann\s+ranking \d, \d, \d, \d"))
    question.focus()
    for key in ("3", "1", "3", "2"):
        page.keyboard.press(key)
    expect(question.locator(".order")).to_have_text("1, 2")
    assert faults(page) == []
    page.keyboard.press("Enter")
    expect(question).to_contain_text("olga decided: ranking 1, 2, 3 = 4")
    [made] = site.store.adjudications.in_force()
    assert made.details["ranking"][0] == [made.chosen]
    assert [len(place) for place in made.details["ranking"]] == [1, 1, 2]
    page.keyboard.press("0")
    expect(question).to_contain_text("olga decided: tie")
    context.close()


def ranked_texts(site: Site) -> list[list[str]]:
    """Return the texts of the newest ranking, place by place."""
    label = site.labels()[-1]
    assert label.answer == "best"
    assert label.details["ranking"][0] == [label.chosen]
    return [[site.text(name).strip() for name in place] for place in label.details["ranking"]]


def places(ann: Person) -> list[str]:
    """Return the places on the cards, in the order on the page."""
    return ann.page.locator(".sample .place").all_inner_texts()


def test_keys_rank_backspace_takes_back_and_enter_sends(ann: Person, site: Site) -> None:
    page, texts = ann.page, ann.samples
    ann.press("3", "1", "2", "Backspace", "4")
    assert places(ann) == ["2nd", "", "1st", "3rd"]
    expect(page.locator(".order")).to_have_text("3, 1, 4")
    page.keyboard.press("Enter")
    ann.asked()
    ann.is_saved()
    assert ranked_texts(site) == [[texts[2]], [texts[0]], [texts[3]], [texts[1]]]
    assert places(ann) == [""] * 4, "the next question begins without places"
    page.keyboard.press("Enter")
    assert len(site.labels()) == 1, "nothing is ranked, nothing is sent"
    texts = ann.samples
    ann.press("2", "1", "2", "Enter")
    ann.asked()
    ann.is_saved()
    first, *rest = ranked_texts(site)
    assert first == [texts[0]]
    assert [sorted(place) for place in rest] == [sorted(texts[1:])], "those left share a place"
    ann.press("0", "b")
    ann.asked()
    ann.is_saved()
    assert [label.answer for label in site.labels()] == ["best", "best", "tie", "all_bad"]
    ann.press("z", "z", "z")
    ann.asked()
    assert places(ann).count("1st") == 1, "what was ranked is shown again"
    expect(page.locator("#mode")).to_contain_text("ranking 1, 2 = 3 = 4")
    ann.press("4", "Enter")
    ann.asked()
    ann.is_saved()
    [label] = [x for x in site.labels() if x.answer == "best" and len(x.details["ranking"]) == 3]
    assert [len(place) for place in label.details["ranking"]] == [1, 1, 2]


def test_without_a_mouse_a_button_ranks_until_all_have_a_place(ann: Person, site: Site) -> None:
    page, texts = ann.page, ann.samples
    for number in (2, 4, 1):
        page.locator(".sample").nth(number - 1).locator(".choose").focus()
        page.keyboard.press("Enter")
    ann.asked()
    page.keyboard.press("Enter")
    ann.asked()
    ann.is_saved()
    assert ranked_texts(site) == [[texts[1]], [texts[3]], [texts[0]], [texts[2]]]


def test_on_a_phone_cards_are_tapped_in_order(new_person: NewPerson, site: Site) -> None:
    ann = new_person("Ann", **PHONE)
    page = ann.page
    ann.asked()
    texts = ann.samples
    page.locator(".sample").nth(1).locator(".choose").tap()
    page.locator("#choices").get_by_role("button", name="Rank sample 4").tap()
    ann.button("Back").tap()
    page.locator(".sample").nth(3).locator(".choose").tap()
    assert places(ann) == ["", "1st", "", "2nd"]
    assert faults(page) == []
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) <= 0
    box = known(ann.button("Send ranking").bounding_box())
    assert box["height"] >= 43.5
    ann.button("Send ranking").tap()
    ann.asked()
    ann.is_saved()
    first, second, rest = ranked_texts(site)
    assert (first, second) == ([texts[1]], [texts[3]])
    assert sorted(rest) == sorted([texts[0], texts[2]])
