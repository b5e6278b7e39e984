"""Every word on the pages comes from the file of strings: all are marked here."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from prefloop.web.strings import InterfaceStrings, InterfaceText, shipped_strings
from tests.browser.person import Person
from tests.browser.site import QUESTION, Site, serving, short_questions

UNMARKED = """({ ignored, elsewhere }) => {
  const aside = "script, noscript, textarea, kbd, time, .text, .prose, .lead, .brand";
  const readOut = ["aria-label", "title", "placeholder", "alt"];
  const found = [];
  const look = (text) => {
    const rest = text.replace(/⟦[^⟧]*⟧|\\b(USD|min)\\b/gu, "");
    if (/\\p{L}{2,}/u.test(rest) && !ignored.includes(rest.trim())) found.push(text.trim());
  };
  const templates = [...document.querySelectorAll("template")];
  const places = [document.body, ...templates.map((each) => each.content)];
  for (const place of places) {
    const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const { data, parentElement: at } = walker.currentNode;
      if (!at?.closest(aside) && !at?.closest(elsewhere)) look(data);
    }
    for (const each of place.querySelectorAll("*")) {
      for (const name of readOut) look(each.getAttribute(name) ?? "");
    }
  }
  return [...new Set(found)];
}"""


def marked(text: InterfaceText) -> InterfaceText:
    """Return a text within signs that stand nowhere else; what is put in stays outside."""
    if not isinstance(text, str):
        return {form: str(marked(each)) for form, each in text.items()}
    return re.sub(r"[^{}]+(?![^{]*\})", lambda found: f"⟦{found[0]}⟧", text)


def all_marked(strings: InterfaceStrings) -> InterfaceStrings:
    """Return strings within those signs."""
    return replace(
        strings,
        pages={key: str(marked(text)) for key, text in strings.pages.items()},
        scripts={key: marked(text) for key, text in strings.scripts.items()},
        refusals={key: marked(text) for key, text in strings.refusals.items()},
    )


@pytest.fixture
def marked_site(tmp_path: Path) -> Iterator[Site]:
    """Serve a page on which every string of the file is marked, and asks how clearly and why."""
    shipped = shipped_strings()
    assert shipped.owners is not None
    strings = replace(all_marked(shipped), owners=all_marked(shipped.owners))
    with serving(tmp_path, strings=strings, asks_strength=True, reasons=("shorter",)) as made:
        made.add("Ann")
        made.ask(short_questions(4))
        yield made


NAMED = ["Ann", "shorter", "prefloop", QUESTION]
"""What is the run's own."""

ON_OWNERS_PAGES = [
    *("olga", "for olga", "a rule", "a ruleAnn", "It was seen.", "a key", "a keyolga"),
    *("CSV", "JSONL"),
]

MEASURED = ".findings"
"""What the measures of quality say of somebody, which is in English."""


def unmarked(page: Page, also: Sequence[str] = ()) -> list[str]:
    """Return the words on a page that come from nowhere or from elsewhere."""
    known = {"ignored": [*NAMED, *also], "elsewhere": MEASURED}
    found: list[str] = page.evaluate(UNMARKED, known)
    return found


def test_marks_are_put_around_what_the_file_says() -> None:
    assert marked("at most {n} left") == "⟦at most ⟧{n}⟦ left⟧"
    assert marked({"other": "{n} h"}) == {"other": "{n}⟦ h⟧"}


def test_every_word_on_the_pages_comes_from_the_file(browser: Browser, marked_site: Site) -> None:
    context = browser.new_context()
    ann = Person(context.new_page(), marked_site, "Ann")
    page = ann.page
    page.goto(f"{marked_site.address}/login")
    assert unmarked(page) == []
    page.locator("#code").fill("wrong")
    page.locator("#by-code [type=submit]").click()
    expect(page.locator("#code-refused")).to_contain_text("⟦That did not fit")
    assert unmarked(page) == []
    ann.come_back()
    ann.asked()
    assert unmarked(page) == []
    for key in ("d", "p", "e"):
        page.keyboard.press(key)
        assert unmarked(page) == []
    page.keyboard.press("Escape")
    ann.press("1")
    expect(page.locator("#why")).to_be_visible()
    assert unmarked(page) == []
    page.keyboard.press("1")
    ann.press("z")
    expect(page.locator("#mode")).to_be_visible()
    assert unmarked(page) == []
    ann.press("0", "b", "0", "0")
    ann.rests()
    expect(ann.saved).to_have_attribute("data-state", "saved")
    assert unmarked(page) == []
    page.goto(f"{marked_site.address}/mine")
    expect(page.locator(".own")).to_have_count(4)
    assert unmarked(page) == []
    page.goto(f"{marked_site.address}/instructions")
    expect(page.locator(".prose")).not_to_be_empty()
    assert unmarked(page) == []
    page.goto(f"{marked_site.address}/team")
    expect(page.locator("h1")).to_be_visible()
    assert unmarked(page) == ["⟦This is not open to a ⟧labeler⟦.⟧"]
    context.close()


def test_every_word_on_the_owners_pages_comes_from_the_file(
    browser: Browser, marked_site: Site
) -> None:
    site = marked_site
    context = browser.new_context()
    ann = Person(context.new_page(), site, "Ann")
    ann.come_back()
    ann.asked()
    ann.press("1")
    ann.page.keyboard.press("1")
    expect(ann.saved).to_have_attribute("data-state", "saved")
    ann.page.close()
    site.store.exclusions.apply("a rule", "Ann", "It was seen.", "olga")
    site.store.access.new_token(site.people["olga"], "a key")
    olga = Person(context.new_page(), site, "olga")
    olga.come_back()
    page = olga.page
    page.goto(f"{site.address}/dashboard")
    expect(page.locator("#connection")).to_have_text("⟦Live.⟧")
    assert unmarked(page, ON_OWNERS_PAGES) == []
    for name in ("", "/answers", "/people", "/gold", "/instructions"):
        page.goto(f"{site.address}/team{name}")
        page.wait_for_load_state("networkidle")
        for more in page.locator("details").all():
            more.evaluate("details => { details.open = true; }")
        assert unmarked(page, ON_OWNERS_PAGES) == []
    context.close()


def test_a_word_from_elsewhere_would_be_seen(browser: Browser, marked_site: Site) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{marked_site.address}/login")
    page.evaluate("document.getElementById('code-hint').append(' Said by a script')")
    page.evaluate("document.getElementById('code').setAttribute('title', 'Said aside')")
    assert [text.strip() for text in unmarked(page)] == ["Said by a script", "Said aside"]
    context.close()
