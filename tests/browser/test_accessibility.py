"""The whole task without a mouse, on a phone, at 200 %, for screen readers, light and dark."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import faults
from tests.browser.conftest import NewPerson
from tests.browser.person import Person
from tests.browser.site import Site

SCHEMES = ["light", "dark"]
ASKS_OR_RESTS = re.compile("asking|resting")
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALL_TARGETS = """() => [...document.querySelectorAll("button, a[href], input, textarea")]
  .filter((e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
  .map((e) => [e.closest("label") ?? e, e])
  .filter(([box]) => !box.classList.contains("skip-link"))
  .map(([box, e]) => [e.id || e.textContent.trim(), box.getBoundingClientRect()])
  .filter(([, box]) => box.width < 43.5 || box.height < 43.5)
  .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""
LONG_POST = "We have always split everything evenly, and now we do not. " * 30


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_grave_in_any_state(
    new_person: NewPerson, site: Site, scheme: str
) -> None:
    # Nothing fades: axe would measure colors on their way.
    ann = new_person("Ann", comes_back=False, color_scheme=scheme, reduced_motion="reduce")
    page = ann.page
    found = {}

    def look(state: str) -> None:
        found[state] = faults(page)

    page.goto(f"{site.address}/login")
    look("login")
    page.get_by_role("button", name="Use a password instead").click()
    look("password")
    ann.enter(reads=False)
    expect(page.get_by_role("dialog", name="Instructions")).to_be_visible()
    look("instructions first")
    page.get_by_role("button", name="I have read them").click()
    ann.asked()
    look("question")
    ann.press("d")
    look("differences")
    ann.press("p")
    look("copies")
    ann.press("p")
    for key, dialog in {
        "s": "skip",
        "f": "flag",
        "c": "note",
        "?": "help",
        "Shift+X": "cord",
    }.items():
        ann.press(key)
        expect(page.locator(f"#{dialog}-dialog")).to_be_visible()
        look(dialog)
        page.keyboard.press("Escape")
    page.route("**/api/answers/**", lambda route: route.abort(), times=1)
    ann.press("1")
    ann.saved.click()
    look("on the way")
    page.keyboard.press("Escape")
    ann.is_saved()
    ann.press("e")
    expect(page.locator("#owns > li")).to_have_count(1)
    look("own answers")
    page.get_by_role("button", name="Change").click()
    ann.asked()
    look("edit")
    for path, last in {"/mine": "#owns > li", "/instructions": "#text > *"}.items():
        page.goto(f"{site.address}{path}")
        expect(page.locator(last).first).to_be_visible()
        look(path)
    assert {state: what for state, what in found.items() if what} == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_grave_around_the_work(
    new_person: NewPerson, site: Site, scheme: str
) -> None:
    site.store.stop_requests.pull("olga", "to see", ())
    ann = new_person("Ann", color_scheme=scheme, viewport={"width": 360, "height": 740})
    ann.asked()
    expect(ann.page.locator("#cord-banner")).to_contain_text("The run is stopped")
    assert faults(ann.page) == []
    body = {"error": {"code": "conflict", "message": "Answered already."}}
    refuse = "**/api/answers/**"
    ann.page.route(refuse, lambda route: route.fulfill(status=409, json=body))
    ann.press("1")
    expect(ann.page.locator("#refused-banner")).to_be_visible()
    ann.page.get_by_role("button", name="Show it").click()
    assert faults(ann.page) == []
    ann.page.keyboard.press("Escape")
    ann.page.unroute(refuse)
    site.store.queue.freeze(7)
    for _ in range(13):
        expect(ann.page.locator("body")).to_have_attribute("data-state", ASKS_OR_RESTS)
        ann.page.keyboard.press("2")
    ann.rests()
    assert faults(ann.page) == []


def test_the_full_task_without_a_mouse(new_person: NewPerson, site: Site) -> None:
    ann = new_person("Ann", comes_back=False)
    page = ann.page
    page.goto(f"{site.address}/login")
    expect(page.get_by_label("Your code")).to_be_focused()
    page.keyboard.type(site.code("Ann").lower())
    page.keyboard.press("Enter")
    page.wait_for_url("**/label")
    expect(page.get_by_role("dialog", name="Instructions")).to_be_visible()
    tab_to(page, "I have read them")
    page.keyboard.press("Enter")
    ann.asked()
    tab_to(page, "Choose sample 2")
    second = ann.samples[1]
    page.keyboard.press("Enter")
    ann.asked()
    for button in ("Tie", "All bad"):
        tab_to(page, button)
        page.keyboard.press("Space")
        ann.asked()
    tab_to(page, "Skip")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    tab_to(page, "Skip")
    page.keyboard.press("Enter")
    ann.asked()
    tab_to(page, "Undo")
    page.keyboard.press("Enter")
    ann.asked()
    ann.press("f", "1", "c")
    page.keyboard.type("by hand")
    tab_to(page, "Keep it")
    page.keyboard.press("Enter")
    tab_to(page, "More")
    page.keyboard.press("Enter")
    tab_to(page, "Change an earlier answer")
    page.keyboard.press("Enter")
    expect(page.locator("#owns > li")).to_have_count(4)
    page.keyboard.press("Escape")
    ann.press("1")
    ann.is_saved()
    labels = site.labels()
    assert [label.answer for label in labels] == ["best", "tie", "all_bad", "flag", "best"]
    assert site.text(labels[0].chosen or "").strip() == second
    assert labels[-1].note == "by hand"
    tab_to(page, "Log out")
    page.keyboard.press("Enter")
    page.wait_for_url("**/login")


FOCUSED = """() => {
  const focused = document.activeElement;
  const text = focused.cloneNode(true);
  for (const key of text.querySelectorAll("kbd")) key.remove();
  const box = focused.getBoundingClientRect();
  const { outlineStyle, outlineWidth } = getComputedStyle(focused);
  return {
    name: focused.getAttribute("aria-label") ?? text.textContent.replace(/\\s+/g, " ").trim(),
    isMarked: outlineStyle !== "none" && outlineWidth !== "0px",
    isSeen: box.bottom <= innerHeight + 1 && box.top >= -1,
  };
}"""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until a control has the focus, which must be visible."""
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused["name"].startswith(name) and focused["name"] != "Skip to the content":
            assert focused["isMarked"] and focused["isSeen"], focused
            return
    raise AssertionError(f"Tab never leads to {name!r}")


def test_single_keys_can_be_switched_off(ann: Person, page: Page, site: Site) -> None:
    ann.press("?")
    page.get_by_label("Single keys answer").uncheck()
    page.keyboard.press("Escape")
    asked = ann.prompt
    for key in "120bsfzecdip?":
        page.keyboard.press(key)
    assert page.locator("dialog[open]").count() == 0
    assert ann.prompt == asked
    expect(page.locator("#actions kbd").first).to_be_hidden()
    page.reload()
    ann.asked()
    page.keyboard.press("1")
    ann.button("Tie").click()
    ann.is_saved()
    assert [label.answer for label in site.labels()] == ["tie"]


@pytest.mark.parametrize(
    ("windows", "scale"),
    [([(320, 640), (820, 1100), (1440, 900)], 1), ([(640, 400)], 2)],
    ids=["windows", "zoom"],
)
def test_nothing_is_cut_off_at_any_width(
    new_person: NewPerson, site: Site, windows: list[tuple[int, int]], scale: int
) -> None:
    # Zoom by 200 % halves the CSS pixels of a window 1280 wide.
    word = "Donaudampfschifffahrtsgesellschaft" * 3
    site.ask([(f"{LONG_POST}\n{word}", [f"{word} {i}" for i in range(8)])], round=8)
    width, height = windows[0]
    window = {"viewport": {"width": width, "height": height}, "device_scale_factor": scale}
    ann = new_person("Ann", **window)
    page = ann.page

    def look(place: str) -> None:
        for width, height in windows:
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate(OVERFLOW) <= 0, (place, width)

    for _ in range(13):
        ann.asked()
        look("question")
        page.keyboard.press("1")
    ann.rests()
    for path in ("/mine", "/instructions", "/login"):
        if path == "/login":
            # Whoever is logged in is led on from there.
            page.context.clear_cookies()
        page.goto(f"{site.address}{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        look(path)


def test_targets_on_a_phone_are_large_enough(new_person: NewPerson, site: Site) -> None:
    site.ask([("Eight.", [f" {i}" for i in range(8)])], round=8)
    phone = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}
    ann = new_person("Ann", **phone)
    page = ann.page
    for which in "1212":  # Two taps on the same button, that fast, are a double click.
        ann.asked()
        before = ann.prompt
        assert page.evaluate(SMALL_TARGETS) == []
        page.get_by_role("group", name="Choose").get_by_text(which, exact=True).tap()
        # A tap becomes a click a moment later.
        expect(page.locator("#prompt")).not_to_have_text(before)
    ann.asked()
    ann.button("More").tap()
    assert page.evaluate(SMALL_TARGETS) == []
    page.get_by_role("button", name="Change an earlier answer").tap()
    expect(page.get_by_role("button", name="Change").first).to_be_visible()
    assert page.evaluate(SMALL_TARGETS) == []
    ann.is_saved()
    assert len(site.labels()) == 4


def test_samples_are_headed_regions_in_the_order_on_screen(ann: Person, page: Page) -> None:
    tree = page.locator("main").aria_snapshot()
    for number, text in enumerate(ann.samples, 1):
        assert f'region "Sample {number}"' in tree
        expect(page.get_by_role("region", name=f"Sample {number}")).to_contain_text(text)
    expect(page.locator("#prompt-title")).to_be_focused()
    ann.press("1")
    ann.is_saved()
    expect(page.get_by_role("status").and_(page.locator("#spoken"))).to_have_text("Saved")


def test_long_prompts_stand_beside_and_each_side_scrolls(new_person: NewPerson, site: Site) -> None:
    texts = [f"{LONG_POST} {i}" for i in range(4)]
    site.ask([(LONG_POST * 3 + str(i), texts) for i in range(30)], round=8)
    ann = new_person("Ann", viewport={"width": 1440, "height": 900})
    page = ann.page
    while len(ann.prompt) < 1000:
        ann.press("1")
        ann.asked()
    expect(page.locator("body")).to_have_attribute("data-layout", "beside")
    prompt, samples = page.locator("#prompt-pane"), page.locator("#samples-pane")
    left, right = prompt.bounding_box(), samples.bounding_box()
    assert left and right and left["x"] + left["width"] <= right["x"] + 3
    for pane in (prompt, samples):
        assert pane.evaluate("(e) => e.scrollHeight > e.clientHeight")
    page.keyboard.press("PageDown")
    expect(prompt).not_to_have_js_property("scrollTop", 0)
    ann.press("1")
    ann.asked()
    expect(prompt).to_have_js_property("scrollTop", 0)
