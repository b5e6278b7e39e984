"""Every word on the labeler's pages comes from the file of strings: all are marked here."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from prefloop.web.strings import InterfaceText, shipped_strings
from tests.browser.person import Person
from tests.browser.site import QUESTION, Site, serving, short_questions

UNMARKED = """(ignored) => {
  const aside = "script, noscript, kbd, .text, .prose, .lead, .brand";
  const readOut = ["aria-label", "title", "placeholder", "alt"];
  const found = [];
  const look = (text) => {
    const rest = text.replace(/⟦[^⟧]*⟧/gu, "");
    if (/\\p{L}{2,}/u.test(rest) && !ignored.includes(rest.trim())) found.push(text.trim());
  };
  const templates = [...document.querySelectorAll("template")];
  const places = [document.body, ...templates.map((each) => each.content)];
  for (const place of places) {
    const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const { data, parentElement: at } = walker.currentNode;
      if (!at?.closest(aside)) look(data);
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


@pytest.fixture
def marked_site(tmp_path: Path) -> Iterator[Site]:
    """Serve a page on which every string of the file is marked, and asks how clearly and why."""
    shipped = shipped_strings()
    strings = replace(
        shipped,
        pages={key: str(marked(text)) for key, text in shipped.pages.items()},
        scripts={key: marked(text) for key, text in shipped.scripts.items()},
        refusals={key: marked(text) for key, text in shipped.refusals.items()},
    )
    with serving(tmp_path, strings=strings, asks_strength=True, reasons=("shorter",)) as made:
        made.add("Ann")
        made.ask(short_questions(4))
        yield made


def unmarked(page: Page) -> list[str]:
    """Return the words on a page that come from nowhere or from elsewhere."""
    found: list[str] = page.evaluate(UNMARKED, ["Ann", "shorter", "prefloop", QUESTION])
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


def test_a_word_from_elsewhere_would_be_seen(browser: Browser, marked_site: Site) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{marked_site.address}/login")
    page.evaluate("document.getElementById('code-hint').append(' Said by a script')")
    page.evaluate("document.getElementById('code').setAttribute('title', 'Said aside')")
    assert [text.strip() for text in unmarked(page)] == ["Said by a script", "Said aside"]
    context.close()
