"""An owner watches a run and runs a team: nothing is reloaded, nothing hostile runs."""

import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from prefloop.web.services import status_text
from tests.browser.conftest import PATIENCE_MS
from tests.browser.site import Site
from tests.e2e.labelers import answer_in_store
from tests.unit.web.seeded_store import Seeding

NAME = "<img src=x onerror=\"document.title='owned'\">"
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
PAGES = ("/dashboard", "/team", "/team/people", "/team/gold", "/team/gold?known=true")
EVERY_PAGE = (*PAGES, "/team/instructions")
WIDTHS = (1280, 390, 320)

Opened = Callable[..., Page]


@pytest.fixture
def owner(browser: Browser, site: Site) -> Iterator[Opened]:
    """Return a function that opens one of the owner's pages, or another person's."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_page(path: str = "/dashboard", who: str = "olga", **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.set_default_navigation_timeout(4 * PATIENCE_MS)
        context.on("weberror", lambda error: problems.append(str(error.error)))
        context.on("console", lambda line: problems.extend(_refusals(line.text)))
        context.on("request", lambda request: problems.extend(_strange(request.url, site)))
        entered = site.store.access.log_in_with_code(site.code(who))
        assert entered is not None
        cookie = {"name": "prefloop_session", "value": entered[0], "url": site.address}
        context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        page.goto(f"{site.address}{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == [], "scripts of the page failed, or something was not allowed"


def _refusals(line: str) -> list[str]:
    return [line] if "Content Security Policy" in line else []


def _strange(url: str, site: Site) -> list[str]:
    """Return an address that no page of ours asks for; `x` is what hostile texts would load."""
    return [] if url.startswith(f"{site.address}/") and not url.endswith("/x") else [url]


def train(site: Site, first: int, last: int) -> None:
    """Let the trainer make updates and say so."""
    Seeding(site.store, random.Random(first)).improve(0, first, last)
    site.store.updates.heartbeat(
        phase="training the policy", round=0, done=last, total=99, checkpoints=(2, 4)
    )


# --- the dashboard


def test_it_grows_by_itself_without_a_reload(owner: Opened, site: Site) -> None:
    train(site, 1, 5)
    page = owner()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Round 0, training the policy: update 5 of 99."
    )
    page.evaluate("window.isTheSame = true")
    expect(page.locator("#chart-score canvas")).to_have_count(1)
    train(site, 6, 9)
    expect(page.get_by_role("heading", level=1)).to_contain_text("update 9 of 99")
    expect(page.locator("#chart-score .chart-text")).to_contain_text("at update 9")
    expect(page.locator("#score-fine")).to_have_text("update 9")
    expect(page.locator("#samples .sample").first).to_contain_text("update 9")
    page.locator("#chart-kl summary").click()
    expect(page.locator("#chart-kl tbody tr")).to_have_count(9)
    assert page.evaluate("window.isTheSame")


def test_what_the_method_does_not_measure_is_left_out_with_a_word(
    owner: Opened, site: Site
) -> None:
    site.store.updates.write("policy", 0, 1, {"policy/score": 1.0, "policy/entropy": 2.0}, [])
    page = owner()
    expect(page.locator("#unmeasured")).to_have_text(
        "Not measured at each update by this method: KL from the reference and KL coefficient."
    )
    expect(page.locator("#score-fine")).to_have_text("update 1")
    for place in ("#kl-big", "#chart-kl", "#chart-kl_coef"):
        expect(page.locator(place)).to_be_hidden()
    expect(page.locator("#chart-entropy")).to_be_visible()
    site.store.updates.write("policy", 0, 2, {"policy/kl": 3.0, "policy/kl_coef": 0.1}, [])
    expect(page.locator("#kl-big")).to_have_text("3.00")
    expect(page.locator("#chart-kl")).to_be_visible()
    expect(page.locator("#unmeasured")).to_be_empty()


def test_this_hours_answers_have_a_bar(owner: Opened, site: Site) -> None:
    page = owner()
    told, chart = (page.locator(f"#chart-hours {part}") for part in (".chart-text", "canvas"))
    expect(told).to_contain_text("0 in this hour")
    before = chart.evaluate("canvas => canvas.toDataURL()")
    answer_in_store(site.store, "Ann", 1)
    expect(told).to_contain_text("1 in this hour")
    page.wait_for_function(
        "old => document.querySelector('#chart-hours canvas').toDataURL() !== old", arg=before
    )


def test_it_asks_only_for_what_is_new(owner: Opened, site: Site) -> None:
    train(site, 1, 5)
    asked: set[tuple[str, str]] = set()
    page = owner()
    page.on("request", lambda request: asked.add((request.resource_type, request.url)))
    last = site.store.recent.last_line()
    for _ in range(2):
        with page.expect_request(re.compile(rf"/api/dashboard\?after={last}$")):
            pass
    asked = {(kind, url) for kind, url in asked if not url.endswith(f"after={last}")}
    assert {kind for kind, _ in asked} <= {"other"}, "nothing but the browser's own icon"


def test_after_a_roll_back_the_curve_is_the_new_one(owner: Opened, site: Site) -> None:
    train(site, 1, 9)
    page = owner()
    page.locator("#chart-kl summary").click()
    expect(page.locator("#chart-kl tbody tr")).to_have_count(9)
    site.store.updates.forget_after("policy", 4)
    expect(page.locator("#chart-kl tbody tr")).to_have_count(4)
    train(site, 5, 6)
    expect(page.locator("#chart-kl tbody tr")).to_have_count(6)


def test_a_hidden_tab_is_quiet_and_comes_back(owner: Opened, site: Site) -> None:
    train(site, 1, 2)
    page = owner()
    expect(page.locator("#connection")).to_have_text("Live.")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    hide(page, is_hidden=True)
    expect(page.locator("#connection")).to_contain_text("Paused")
    asked.clear()
    train(site, 3, 4)
    # Longer than the page waits between two questions: it must have asked by now if it would.
    page.wait_for_timeout(2500)
    assert asked == []
    hide(page, is_hidden=False)
    expect(page.locator("#connection")).to_have_text("Live.")
    expect(page.get_by_role("heading", level=1)).to_contain_text("update 4 of 99")


def hide(page: Page, *, is_hidden: bool) -> None:
    """Tell a page that it is hidden, or shown; a browser without a window has no other way."""
    page.evaluate(
        """(isHidden) => {
          Object.defineProperty(document, "hidden", {value: isHidden, configurable: true});
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        is_hidden,
    )


def test_a_lost_server_is_said_and_survived(owner: Opened, site: Site) -> None:
    train(site, 1, 2)
    page = owner()
    expect(page.locator("#connection")).to_have_text("Live.")
    page.context.set_offline(True)
    expect(page.locator("#connection")).to_contain_text("The server does not answer.")
    expect(page.locator("#connection")).to_contain_text("What you see is of")
    expect(page.get_by_role("heading", level=1)).to_contain_text("update 2 of 99")
    train(site, 3, 4)
    page.context.set_offline(False)
    expect(page.locator("#connection")).to_have_text("Live.")
    expect(page.get_by_role("heading", level=1)).to_contain_text("update 4 of 99")


def test_a_trainer_that_falls_silent_is_reported(
    owner: Opened, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_text, "SILENT_SECONDS", 3.0)
    page = owner()
    expect(page.get_by_role("heading", level=1)).to_have_text("No trainer has used this store yet.")
    train(site, 1, 1)
    warning = page.locator("#trainer-warning")
    expect(warning).to_be_hidden()
    expect(warning).to_be_visible()
    expect(warning).to_contain_text("Nothing heard from the trainer for")


# --- the cord


def test_a_stop_shows_who_why_and_what_and_the_owner_resumes(owner: Opened, site: Site) -> None:
    train(site, 1, 5)
    page = owner()
    expect(page.locator("#cord")).to_be_hidden()
    sample = site.store.samples()[0]
    cord = site.store.stop_requests.pull("Ann", "Every answer is the same.", [sample.id])
    expect(page.locator("#cord")).to_contain_text("Ann stopped it")
    expect(page.locator("#cord-reason")).to_have_text("Every answer is the same.")
    expect(page.locator("#cord-samples")).to_contain_text(sample.text.strip())
    expect(page.locator("#cord-stopped")).to_contain_text(
        re.compile("has not stopped yet|stops before its next update")
    )
    site.store.stop_requests.stopped(cord.id, 5)
    expect(page.locator("#cord-stopped")).to_contain_text("waits at update 5")
    go_on = page.get_by_role("button", name="Let the run go on")
    go_on.click()
    assert site.store.stop_requests.active() is not None, (
        "without a word on what was checked nothing happens"
    )
    page.get_by_label("What did you check?").fill("Read ten samples; two differ.")
    page.get_by_label("Resume from where it stands").check()
    go_on.click()
    expect(page.locator("#cord")).to_be_hidden()
    [found] = site.store.stop_requests.all()
    assert (found.action, found.released_by) == ("resume", "olga")
    assert found.checked == "Read ten samples; two differ."
    expect(page.locator("#stop-rows")).to_contain_text("Read ten samples; two differ.")


def test_an_owner_rolls_back_to_a_checkpoint(owner: Opened, site: Site) -> None:
    train(site, 1, 5)
    site.store.stop_requests.pull("Ann", "Worse every hour.", [])
    page = owner()
    page.get_by_label("What did you check?").fill("The score went up, the texts did not.")
    page.get_by_label("Update to roll back to").select_option("2")
    page.get_by_role("button", name="Let the run go on").click()
    expect(page.locator("#cord")).to_be_hidden()
    [found] = site.store.stop_requests.all()
    assert (found.action, found.roll_back_to) == ("roll_back", 2)


def test_a_viewer_sees_the_stop_and_cannot_release_it(owner: Opened, site: Site) -> None:
    site.add("Vera", "viewer")
    site.store.stop_requests.pull("Ann", "Something is wrong.", [])
    page = owner(who="Vera")
    expect(page.locator("#cord")).to_contain_text("An owner lets the run go on.")
    assert page.get_by_role("button", name="Let the run go on").count() == 0
    assert page.get_by_role("button", name="Stop the line").count() == 0


def test_an_owner_stops_the_line(owner: Opened, site: Site) -> None:
    page = owner()
    # Its first answer moves what stands on the page, and a click that begins before may miss.
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    page.get_by_role("button", name="Stop the line").click()
    page.get_by_label("Why").fill("I want to look first.")
    page.get_by_role("button", name="Stop it").click()
    expect(page.locator("#cord-reason")).to_have_text("I want to look first.")
    active = site.store.stop_requests.active()
    assert active is not None and active.pulled_by == "olga"


# --- people


def test_an_owner_invites_somebody_and_they_come_in(
    owner: Opened, site: Site, browser: Browser
) -> None:
    page = owner("/team/people")
    page.get_by_label("Names, one a line").fill("Cleo")
    page.get_by_role("button", name="Add and invite").click()
    secret = page.get_by_role("dialog", name="A code for Cleo")
    code = secret.locator("#secret-text").inner_text()
    assert len(code) > 20
    secret.get_by_role("button", name="Done").click()
    expect(page.locator("#people")).to_contain_text("Cleo")
    assert code not in page.content(), "a code is shown once"
    with browser.new_context() as context:
        newcomer = context.new_page()
        newcomer.goto(f"{site.address}/login")
        newcomer.get_by_label("Your code").fill(code)
        newcomer.keyboard.press("Enter")
        newcomer.wait_for_url("**/label")
    page.get_by_role("button", name="Lock out Cleo").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes").click()
    expect(page.get_by_role("button", name="Let in again Cleo")).to_be_visible()
    person = site.store.people.by_name("Cleo")
    assert person is not None and person.disabled_at is not None


def test_many_are_invited_at_once_and_come_by_their_links(
    owner: Opened, site: Site, browser: Browser
) -> None:
    page = owner("/team/people")
    names = page.get_by_label("Names, one a line")
    names.fill("Cleo\n\n Dora \nANN\nEve")
    page.get_by_role("button", name="Add and invite").click()
    secret = page.get_by_role("dialog", name="Links for 3 people")
    lines = secret.locator("#secret-text").inner_text().splitlines()
    assert [line.split(":")[0] for line in lines] == ["Cleo", "Dora", "Eve"]
    secret.get_by_role("button", name="Done").click()
    expect(names).to_have_value("ANN")
    expect(page.locator("form .refused").first).to_contain_text("in use")
    link = lines[1].partition(": ")[2]
    with browser.new_context() as context:
        newcomer = context.new_page()
        asked: list[str] = []
        newcomer.on("request", lambda request: asked.append(request.url))
        newcomer.goto(link)
        expect(newcomer.get_by_label("Your code")).to_have_value(link.partition("#code=")[2])
        assert newcomer.url == f"{site.address}/login", "the code leaves the address"
        assert site.store.people.by_name("Dora") is not None
        newcomer.get_by_role("button", name="Log in").click()
        newcomer.wait_for_url("**/label")
        assert not any("code=" in url.partition("#")[0] for url in asked)


def test_an_owner_leaves_somebody_out_and_undoes_it(owner: Opened, site: Site) -> None:
    page = owner("/team")
    page.get_by_text("Leave somebody out").click()
    page.get_by_role("combobox", name="Who").select_option("Ann")
    page.get_by_label("Name of the exclusion").fill("random clicking")
    page.get_by_label("Reason").fill("Forty answers in a minute; she says the cat did it.")
    page.get_by_role("button", name="Leave out", exact=True).click()
    expect(page.locator("#exclusions")).to_contain_text("the cat did it")
    assert site.store.exclusions.excluded() == {"Ann"}
    page.get_by_role("button", name="Undo random clicking for Ann").click()
    expect(page.locator("#exclusions")).to_contain_text("undone")
    assert site.store.exclusions.excluded() == set()


def test_an_owner_marks_a_known_answer_and_takes_it_back(owner: Opened, site: Site) -> None:
    page = owner("/team/gold")
    question = page.locator(".question").first
    question.locator(".option").nth(1).click()
    question.get_by_label("Why it is best").fill("The others do not end.")
    question.get_by_role("button", name="Known beyond doubt").click()
    expect(question).to_contain_text("In the pool.")
    [gold] = site.store.gold.all()
    assert gold.explanation == "The others do not end." and not gold.is_training
    page.goto(f"{site.address}/team/gold?known=true")
    expect(page.locator(".is-known")).to_contain_text(site.text(gold.chosen).strip())
    page.get_by_role("button", name=re.compile("^Take out")).click()
    page.get_by_role("dialog").get_by_role("button", name="Yes").click()
    expect(page.locator(".question")).to_contain_text("Taken out of the pool.")
    assert site.store.gold.all() == []


def test_an_owner_publishes_instructions_after_a_look(owner: Opened, site: Site) -> None:
    page = owner("/team/instructions")
    page.get_by_label("The instructions").fill("Pick the *kindest*.")
    expect(page.locator("#preview em")).to_have_text("kindest")
    page.get_by_label("major").check()
    page.get_by_role("button", name="Publish").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes").click()
    expect(page.locator("main")).to_contain_text("Version 2 is in force.")
    assert site.store.instructions.current().text == "Pick the *kindest*."


# --- for everybody, and against everybody


def hostile(site: Site) -> None:
    """Put a text that wants to run into every place that holds one."""
    site.ask([(HOSTILE, (HOSTILE, " b"))], round=8)
    site.add(NAME)
    sample = {"prompt": HOSTILE, "response": HOSTILE, "score": 1.0, "kl": 2.0}
    site.store.updates.write("policy", 0, 1, {"policy/score": 1.0}, [sample])
    site.store.updates.heartbeat(phase=HOSTILE, round=0, done=1, total=2, detail=HOSTILE)
    shown = next(s for s in site.store.samples() if s.text == HOSTILE)
    site.store.gold.add(_known(shown.id, site))
    site.store.exclusions.apply(HOSTILE, NAME, HOSTILE, NAME)
    site.store.stop_requests.pull(NAME, HOSTILE, [shown.id])
    site.publish("2", HOSTILE)


def _known(sample_id: str, site: Site) -> Any:
    from prefloop.teamwork import Gold

    [comparison] = [c for c in site.store.comparisons() if sample_id in c.sample_ids]
    return Gold(
        comparison_id=comparison.id,
        chosen=sample_id,
        explanation=HOSTILE,
        is_training=True,
        created_by=HOSTILE,
    )


def test_texts_never_run(owner: Opened, site: Site) -> None:
    hostile(site)
    page = owner()
    for path in EVERY_PAGE:
        page.goto(f"{site.address}{path}")
        if path == "/dashboard":
            expect(page.locator("#samples")).to_contain_text("<script>")
            expect(page.locator("#cord-samples")).to_contain_text("<script>")
        assert page.title() != "owned", path
        assert page.locator("main img, main script").count() == 0, path


def test_nothing_serious_is_in_the_way_of_anybody(owner: Opened, site: Site) -> None:
    train(site, 1, 5)
    site.store.gold.add(_known(site.store.samples()[0].id, site))
    site.store.exclusions.apply("clicks", "Ann", "Always the first.", "olga")
    site.store.stop_requests.pull("Ann", "Look at this.", [site.store.samples()[0].id])
    page = owner()
    for path in EVERY_PAGE:
        page.goto(f"{site.address}{path}")
        if path == "/dashboard":
            expect(page.locator("#cord-reason")).to_have_text("Look at this.")
            expect(page.locator("#chart-score canvas")).to_have_count(1)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page).response["violations"]
            bad = [v for v in found if v["impact"] in ("serious", "critical")]
            shown = [(v["id"], v["nodes"][0]["html"]) for v in bad]
            assert bad == [], f"{path}: {json.dumps(shown, indent=1)}"


def test_every_page_fits_every_width(owner: Opened, site: Site) -> None:
    train(site, 1, 5)
    page = owner()
    for path in EVERY_PAGE:
        page.goto(f"{site.address}{path}")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            # The curves are drawn again a moment after the window has changed.
            page.wait_for_function("(w) => document.documentElement.scrollWidth <= w", arg=width)


def test_a_session_that_ends_leads_to_the_login(owner: Opened, site: Site) -> None:
    page = owner()
    expect(page.locator("#connection")).to_have_text("Live.")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    answer: Response | None = page.goto(f"{site.address}/team")
    assert answer is not None and page.url.startswith(f"{site.address}/login")
