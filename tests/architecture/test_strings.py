"""What people read on the pages comes from `prefloop/web/strings.yaml`, and all of it is used."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

import pytest
import yaml
from jinja2 import Environment, nodes

from prefloop.store.labeling.receipts import ReceiptReason
from prefloop.web.strings import (
    SHIPPED,
    InterfaceStrings,
    InterfaceText,
    placeholders,
    shipped_strings,
)
from tests.architecture.source import PACKAGE

TEMPLATES = PACKAGE / "web" / "templates"
SCRIPTS = sorted(
    [*(PACKAGE / "web/static/labeling").glob("*.js"), *(PACKAGE / "label_types").glob("*/*.js")]
)
OWNERS_SCRIPTS = sorted((PACKAGE / "web/static").glob("*.js"))

OWNERS = frozenset(
    [
        *("answered_question", "answered_questions", "answers", "ask_dialog", "batches"),
        *("dashboard", "dashboard_macros", "exclusions", "gold", "owner_frame", "people"),
        *("people_list", "questions", "team", "team_instructions", "team_macros"),
        *("team_versions", "team_work"),
    ]
)
"""Templates of the owners' pages."""

PAGES = sorted(
    path for path in TEMPLATES.glob("*.jinja") if path.name.partition(".")[0] not in OWNERS
)
OWNERS_PAGES = sorted(TEMPLATES / f"{name}.html.jinja" for name in OWNERS)

NAMES = {"prefloop", "CSV", "JSONL"}
"""What stands in templates and is no word of a language."""

VALUES = {"not enough evidence"}
"""What templates and scripts compare figures with."""

KEYS = {"Enter", "Escape", "Accept"}
"""Capitalized literals of scripts that name keys and headers."""

LITERAL = re.compile(
    r'/\*.*?\*/|//[^\n]*|(?P<text>"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)', re.DOTALL
)
SELECTING = re.compile(
    r"(element\(\"\w+\", |className( =|:) |(querySelector(All)?|closest|matches|matchMedia)"
    r"(\?\.)?\(|new Error\()$"
)
"""What stands before classes, selectors, and faults of the page."""

PROSE = re.compile(
    # Two words, or a word and a value.
    r"[A-Za-z’]{2,}[,.:;!?…]* +(\{\}|[a-z’]{2,})|\{\}[,.:;!?…]* +[a-z’]{2,}"
    # A word alone that begins as a sentence does, or ends as one.
    r"|^[A-Z][a-z]{2,}[.!?…]*$"
    r"|[a-z][.!?…]$"
)
SAID = re.compile(r"\bsay\(\"([^\"]+)\"")


def literals(source: str) -> Iterator[tuple[str, str]]:
    """Yield the texts of a script, each with the line before it; those within texts, too."""
    for found in LITERAL.finditer(source):
        if (text := found["text"]) is None:
            continue
        before = source[: found.start()].rpartition("\n")[2]
        parts = re.findall(r"\$\{((?:[^{}]|\{[^{}]*\})*)\}", text) if text[0] == "`" else []
        for part in parts:
            yield from literals(part)
        yield before, re.sub(r"\$\{((?:[^{}]|\{[^{}]*\})*)\}", "{}", text[1:-1])


def prose_of_script(source: str) -> list[str]:
    """Return the literals of a script that read like words for people."""
    return [
        text
        for before, text in literals(source)
        if not SELECTING.search(before) and PROSE.search(text) and text not in KEYS
    ]


def words_of_template(source: str) -> list[str]:
    """Return what stands in a template as text, or in an attribute that is read out."""
    source = re.sub(r"\{#.*?#\}", "", source, flags=re.DOTALL)
    code = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
    found = [text for each in code.findall(source) for text in prose_of_script(each)]
    bare = code.sub("", source)
    found += re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*[^\W\d][^"]*)"', bare)
    bare = re.sub(r"<kbd>.*?</kbd>", "", bare)
    texts = re.split(r"<[^>]*>", bare)
    found += [text for each in texts for text in each.split() if re.search(r"[^\W\d_]", text)]
    found = [text for text in found if text not in NAMES | VALUES]
    # A block of attributes, or a macro that makes an address, stands outside of a tag.
    return [text for text in found if not re.fullmatch(r'[\w-]+="[^"]*"|\?[\w=&;]+', text)]


def given(source: str, script: bool) -> Iterator[tuple[str, set[str]]]:
    """Yield the keys that are said with literal names, and the names of the values with them."""
    if not script:
        for call in Environment().parse(source).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "say":
                yield call.args[0].as_const(), {each.key for each in call.kwargs}
        return
    for found in SAID.finditer(source):
        rest = source[found.end() :]
        if rest.startswith(", {"):
            yield found[1], set(_names_in_braces(rest[3:]))
        else:
            yield found[1], set()


def _names_in_braces(rest: str) -> Iterator[str]:
    depth, part = 0, ""
    for sign in rest:
        if depth == 0 and sign in ",}":
            if part.strip():
                yield part.partition(":")[0].strip()
            part = ""
            if sign == "}":
                return
        else:
            depth += (sign in "([{") - (sign in ")]}")
            part += sign


def wrong_values(source: str, texts: Mapping[str, InterfaceText], script: bool) -> list[str]:
    """Return keys that are not there, or whose placeholders are not what is given."""
    return [
        f"{key}: {sorted(names)}"
        for key, names in given(source, script)
        if key not in texts or placeholders(texts[key]) != names
    ]


@pytest.mark.parametrize("path", [*PAGES, *OWNERS_PAGES], ids=lambda path: path.name)
def test_templates_hold_no_words(path: Path) -> None:
    source = path.read_text("utf-8")
    assert words_of_template(source) == []
    assert wrong_values(source, strings_of(path).pages, script=False) == []


@pytest.mark.parametrize(
    "path", [*SCRIPTS, *OWNERS_SCRIPTS], ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_scripts_hold_no_words(path: Path) -> None:
    source = path.read_text("utf-8")
    assert prose_of_script(source) == []
    assert wrong_values(source, strings_of(path).scripts, script=True) == []


def strings_of(path: Path) -> InterfaceStrings:
    """Return the strings that a template or script says; those of owners say others', too."""
    shipped = shipped_strings()
    assert shipped.owners is not None
    return shipped.owners if path in (*OWNERS_PAGES, *OWNERS_SCRIPTS) else shipped


def test_no_string_is_left_over() -> None:
    shipped = shipped_strings()
    said = {key for path in PAGES for key in SAID.findall(path.read_text("utf-8"))}
    assert shipped.pages.keys() - said == set()
    named = {text for path in SCRIPTS for _, text in literals(path.read_text("utf-8"))}
    assert shipped.scripts.keys() - named == set()
    refused = {found[0] for place in ROUTES for found in said_in_refusals(place.read_text())}
    reasons = {f"answer.{reason}" for reason in get_args(ReceiptReason)}
    assert reasons <= shipped.refusals.keys()
    assert shipped.refusals.keys() == refused | reasons
    assert shipped.owners is not None
    said = {key for path in OWNERS_PAGES for key in SAID.findall(path.read_text("utf-8"))}
    said |= {text for path in OWNERS_ROUTES for text in constants(path.read_text())}
    assert shipped.owners.pages.keys() - shipped.pages.keys() - said == set()
    named = {text for path in OWNERS_SCRIPTS for _, text in literals(path.read_text("utf-8"))}
    assert shipped.owners.scripts.keys() - shipped.scripts.keys() - named == set()


def test_no_string_of_owners_hides_another() -> None:
    raw = yaml.safe_load(SHIPPED.read_text("utf-8"))
    for part in ("pages", "scripts"):
        assert raw["owners"][part].keys() & raw[part].keys() == set()


ROUTES = sorted(
    path for room in ("http", "labeling") for path in (PACKAGE / "web" / room).glob("*.py")
)
"""What answers labelers. Other refusals are owners' alone."""

FOR_PROGRAMS = {
    "An address holds no NUL character.",
    "The server takes JSON: Content-Type: application/json.",
    "This token is not valid, or was revoked.",
    "This is not open to a program's token.",
}
"""Refusals that no page can cause."""


OWNERS_ROUTES = sorted(
    path
    for room in ("services", "team", "dashboard")
    for path in (PACKAGE / "web" / room).glob("*.py")
)


def constants(source: str) -> Iterator[str]:
    """Yield the texts that stand in a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def said_in_refusals(source: str) -> Iterator[tuple[str, set[str]]]:
    """Yield the keys with which `refusal` is called, and the names of the values with them."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "refusal":
            continue
        if isinstance(node.args[0], ast.Constant):
            yield str(node.args[0].value), {str(each.arg) for each in node.keywords}


def words_in_refusals(source: str) -> set[str]:
    """Return the texts in calls that refuse: words belong into the file."""
    return {
        str(part.value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") in ("ApiError", "error_response")
        for argument in node.args
        for part in ast.walk(argument)
        if isinstance(part, ast.Constant) and " " in str(part.value)
    }


@pytest.mark.parametrize("path", ROUTES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_refusals_are_said_by_key(path: Path) -> None:
    source = path.read_text("utf-8")
    assert words_in_refusals(source) <= FOR_PROGRAMS
    refusals = shipped_strings().refusals
    for key, names in said_in_refusals(source):
        assert key in refusals and placeholders(refusals[key]) == names, key


def test_words_in_a_refusal_would_be_seen() -> None:
    assert words_in_refusals('raise ApiError(403, "no", f"Not {you} here.")') == {" here.", "Not "}
    assert words_in_refusals('raise ApiError(403, "no", refusal("login.needed"))') == set()
    assert list(said_in_refusals('refusal("a.b", n=1)')) == [("a.b", {"n"})]


@pytest.mark.parametrize(
    "source",
    [
        'toast("That went wrong.")',
        "toast(`Changed to ${named(content)}`)",
        'element("p", "own", "You chose it")',
        'button.textContent = "Send";',
        "const left = `${n} answered`;",
        'toast(`${say(isOn ? "a.b" : "Copies hidden")}`)',
    ],
)
def test_words_in_a_script_would_be_seen(source: str) -> None:
    assert prose_of_script(source) != []


@pytest.mark.parametrize(
    "source",
    [
        'toast(say("answering.lost"))',
        'element("p", "own-chosen text", own)',
        'document.querySelectorAll("#samples .choose, #choices button")',
        "// That is a comment, not a word.",
        '/* Nor is "this one here". */ call("GET", "/api/me")',
    ],
)
def test_other_literals_are_left_alone(source: str) -> None:
    assert prose_of_script(source) == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Saved</p>",
        '<nav aria-label="Pages"></nav>',
        '{{ reasons("skip", ("I cannot tell",)) }}',
        "<p>{{ name }} waits</p>",
    ],
)
def test_words_in_a_template_would_be_seen(source: str) -> None:
    assert words_of_template(source) != []


def test_a_template_that_says_all_by_key_is_left_alone() -> None:
    source = (
        '<h1 id="a">{{ say("own.title") }}</h1> <kbd>Enter</kbd> {{ say("own.hint") }} · prefloop'
    )
    assert words_of_template(source) == []


def test_a_wrong_key_or_value_would_be_seen() -> None:
    texts: dict[str, InterfaceText] = {"a.b": "{n} of {k}"}
    assert wrong_values('say("a.b", { n: f(1, 2), k })', texts, script=True) == []
    assert wrong_values('say("a.b", { n })', texts, script=True) != []
    assert wrong_values('say("a.b")', texts, script=True) != []
    assert wrong_values('say("a.c")', texts, script=True) != []
    assert wrong_values('{{ say("a.b", n=f(1, m=2), k=k) }}', texts, script=False) == []
    assert wrong_values('{{ say("a.b", n=1) }}', texts, script=False) != []
