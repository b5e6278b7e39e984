"""A labeler's day, from the code to the log-out."""

import json

from playwright.sync_api import Dialog, Page, expect

from tests.browser.conftest import NewPerson
from tests.browser.person import Person
from tests.browser.site import QUESTION, Site


def chosen_text(site: Site, labeler: str = "Ann") -> str:
    """Return the text of the sample that the newest label names."""
    chosen = site.labels(labeler)[-1].chosen
    assert chosen is not None
    return site.text(chosen).strip()


def test_a_newcomer_reads_the_instructions_first(new_person: NewPerson, site: Site) -> None:
    ann = new_person("Ann", comes_back=False)
    ann.enter(reads=False)
    dialog = ann.page.get_by_role("dialog", name="Instructions")
    expect(dialog).to_contain_text("Read all continuations before you choose.")
    expect(dialog.locator("strong")).to_have_text("all")
    ann.page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    assert ann.page.locator(".sample").count() == 0
    dialog.get_by_role("button", name="I have read them").click()
    ann.asked()
    expect(ann.page.get_by_role("heading", level=1)).to_have_text(QUESTION)
    assert site.store.instructions.acknowledged(site.people["Ann"]) == "1"
    ann.page.reload()
    ann.asked()
    expect(dialog).to_be_hidden()


def test_the_page_says_how_far_its_clock_is_from_greenwich(new_person: NewPerson) -> None:
    ann = new_person("Ann", comes_back=False, timezone_id="Asia/Kolkata")
    with ann.page.expect_request("**/api/me?utc_offset_minutes=330"):
        ann.come_back()


def test_keys_and_mouse_choose_what_stands_there(ann: Person, page: Page, site: Site) -> None:
    second = ann.samples[1]
    ann.press("2")
    ann.is_saved()
    assert chosen_text(site) == second
    ann.asked()
    first = ann.samples[0]
    page.get_by_role("button", name="Choose sample 1").first.click()
    ann.is_saved()
    assert chosen_text(site) == first
    ann.press("0", "=", "b")
    ann.asked()
    ann.button("Tie").click()
    ann.asked()
    ann.button("All bad").click()
    ann.asked()
    ann.is_saved()
    answers = [label.answer for label in site.labels()]
    assert answers == ["best", "best", "tie", "tie", "all_bad", "tie", "all_bad"]
    expect(page.locator("#figures")).to_contain_text("7 answered")
    assert {label.instructions for label in site.labels()} == {"1"}
    assert all(0 < label.seconds < 60 for label in site.labels())


def test_every_question_comes_once_and_then_none(ann: Person, page: Page, site: Site) -> None:
    prompts = set()
    for _ in range(12):
        ann.asked()
        prompts.add(ann.prompt)
        page.keyboard.press("1")
    ann.rests()
    ann.is_saved()
    assert len(prompts) == 12 == len(site.labels())
    expect(page.locator("#resting")).to_contain_text("Nothing to answer right now")
    site.ask([("One more.", (" Yes.", " No."))], round=8)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    ann.asked()
    assert ann.prompt == "One more."


def test_skips_and_flags_carry_a_reason(ann: Person, page: Page, site: Site) -> None:
    skipped = ann.prompt
    ann.press("s")
    page.keyboard.press("1")
    ann.asked()
    assert ann.prompt != skipped
    ann.button("Flag").click()
    page.get_by_label("The prompt is broken").check()
    page.get_by_label("What is wrong?").fill("It ends in the middle")
    page.get_by_role("dialog").get_by_role("button", name="Flag").click()
    ann.press("s")
    page.keyboard.press("5")
    page.keyboard.type("2 b or not 2 b")
    page.get_by_role("dialog").get_by_role("button", name="Skip").click()
    ann.press("s")
    page.keyboard.press("Escape")
    ann.asked()
    ann.is_saved()
    assert [(label.answer, label.note) for label in site.labels()] == [
        ("skip", "I cannot tell which is best"),
        ("flag", "The prompt is broken: It ends in the middle"),
        ("skip", "2 b or not 2 b"),
    ]


def test_a_note_goes_with_the_answer_and_keys_in_it_do_nothing(ann: Person, site: Site) -> None:
    page = ann.page
    asked = ann.prompt
    ann.press("c")
    page.get_by_label("Goes with your answer").type("0 b 1 z: näh …\n2")
    page.get_by_role("button", name="Keep it").click()
    assert ann.prompt == asked
    expect(ann.button("Note")).to_have_attribute("aria-pressed", "true")
    ann.press("1", "2")
    ann.asked()
    ann.is_saved()
    assert [label.note for label in site.labels()] == ["0 b 1 z: näh …\n2", ""]


def test_what_was_said_of_an_answer_taken_back_stays_with_it(ann: Person, site: Site) -> None:
    """Neither its reason nor its note goes with what is answered instead."""
    page = ann.page
    ann.press("c")
    page.get_by_label("Goes with your answer").fill("half a thought")
    page.get_by_role("button", name="Keep it").click()
    ann.press("s")
    page.keyboard.press("1")
    ann.is_saved()
    asked = ann.prompt
    ann.press("z")
    ann.asked()
    assert ann.prompt != asked
    expect(ann.button("Note")).to_have_attribute("aria-pressed", "false")
    ann.press("1")
    ann.is_saved()
    assert [(label.answer, label.note) for label in site.labels()] == [("best", "")]
    said = [json.loads(e.payload)["note"] for e in site.store.events() if e.kind == "label"]
    assert said == ["I cannot tell which is best; half a thought", ""]


def test_an_edit_of_a_skip_does_not_carry_its_reason(ann: Person, page: Page, site: Site) -> None:
    ann.press("s")
    page.keyboard.press("1")
    ann.is_saved()
    ann.press("e")
    page.locator("#owns > li").first.get_by_role("button").click()
    expect(page.locator("#mode")).to_contain_text("changing an earlier answer")
    ann.press("2")
    ann.is_saved()
    assert [(label.answer, label.note) for label in site.labels()] == [("best", "")]


SUBMIT_AND_PRESS = """async ([form, key]) => {
  document.querySelector(form).requestSubmit();
  // As a key does that comes next, before the browser has told that the dialog is closed.
  for (let i = 0; i < 20; i++) await null;
  document.dispatchEvent(new KeyboardEvent("keydown", { key, code: `Digit${key}`, bubbles: true }));
}"""


def test_a_key_right_after_a_dialog_does_not_overtake_it(ann: Person, site: Site) -> None:
    page = ann.page
    ann.has_more()
    ann.press("c")
    page.get_by_label("Goes with your answer").fill("A thought")
    page.evaluate(SUBMIT_AND_PRESS, ["#note-dialog form", "1"])
    ann.press("s")
    page.locator("#skip-dialog input[type=radio]").first.check()
    page.evaluate(SUBMIT_AND_PRESS, ["#skip-dialog form", "1"])
    ann.asked()
    ann.is_saved()
    labels = site.labels()
    assert [label.answer for label in labels] == ["best", "skip"]
    assert labels[0].note == "A thought"


def test_undo_brings_the_question_back(ann: Person, page: Page, site: Site) -> None:
    first, samples = ann.prompt, ann.samples
    ann.press("1")
    ann.asked()
    second = ann.prompt
    expect(ann.button("Undo")).to_contain_text("Undo sample 1")
    ann.press("z")
    ann.asked()
    assert (ann.prompt, ann.samples) == (first, samples)
    expect(page.locator("#mode")).to_contain_text("Taken back: sample 1")
    ann.is_saved()
    assert site.labels() == []
    ann.press("2")
    ann.asked()
    ann.is_saved()
    assert ann.prompt == second
    assert chosen_text(site) == samples[1]
    expect(page.locator("#figures")).to_contain_text("1 answered")
    ann.press("z", "z")
    expect(page.locator("#toast")).to_contain_text("Nothing to undo")


def test_an_earlier_answer_is_changed_until_its_batch_closes(ann: Person, site: Site) -> None:
    page = ann.page
    first, samples = ann.prompt, ann.samples
    ann.press("1", "0", "b")
    ann.asked()
    ann.is_saved()
    now = ann.prompt
    ann.press("e")
    rows = page.locator("#owns > li")
    expect(rows).to_have_count(3)
    expect(rows.nth(2)).to_contain_text(samples[0])
    rows.nth(2).get_by_role("button", name="Change").click()
    expect(page.locator("#mode")).to_contain_text("changing an earlier answer. It was sample 1")
    ann.asked()
    assert (ann.prompt, ann.samples) == (first, samples)
    ann.press("2")
    ann.asked()
    ann.is_saved()
    assert ann.prompt == now
    [edited] = [label for label in site.labels() if label.answer == "best"]
    assert site.text(edited.chosen or "").strip() == samples[1]
    ann.press("z")
    ann.is_saved()
    [back] = [label for label in site.labels() if label.answer == "best"]
    assert site.text(back.chosen or "").strip() == samples[0]
    site.store.queue.freeze(7)
    ann.press("e")
    expect(rows).to_have_count(3)
    expect(page.get_by_role("button", name="Change")).to_have_count(0)


def test_an_edit_can_be_left_and_begun_from_the_list(ann: Person, page: Page, site: Site) -> None:
    ann.press("1")
    ann.asked()
    now = ann.prompt
    ann.is_saved()
    page.get_by_role("link", name="My answers").click()
    page.get_by_role("button", name="Change").click()
    ann.asked()
    expect(page.locator("#mode")).to_contain_text("changing an earlier answer")
    page.keyboard.press("Escape")
    ann.asked()
    assert ann.prompt == now
    assert len(site.labels()) == 1


def test_the_batch_closes_while_an_edit_is_on_the_page(ann: Person, page: Page, site: Site) -> None:
    ann.press("1")
    ann.is_saved()
    ann.press("e")
    page.get_by_role("button", name="Change").click()
    ann.asked()
    site.store.queue.freeze(7)
    ann.press("0")
    expect(page.locator("#refused-banner")).to_contain_text("1 answer could not be taken")
    expect(ann.saved).to_have_text("1 not taken")
    page.get_by_role("button", name="Show it").click()
    dialog = page.get_by_role("dialog", name="On the way")
    expect(dialog.locator(".refused")).not_to_be_empty()
    page.reload()
    expect(ann.saved).to_have_text("1 not taken")
    ann.saved.click()
    dialog.get_by_role("button", name="I have read this").click()
    expect(ann.saved).to_have_text("Saved")
    assert [label.answer for label in site.labels()] == ["best"]


def test_logging_out_and_returning(ann: Person, page: Page, site: Site) -> None:
    ann.press("1", "2")
    ann.asked()
    ann.is_saved()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    page.goto(f"{site.address}/label")
    page.wait_for_url("**/login**")
    ann.enter(reads=False)
    ann.asked()
    expect(page.locator("#figures")).to_contain_text("2 answered")
    ann.press("e")
    expect(page.locator("#owns > li")).to_have_count(2)


def test_a_used_code_is_refused_and_a_password_works(new_person: NewPerson, site: Site) -> None:
    ann = new_person("Ann", comes_back=False)
    page = ann.page
    code = site.code("Ann")
    assert site.store.access.log_in_with_code(code)
    page.goto(f"{site.address}/login")
    page.get_by_label("Your code").fill(code)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#code-refused")).to_contain_text("used already or has expired")
    site.store.people.set_password(site.people["Ann"], "a long enough password")
    page.get_by_role("button", name="Use a password instead").click()
    page.get_by_label("Name").fill("Ann")
    page.get_by_label("Password").fill("a long enough password")
    page.keyboard.press("Enter")
    page.wait_for_url("**/label")


def test_nobody_is_asked_before_leaving_when_all_is_saved(ann: Person, page: Page) -> None:
    asked: list[Dialog] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog)
        dialog.accept()

    page.on("dialog", accept)
    ann.press("1")
    ann.is_saved()
    page.reload()
    ann.asked()
    assert asked == []
