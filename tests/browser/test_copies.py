"""Copies from the prompt, marked with one key; on a phone numbers above texts, and a switch."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.axe import faults
from tests.browser.conftest import NewPerson
from tests.browser.site import Site, serving

PHONE = {"viewport": {"width": 390, "height": 740}, "has_touch": True, "is_mobile": True}
SOURCE = "She opened the door of the house, and the rain came in with a cold wind from the sea."
COPIED = "Yes: THE DOOR OF THE HOUSE was open."
LONG_SOURCE = f"{SOURCE} " + "Nobody had asked for any of it, and all of them stayed. " * 40


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Serve a store in which nothing has been asked yet, and Ann."""
    with serving(tmp_path) as made:
        made.add("Ann")
        yield made


def test_one_key_marks_copies_in_prompt_and_samples(new_person: NewPerson, site: Site) -> None:
    site.ask([(f"{SOURCE} {i}", [COPIED, "It rained."]) for i in range(5)])
    ann = new_person("Ann")
    ann.asked()
    page = ann.page
    marks, told = page.locator("mark.copied"), page.locator(".copied-words")
    expect(marks).to_have_count(0)
    expect(told.first).to_be_hidden()
    prompt, samples = ann.prompt, ann.samples
    ann.press("p")
    expect(page.locator("#prompt mark.copied")).to_have_text("the door of the house")
    expect(page.locator("#samples mark.copied")).to_have_text("THE DOOR OF THE HOUSE")
    assert sorted(told.all_inner_texts()) == [
        "Copied from the prompt: 0 of 2 words",
        "Copied from the prompt: 5 of 8 words",
    ]
    expect(ann.button("Copies")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#spoken")).to_have_text(re.compile("^Marked: five or more words"))
    assert (ann.prompt, ann.samples) == (prompt, samples)
    line = "(mark) => getComputedStyle(mark).textDecorationLine"
    assert marks.first.evaluate(line) == "underline"
    assert faults(page) == []
    # It stays for the next question, and after a reload.
    ann.press("1")
    ann.asked()
    ann.is_saved()
    assert site.labels()[-1].details == {"copies_marked": True}
    expect(marks).to_have_count(2)
    page.reload()
    ann.asked()
    expect(marks).to_have_count(2)
    expect(ann.button("Copies")).to_have_attribute("aria-pressed", "true")
    ann.press("p")
    expect(marks).to_have_count(0)
    # They were marked when the answer was thought of; at the next question they are not.
    ann.press("0", "1")
    ann.is_saved()
    assert [x.details for x in site.labels()[-2:]] == [{"copies_marked": True}, {}]
    expect(told.first).to_be_hidden()
    page.reload()
    ann.asked()
    expect(marks).to_have_count(0)


def test_differences_and_copies_are_marked_in_turn(new_person: NewPerson, site: Site) -> None:
    site.ask([(SOURCE, [COPIED, "It rained."])])
    ann = new_person("Ann")
    copies, differences = ann.page.locator("mark.copied"), ann.page.locator("mark:not(.copied)")
    ann.press("p", "d")
    expect(copies).to_have_count(0)
    expect(differences.first).to_be_visible()
    expect(ann.button("Copies")).to_have_attribute("aria-pressed", "false")
    ann.press("d")
    expect(differences).to_have_count(0)
    expect(copies).to_have_count(2)
    ann.press("d", "p")
    expect(differences).to_have_count(0)
    expect(copies).to_have_count(2)
    expect(ann.button("Differences")).to_have_attribute("aria-pressed", "false")
    expect(ann.button("Copies")).to_have_attribute("aria-pressed", "true")


def test_other_settings_leave_copies_marked(new_person: NewPerson, site: Site) -> None:
    site.ask([(SOURCE, [COPIED, "It rained."])])
    ann = new_person("Ann")
    ann.press("p", "?")
    ann.page.get_by_label("Large", exact=True).check()
    ann.page.reload()
    ann.asked()
    expect(ann.page.locator("mark.copied")).to_have_count(2)


def test_on_a_phone_numbers_stand_above_and_a_switch_leads_to_the_samples(
    new_person: NewPerson, site: Site
) -> None:
    site.ask([(f"{LONG_SOURCE}{i}", [SOURCE * 4, COPIED * 9]) for i in range(2)])
    ann = new_person("Ann", **PHONE)
    ann.asked()
    page = ann.page
    for number in ("1", "2"):
        sample = page.get_by_role("region", name=f"Sample {number}")
        above, text = (
            sample.locator(".number").bounding_box(),
            sample.locator(".text").bounding_box(),
        )
        assert above and text and above["y"] + above["height"] <= text["y"]
    to = page.get_by_role("group", name="Go to")
    prompt, samples = to.get_by_text("Prompt"), to.get_by_text("Samples")
    expect(prompt).to_have_attribute("aria-current", "true")
    page.evaluate("scrollTo(0, 400)")
    samples.tap()
    expect(samples).to_have_attribute("aria-current", "true")
    expect(page.locator(".sample .number").first).to_be_in_viewport()
    below = page.evaluate("scrollY")
    assert below > 1000
    prompt.tap()
    expect(prompt).to_have_attribute("aria-current", "true")
    assert page.evaluate("scrollY") == 400
    samples.tap()
    expect(samples).to_have_attribute("aria-current", "true")
    assert page.evaluate("scrollY") == below
    assert faults(page) == []
    # The next question begins at its top, whatever was looked at before.
    before = ann.prompt
    page.get_by_role("group", name="Choose").get_by_text("1", exact=True).tap()
    expect(page.locator("#prompt")).not_to_have_text(before)
    expect(prompt).to_have_attribute("aria-current", "true")
    assert page.evaluate("scrollY") == 0


@pytest.mark.parametrize(("prompt", "window"), [(SOURCE, PHONE), (LONG_SOURCE, {})])
def test_a_short_prompt_or_a_wide_window_has_no_switch(
    new_person: NewPerson, site: Site, prompt: str, window: dict[str, Any]
) -> None:
    site.ask([(prompt, [COPIED, SOURCE])])
    ann = new_person("Ann", **window)
    ann.asked()
    expect(ann.page.locator("#panes")).to_be_hidden()
