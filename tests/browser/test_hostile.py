"""Whatever a model, a task or a person writes: it is text. It runs nothing and fetches nothing."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import NewPerson
from tests.browser.hostile import CALL, TRAP, payloads
from tests.browser.person import Person
from tests.browser.site import Site, serving

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
});
"""
SUITABLE = [text.replace("\0", "").encode("utf-8", "ignore").decode() for text in payloads()]
"""What a database can hold: neither NUL nor half a character."""
NAME = "<img src=x onerror=window.executed=1>"
IN_GROUPS_OF = 8


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Serve a store in which every text is hostile."""
    with serving(tmp_path) as made:
        made.add(NAME)
        questions = [
            (SUITABLE[start], SUITABLE[start : start + IN_GROUPS_OF])
            for start in range(0, len(SUITABLE) - 1, IN_GROUPS_OF)
        ]
        made.ask(
            [(prompt, texts if len(texts) > 1 else [*texts, "x"]) for prompt, texts in questions]
        )
        small = [text for text in SUITABLE if len(text) < 5_000]
        made.publish("2", "\n\n".join(small))
        yield made


class Watched:
    """A window that tells what left it and what its policy refused."""

    def __init__(self, context: BrowserContext, site: Site) -> None:
        self.outside: list[str] = []
        self.context = context
        own = site.address
        context.on(
            "request", lambda r: self.outside.append(r.url) if not _own(r.url, own) else None
        )
        context.add_init_script(WATCH)

    def is_clean(self, page: Page) -> None:
        """Fail if anything ran, left, or was stopped only by the policy."""
        assert page.evaluate("window.executed") is None
        assert page.evaluate("window.violations") == []
        assert self.outside == []
        assert page.locator("main img, main script, main iframe, main style, main svg").count() == 0


def _own(url: str, address: str) -> bool:
    return url.startswith((address, "blob:", "data:image/svg+xml"))


def test_hostile_texts_are_shown_and_do_nothing(new_person: NewPerson, site: Site) -> None:
    ann = new_person(NAME, comes_back=False)
    watched = Watched(ann.page.context, site)
    ann.enter(reads=False)
    dialog = ann.page.get_by_role("dialog", name="Instructions")
    expect(dialog).to_contain_text(CALL)
    watched.is_clean(ann.page)
    dialog.get_by_role("button", name="I have read them").click()
    n_questions = 0
    while True:
        expect(ann.page.locator("body")).to_have_attribute("data-state", _ASKS_OR_RESTS)
        if ann.page.locator("body").get_attribute("data-state") == "resting":
            break
        n_questions += 1
        _look_at_one(ann, watched)
    ann.is_saved()
    assert n_questions == len(site.labels()) >= len(SUITABLE) // IN_GROUPS_OF
    for path in ("/mine", "/instructions"):
        ann.page.goto(f"{site.address}{path}")
        expect(ann.page.locator("main")).to_contain_text(CALL)
        watched.is_clean(ann.page)


_ASKS_OR_RESTS = re.compile("asking|resting")


def _look_at_one(ann: Person, watched: Watched) -> None:
    ann.page.keyboard.press("d")
    ann.page.keyboard.press("d")
    ann.page.keyboard.press("c")
    ann.page.get_by_label("Goes with your answer").fill(SUITABLE[0] + TRAP)
    ann.page.keyboard.press("Control+Enter")
    watched.is_clean(ann.page)
    ann.press("1")


def test_what_is_hidden_in_a_text_is_made_visible(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path) as site:
        site.add("Ann")
        flag = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
        family = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
        persian = "می\u200cخواهم"
        site.ask(
            [
                (
                    "a\u202eb\u200b\u200bc\u0007",
                    (f"{flag} {family} {persian} 1\ufe0f\u20e3", "  two  spaces\n\ttab\r\nline"),
                )
            ]
        )
        with browser.new_context() as context:
            ann = Person(context.new_page(), site, "Ann")
            ann.come_back()
            ann.asked()
            chips = ann.page.locator(".hidden-character")
            expect(chips).to_have_text(["RLO", "ZWSP ×2", "U+0007"])
            shown = ann.page.locator(".sample .text").evaluate_all(
                "(all) => all.map(e => e.textContent)"
            )
            assert sorted(shown) == sorted(
                [f"{flag} {family} {persian} 1\ufe0f\u20e3", "  two  spaces\n\ttab\nline"]
            )
            first = ann.page.locator(".sample .text").first
            expect(first).to_have_css("white-space-collapse", "preserve")
