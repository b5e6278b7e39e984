"""The strings of the pages: one file, and another of one's own that fits it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from prefloop.errors import SettingsError
from prefloop.store.labeling.holds import HARMFUL
from prefloop.web.config import WebSettings
from prefloop.web.strings import SHIPPED, read_strings, refusal, shipped_strings
from tests.unit.web.desk import WORK_ONLY, Desk, make_desk, open_store

Raw = dict[str, Any]


def written(folder: Path, change: Callable[[Raw], object]) -> Path:
    """Return a copy of the shipped file with a change."""
    raw = yaml.safe_load(SHIPPED.read_text("utf-8"))
    change(raw)
    path = folder / "words.yaml"
    path.write_text(yaml.safe_dump(raw, allow_unicode=True), encoding="utf-8")
    return path


@contextmanager
def served(folder: Path, change: Callable[[Raw], object]) -> Iterator[Desk]:
    """Serve a page with a changed copy of the shipped file."""
    strings = read_strings(written(folder, change))
    with open_store(folder) as store:
        desk = make_desk(store, settings=WebSettings(claims=WORK_ONLY, strings=strings))
        yield desk
        desk.app.state.services.close()


def refused(folder: Path, change: Callable[[Raw], object]) -> str:
    """Return why a changed copy of the shipped file is refused."""
    with pytest.raises(SettingsError) as told:
        read_strings(written(folder, change))
    return str(told.value)


def test_a_copy_of_the_shipped_file_says_the_same(tmp_path: Path) -> None:
    assert read_strings(written(tmp_path, lambda raw: None)) == shipped_strings()


def test_another_language_stands_on_the_page_and_in_what_its_scripts_get(tmp_path: Path) -> None:
    def in_german(raw: Raw) -> None:
        raw["language"] = "de"
        raw["pages"]["label"]["tie"] = "Gleich <gut>"
        raw["scripts"]["answering"]["right"] = "Das war's: '><b>"

    with served(tmp_path, in_german) as desk:
        page = desk.browser("ann").get("/label").text
    assert '<html lang="de">' in page
    assert "Gleich &lt;gut&gt;" in page
    # Nothing in a text ends the attribute that it stands in.
    assert r"Das war\u0027s: \u0027\u003e\u003cb\u003e" in page
    # What holds a question is what the server knows, in any language.
    assert f'value="{HARMFUL}"' in page


def test_who_translates_may_leave_out_the_owners(tmp_path: Path) -> None:
    def for_labelers(raw: Raw) -> None:
        raw["language"] = "de"
        raw["pages"]["frame"]["label"] = "Bewerten"
        del raw["owners"]

    with served(tmp_path, for_labelers) as desk:
        olga = desk.browser("olga")
        labels, dashboard = olga.get("/label").text, olga.get("/dashboard").text
    assert '<html lang="de">' in labels and ">Bewerten</a>" in labels
    assert '<html lang="en">' in dashboard
    assert ">Label</a>" in dashboard and "Bewerten" not in dashboard


def test_owners_have_the_language_of_a_file_that_has_their_words(tmp_path: Path) -> None:
    def in_german(raw: Raw) -> None:
        raw["language"] = "de"
        raw["pages"]["frame"]["label"] = "Bewerten"
        raw["owners"]["pages"]["owner_frame"]["gold"] = "Gesicherte Antworten"

    with served(tmp_path, in_german) as desk:
        dashboard = desk.browser("olga").get("/dashboard").text
    assert '<html lang="de">' in dashboard
    assert ">Bewerten</a>" in dashboard and ">Gesicherte Antworten</a>" in dashboard


def test_half_of_the_owners_words_are_not_enough(tmp_path: Path) -> None:
    def change(raw: Raw) -> None:
        raw["owners"]["pages"]["owner_frame"].pop("gold")
        raw["owners"].pop("scripts")

    told = refused(tmp_path, change)
    assert "owners.pages.owner_frame.gold is missing; in English: 'Known answers'" in told
    assert "owners.scripts.owner.unreachable is missing" in told


def test_a_refusal_is_said_by_the_page_and_programs_get_it_in_english(tmp_path: Path) -> None:
    def in_german(raw: Raw) -> None:
        raw["language"] = "de"
        raw["refusals"]["login"]["not_open"] = "Die Rolle {role} darf das nicht."
        raw["refusals"]["request"]["unknown"] = "Hier ist nichts."

    with served(tmp_path, in_german) as desk:
        ann = desk.browser("ann")
        error = ann.get("/api/dashboard").json()["error"]
        shown = desk.browser("ann").get("/label").text
        page, nowhere = ann.get("/team"), ann.get("/nowhere")
    assert error == {
        "code": "not_allowed",
        "message": "This is not open to a labeler.",
        "key": "login.not_open",
        "values": {"role": "labeler"},
    }
    # The page has the same sentence for its scripts.
    assert "refusals.login.not_open" in shown
    assert "Die Rolle {role} darf das nicht." in shown
    assert page.status_code == 403 and "Die Rolle labeler darf das nicht." in page.text
    assert nowhere.status_code == 404 and "Hier ist nichts." in nowhere.text


def test_what_only_owners_can_cause_has_words_alone(tmp_path: Path) -> None:
    with served(tmp_path, lambda raw: None) as desk:
        olga = desk.browser("olga")
        error = olga.post(f"/api/people/{desk.people['olga']}/disable").json()["error"]
    assert error == {
        "code": "oneself",
        "message": "You cannot lock yourself out. Another owner can.",
    }


def test_english_has_two_forms() -> None:
    told = {n: refusal("login.wait", n=n).english for n in ("1", "2")}
    assert told["1"] == "Too many attempts. Please wait a second, then try again."
    assert told["2"] == "Too many attempts. Please wait 2 seconds, then try again."


def test_the_flag_that_holds_a_question_is_shown_as_it_is_sent() -> None:
    assert shipped_strings().pages["flag.harmful"] == HARMFUL


def test_what_is_missing_or_unknown_is_named(tmp_path: Path) -> None:
    def change(raw: Raw) -> None:
        del raw["pages"]["label"]["tie"]
        raw["scripts"]["answering"]["rihgt"] = raw["scripts"]["answering"].pop("right")
        raw["more"] = {}
        raw["language"] = 5

    told = refused(tmp_path, change)
    assert "pages.label.tie is missing; in English: 'Tie'" in told
    assert "scripts.answering.right is missing; in English: 'Right'" in told
    assert "scripts.answering.rihgt is no string of the pages" in told
    assert "more is no part of such a file" in told
    assert "language must be a code such as `en` or `pt-BR`; got 5" in told


@pytest.mark.parametrize(
    ("code", "is_one"),
    [("es-419", True), ("zh-Hans-CN", True), ("Portuguese", False), ("en-", False), ("e", False)],
)
def test_a_language_is_one_that_browsers_take(tmp_path: Path, code: str, is_one: bool) -> None:
    def change(raw: Raw) -> None:
        raw["language"] = code

    if is_one:
        assert read_strings(written(tmp_path, change)).language == code
    else:
        assert f"got '{code}'" in refused(tmp_path, change)


@pytest.mark.parametrize("content", ["language: 2026-13-45", "[" * 100_000, "\t"])
def test_a_damaged_file_is_no_yaml(tmp_path: Path, content: str) -> None:
    path = tmp_path / "strings.yaml"
    path.write_text(content)
    with pytest.raises(SettingsError, match="is not YAML"):
        read_strings(path)


def test_placeholders_are_those_of_the_english_text(tmp_path: Path) -> None:
    def change(raw: Raw) -> None:
        raw["pages"]["login"]["which_run"] = "zum Lauf"
        raw["scripts"]["answering"]["changed"] = "Geändert in {antwort}"

    told = refused(tmp_path, change)
    assert "pages.login.which_run must have the placeholders of the English text ({run})" in told
    assert "scripts.answering.changed must have the placeholders" in told
    assert "({answer}): 'Geändert in {antwort}'" in told


def test_forms_are_those_of_a_number(tmp_path: Path) -> None:
    def polish(raw: Raw) -> None:
        raw["scripts"]["progress"]["answered"] = {
            "one": "jedna odpowiedź", "few": "{n} odpowiedzi", "other": "{n} odpowiedzi",
        }  # fmt: skip

    assert read_strings(written(tmp_path, polish)).scripts["progress.answered"] != "{n} answered"

    def wrong(raw: Raw) -> None:
        raw["scripts"]["progress"]["answered"] = {"one": "eine", "several": "{n} beantwortet"}
        raw["scripts"]["answering"]["right"] = {"other": "Richtig"}
        raw["pages"]["label"]["tie"] = ["Gleich"]
        raw["pages"]["label"]["skip"] = " "

    told = refused(tmp_path, wrong)
    assert "scripts.progress.answered needs the form `other`" in told
    assert "it has one, several" in told
    assert "scripts.answering.right has forms, and no number to choose one by" in told
    assert "pages.label.tie must be a text; got ['Gleich']" in told
    assert "pages.label.skip must be a text; got ' '" in told


def test_what_templates_show_has_no_forms(tmp_path: Path) -> None:
    """The server fills them in, and would choose a form by the rule of English."""
    shipped = shipped_strings()
    assert shipped.owners is not None
    assert all(isinstance(text, str) for text in shipped.owners.pages.values())

    def with_forms(raw: Raw) -> None:
        raw["owners"]["pages"]["work"]["skipped"] = {"one": "{n} leer", "other": "{n} leere"}

    assert "owners.pages.work.skipped has forms" in refused(tmp_path, with_forms)


def test_a_file_that_is_quite_another_one_is_refused_in_few_lines(tmp_path: Path) -> None:
    other = tmp_path / "run.yaml"
    other.write_text("task: sentiment\npages: [a, b]\n")
    with pytest.raises(SettingsError) as told:
        read_strings(other)
    lines = str(told.value).splitlines()
    assert len(lines) <= 21
    assert "more" in lines[-1]
    for content, why in ((b"a: [", "is not YAML"), (b"- a\n", "got list"), (b"\xff\xfe", "YAML")):
        other.write_bytes(content)
        with pytest.raises(SettingsError, match=why):
            read_strings(other)
    with pytest.raises(SettingsError, match=r"none.yaml cannot be read.*comparisons.strings"):
        read_strings(tmp_path / "none.yaml")
