"""Whatever a model, a task or a person writes: it is text. It runs nothing and fetches nothing."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from prefloop.report.build import build_report
from prefloop.store.store import Store
from tests.browser.conftest import NewPerson
from tests.browser.hostile import CALL, MARKUP, TRAP, payloads
from tests.browser.person import Person
from tests.browser.site import Site, serving
from tests.unit.report.fake_run import fake_config, make_run

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
});
"""
SUITABLE = [text.replace("\0", "").encode("utf-8", "ignore").decode() for text in payloads()]
"""What a database can hold: neither NUL nor half a character."""
MARKUP_ONLY = SUITABLE[: len(MARKUP)]
A_LOT, NAME_LENGTH = 5_000, 40
NAME = "<img src=x onerror=window.executed=1>"
IN_GROUPS_OF = 8
EVERYWHERE = {
    "/dashboard": MARKUP_ONLY,
    "/team": MARKUP_ONLY,
    "/team/people": [NAME],
    "/team/gold?known=true": MARKUP_ONLY[:IN_GROUPS_OF],
    "/team/instructions": MARKUP_ONLY,
}
"""What each of the owner's pages shows."""


@pytest.fixture
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """Serve a store in which every text is hostile; a parameter says whether it is rendered."""
    with serving(tmp_path, renders_markdown=getattr(request, "param", False)) as made:
        made.add(NAME)
        questions = [
            (SUITABLE[start], SUITABLE[start : start + IN_GROUPS_OF])
            for start in range(0, len(SUITABLE) - 1, IN_GROUPS_OF)
        ]
        made.ask(
            [(prompt, texts if len(texts) > 1 else [*texts, "x"]) for prompt, texts in questions]
        )
        small = [text for text in SUITABLE if len(text) < A_LOT]
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


@pytest.mark.parametrize("site", [False, True], ids=["raw", "rendered"], indirect=True)
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
    raw = ann.page.get_by_role("button", name="Raw text")
    if raw.is_visible():
        raw.click()
        watched.is_clean(ann.page)
        raw.click()
        watched.is_clean(ann.page)
    ann.press("1")


def test_markdown_code_and_turns_are_rendered_and_the_raw_text_is_one_click_away(
    browser: Browser, tmp_path: Path
) -> None:
    prompt = "Human: Write *one* line.\n\nAssistant: Which?"
    code = "```python\nx = 1\n```"
    long_line = "a" * 2**20
    with serving(tmp_path, renders_markdown=True) as site:
        site.add("Ann")
        site.ask([(prompt, (code, long_line))])
        with browser.new_context() as context:
            watched = Watched(context, site)
            ann = Person(context.new_page(), site, "Ann")
            ann.come_back()
            ann.asked()
            page = ann.page
            expect(page.locator("#prompt .turn-who")).to_have_text(["Human", "Assistant"])
            expect(page.locator("#prompt em")).to_have_text("one")
            expect(page.locator(".sample pre code")).to_have_text("x = 1\n")
            lengths = page.locator(".sample .text").evaluate_all(
                "all => all.map(e => e.textContent.length)"
            )
            assert max(lengths) == len(long_line), "too long to be rendered: raw"
            raw = page.get_by_role("button", name="Raw text")
            raw.click()
            expect(raw).to_have_attribute("aria-pressed", "true")
            expect(page.locator("#prompt")).to_have_text(prompt)
            expect(page.locator(".sample pre")).to_have_count(0)
            raw.click()
            expect(page.locator("#prompt .turn-who")).to_have_count(2)
            page.keyboard.press("d")
            expect(page.locator(".sample mark").first).to_be_visible()
            expect(page.locator(".sample pre")).to_have_count(0)
            watched.is_clean(page)


def test_the_owners_pages_show_them_and_do_nothing(browser: Browser, site: Site) -> None:
    _spread(site)
    with browser.new_context() as context:
        watched = Watched(context, site)
        entered = site.store.access.log_in_with_code(site.code("olga"))
        assert entered is not None
        cookie = {"name": "prefloop_session", "value": entered[0], "url": site.address}
        context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        for path in EVERYWHERE:
            page.goto(f"{site.address}{path}")
            if path == "/dashboard":
                expect(page.locator("#samples .sample")).not_to_have_count(0)
                expect(page.locator("#cord-samples .sample")).not_to_have_count(0)
            said = page.locator("main").evaluate("main => main.textContent")
            missing = [text for text in EVERYWHERE[path] if text not in said]
            assert missing == [], path
            watched.is_clean(page)


def _spread(site: Site) -> None:
    """Put all texts wherever an owner reads what people and models wrote."""
    short = [text for text in SUITABLE if len(text) < A_LOT]
    groups = [short[start : start + IN_GROUPS_OF] for start in range(0, len(short), IN_GROUPS_OF)]
    asked = site.ask([(group[0], [*group, "x"]) for group in groups], round=8)
    for comparison_id, group in zip(asked, groups, strict=True):
        site.teach(comparison_id, group[0])
    for update, group in enumerate(groups):
        drawn = [{"prompt": text, "response": text, "score": 1.0, "kl": 2.0} for text in group]
        site.store.updates.write("policy", 0, update, {"policy/score": 1.0}, drawn)
    site.store.updates.heartbeat(phase=NAME, round=0, done=1, total=2, detail=NAME)
    for number, text in enumerate(MARKUP_ONLY):
        name = " ".join(text[:NAME_LENGTH].split()) + str(number)
        site.add(name)
        site.store.exclusions.apply(text, name, text, text)
    shown = [sample.id for sample in site.store.samples(round=8)]
    site.store.stop_requests.pull(NAME, "\n".join(MARKUP_ONLY), shown)


def test_the_report_shows_them_and_does_nothing(browser: Browser, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", rounds=1, n_held_out=len(SUITABLE), hostile=SUITABLE)
    with Store.open(run / "prefloop.db") as store:
        report = build_report(run, store, fake_config(report={"pairs": len(SUITABLE)}))
    with browser.new_context() as context:
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        context.add_init_script(WATCH)
        page = context.new_page()
        page.goto(report.as_uri())
        shown = page.locator("body").inner_text()
        assert all(text in shown for text in MARKUP_ONLY)
        assert page.evaluate("window.executed") is None
        assert page.evaluate("window.violations") == []
        assert page.locator("img, script[src], iframe, object, embed").count() == 0
        assert [url for url in asked if not url.startswith(("file:", "data:image/svg+xml"))] == []


def test_what_is_hidden_in_a_text_is_made_visible(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path) as site:
        site.add("Ann")
        flag = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
        family = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
        persian = "می\u200cخواهم"
        site.ask(
            [
                (
                    "a\u202eb\u200b\u200bc\u0007Z" + 40 * "\u0301",
                    (f"{flag} {family} {persian} 1\ufe0f\u20e3", "  two  spaces\n\ttab\r\nline"),
                )
            ]
        )
        with browser.new_context() as context:
            ann = Person(context.new_page(), site, "Ann")
            ann.come_back()
            ann.asked()
            chips = ann.page.locator(".hidden-character")
            expect(chips).to_have_text(["RLO", "ZWSP ×2", "U+0007", "+32 accents"])
            shown = ann.page.locator(".sample .text").evaluate_all(
                "(all) => all.map(e => e.textContent)"
            )
            assert sorted(shown) == sorted(
                [f"{flag} {family} {persian} 1\ufe0f\u20e3", "  two  spaces\n\ttab\nline"]
            )
            first = ann.page.locator(".sample .text").first
            expect(first).to_have_css("white-space-collapse", "preserve")
