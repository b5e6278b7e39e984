"""What goes on around one person's work: others, lessons, new instructions, the cord, breaks."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from prefloop.teamwork import ClaimPolicy
from tests.browser.axe import faults
from tests.browser.conftest import NewPerson
from tests.browser.person import Person
from tests.browser.site import MODEL, SCORE, Site, serving, short_questions

TOLD_OF_A_VIEW = {"assignment_id", "label_type", "prompt", "samples", "lease_seconds"}
GIVEAWAYS = (MODEL, "policy", "reference", str(SCORE), "round-7", "comparison", '"kind"', '"round"')


def test_two_people_never_get_the_same_question(new_person: NewPerson, site: Site) -> None:
    site.add("Bob")
    both = [new_person("Ann"), new_person("Bob")]
    seen: dict[str, list[str]] = {"Ann": [], "Bob": []}
    working = 1
    while working:
        working = 0
        for person in both:
            state = re.compile("asking|resting")
            expect(person.page.locator("body")).to_have_attribute("data-state", state)
            if person.page.locator("body").get_attribute("data-state") == "asking":
                working += 1
                seen[person.name].append(person.prompt)
                person.page.keyboard.press("1")
    for person in both:
        person.is_saved()
    assert seen["Ann"] and seen["Bob"]
    assert set(seen["Ann"]).isdisjoint(seen["Bob"])
    assert len(seen["Ann"] + seen["Bob"]) == 12 == len(site.labels())
    assert len({label.comparison_id for label in site.labels()}) == 12


def test_logging_out_gives_questions_to_others(new_person: NewPerson, site: Site) -> None:
    site.add("Bob")
    ann = new_person("Ann")
    ann.has_more()
    ann.page.get_by_role("button", name="Log out").click()
    ann.page.wait_for_url("**/login")
    bob = new_person("Bob")
    for _ in range(12):
        bob.press("1")
    bob.rests()
    bob.is_saved()
    assert len(site.labels("Bob")) == 12


def test_nothing_tells_where_a_sample_comes_from(new_person: NewPerson, site: Site) -> None:
    responses: list[Response] = []

    def keep(response: Response) -> None:
        if "/api/" in response.url:
            responses.append(response)

    ann = new_person("Ann", comes_back=False)
    ann.page.on("response", keep)
    ann.come_back()
    ann.press("1", "0")
    ann.is_saved()
    ann.press("e")
    expect(ann.page.locator("#owns > li")).to_have_count(2)
    bodies = [r.text() for r in responses if r.status == 200]
    markup = ann.page.content()
    for giveaway in GIVEAWAYS:
        assert giveaway not in markup, giveaway
        assert all(giveaway not in body for body in bodies), giveaway
    ids = [label.shown for label in site.labels()]
    assert all(name not in markup for names in ids for name in names)
    claims = [json.loads(r.text()) for r in responses if r.url.endswith("/api/claims")]
    assert claims
    for view in (view for body in claims for view in body["assignments"]):
        assert set(view) == TOLD_OF_A_VIEW
        assert all(set(sample) == {"id", "text"} for sample in view["samples"])


def test_what_is_stored_as_shown_is_what_stood_there(ann: Person, site: Site) -> None:
    for _ in range(6):
        ann.asked()
        on_screen = ann.samples
        ann.press("1")
        ann.is_saved()
        label = site.labels()[-1]
        assert [site.text(name).strip() for name in label.shown] == on_screen
        assert label.chosen == label.shown[0]


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Site]:
    """Serve a store whose newcomers get two lessons first, and are asked how much better."""
    policy = ClaimPolicy(gold_share=0.0, retest_share=0.0, training_items=2)
    asked = {"asks_strength": True, "reasons": ("shorter", "kinder")}
    with serving(tmp_path, claims=policy, pass_accuracy=0.0, **asked) as made:
        made.add("Ann")
        made.ask(short_questions(4))
        for example in made.ask(
            [("Lesson.", (" Right.", " Wrong.")), ("Lesson 2.", (" Right.", " No."))], round=6
        ):
            made.teach(example, "It is right, that is why.")
        yield made


def test_lessons_are_explained_and_other_questions_not(browser: Browser, school: Site) -> None:
    with browser.new_context() as context:
        ann = Person(context.new_page(), school, "Ann")
        ann.enter()
        page = ann.page
        for is_right in (True, False):
            ann.asked()
            expect(page.locator("#mode")).to_contain_text("Practice")
            right = ann.samples.index("Right.")
            page.keyboard.press(str((right if is_right else 1 - right) + 1))
            page.keyboard.press("2")
            feedback = page.get_by_role("region", name="Right" if is_right else "Not quite")
            expect(feedback).to_contain_text("It is right, that is why.")
            expect(page.locator(".sample.is-known")).to_contain_text("Known to be best")
            assert faults(page) == []
            expect(page.locator(".sample.is-known .text")).to_have_text(re.compile("Right"))
            page.keyboard.press("1")
            expect(feedback).to_be_visible()
            page.keyboard.press("Enter")
        ann.asked()
        expect(page.locator("#mode")).to_be_hidden()
        ann.press("1")
        expect(page.get_by_role("group", name="How much better, and why?")).to_be_visible()
        assert faults(page) == []
        page.keyboard.press("4")
        page.keyboard.press("3")
        page.keyboard.press("2")
        ann.asked()
        expect(page.locator("#feedback")).to_be_hidden()
        page.keyboard.press("2")
        page.keyboard.press("3")
        page.keyboard.press("3")
        page.keyboard.press("Enter")
        ann.press("0")
        ann.press("1")
        page.keyboard.press("4")
        page.keyboard.press("Escape")
        ann.asked()
        ann.button("Choose sample 2").or_(
            page.get_by_role("button", name="Choose sample 2")
        ).first.click()
        page.get_by_role("button", name="shorter").click()
        page.get_by_role("button", name="Slightly").click()
        ann.is_saved()
        labels = school.labels()
        assert [label.details for label in labels] == [
            {"strength": "clearly", "reasons": ["shorter", "kinder"]},
            {},
            {},
            {"strength": "slightly", "reasons": ["shorter"]},
        ]
        page.keyboard.press("e")
        expect(page.locator(".own-answer").first).to_have_text(
            re.compile(r"Sample 2 of \d, slightly \(shorter\)")
        )
        assert [c.is_right for c in school.store.gold.quality_checks("Ann")] == [True, False]


def test_a_major_change_is_read_before_the_next_question(ann: Person, site: Site) -> None:
    page = ann.page
    site.publish("2", "From now on, *copies* are bad.")
    while not page.get_by_role("dialog", name="Instructions").is_visible():
        ann.asked()
        page.keyboard.press("1")
        page.wait_for_load_state("networkidle")
    dialog = page.get_by_role("dialog", name="Instructions")
    expect(dialog).to_contain_text("They have changed")
    expect(dialog).to_contain_text("From now on, copies are bad.")
    dialog.get_by_role("button", name="I have read them").click()
    # A question may stand behind the dialog already, which has the keys as long as it is open.
    expect(dialog).to_be_hidden()
    ann.press("2")
    ann.is_saved()
    assert site.labels()[-1].instructions == "2"
    assert site.labels()[0].instructions == "1"


def test_a_minor_change_is_announced(new_person: NewPerson, site: Site) -> None:
    ann = new_person("Ann")
    ann.asked()
    site.publish("1.1", "A comma more.", is_major=False)
    # It was published past the server, which may believe what it has read for two seconds more.
    deadline = time.monotonic() + 20
    while not ann.page.locator("#news-banner").is_visible():
        assert time.monotonic() < deadline
        ann.page.goto(f"{site.address}/label")
        ann.asked()
    expect(ann.page.locator("#news-banner")).to_contain_text("changed a little")
    ann.page.get_by_role("button", name="Read them").click()
    ann.page.get_by_role("button", name="I have read them").click()
    expect(ann.page.locator("#news-banner")).to_be_hidden()


def test_the_cord_takes_two_actions_and_a_reason(ann: Person, page: Page, site: Site) -> None:
    ann.press("Shift+X")
    dialog = page.get_by_role("dialog", name="Stop the run?")
    dialog.get_by_role("button", name="Stop the run").click()
    assert site.store.stop_requests.active() is None
    page.keyboard.type("All samples are the same word.")
    page.keyboard.press("Enter")
    assert site.store.stop_requests.active() is None
    shown = ann.samples
    dialog.get_by_role("button", name="Stop the run").click()
    expect(page.locator("#cord-banner")).to_contain_text("The run is stopped")
    cord = site.store.stop_requests.active()
    assert cord is not None
    assert (cord.pulled_by, cord.reason) == ("Ann", "All samples are the same word.")
    assert [site.text(name).strip() for name in cord.samples] == shown
    ann.press("1")
    ann.is_saved()


def test_a_cord_that_cannot_be_pulled_says_so(ann: Person, page: Page, site: Site) -> None:
    page.context.set_offline(True)
    ann.press("Shift+X")
    page.keyboard.type("It went wrong.")
    page.get_by_role("dialog").get_by_role("button", name="Stop the run").click()
    expect(page.locator("#cord-refused")).to_contain_text("cannot be reached")
    page.context.set_offline(False)
    page.get_by_role("dialog").get_by_role("button", name="Stop the run").click()
    expect(page.locator("#cord-banner")).to_be_visible()
    assert site.store.stop_requests.active() is not None


def test_a_break_is_suggested_after_45_minutes(new_person: NewPerson, site: Site) -> None:
    ann = new_person("Ann")
    page = ann.page
    ann.asked()
    expect(page.locator("#break-banner")).to_be_hidden()
    page.evaluate("sessionStorage.setItem('prefloop.stretch', '{\"ms\": 2699900}')")
    ann.press("1")
    expect(page.locator("#break-banner")).to_contain_text("45 minutes")
    page.get_by_role("button", name="Go on").click()
    ann.press("1")
    ann.is_saved()
    expect(page.locator("#break-banner")).to_be_hidden()


def test_agreement_with_gold_is_not_judged_too_early(ann: Person, page: Page) -> None:
    answer = page.evaluate("async () => (await fetch('/api/me')).json()")
    assert "Not enough" in answer["progress"]["gold"]["message"]
    words = "async (gold) => (await import('/static/labeling/notices.js')).goldTold(gold)"
    assert "Not enough" in page.evaluate(words, {"right": 0, "n": 0})
    few = page.evaluate(words, {"right": 20, "n": 29})
    assert "20 of 29" in few and "not enough to judge by; from 30 on" in few
    assert page.evaluate(words, {"right": 27, "n": 31}) == "You agreed with 27 of 31 known answers."
