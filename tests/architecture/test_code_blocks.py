"""Every code block of the pages is code: it parses, and names verbs, options and settings that are.

Pages whose blocks a test carries out as printed (the tutorial, the how-tos on Python, scorers,
methods and the notebook) are held to the same here, which is the least.
"""

import ast
import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from typer.main import get_command

from docs.generate import is_section, sections
from prefloop.cli.main import app
from prefloop.errors import SettingsError
from prefloop.experiments.method_settings import method_settings
from prefloop.run_file import RunFileLoader, parse_run
from prefloop.settings.run import RunConfig
from prefloop.settings.run_file import METHODS_KEY
from tests.architecture.source import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "bench/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(prefloop [^`\n]+)`")

SIGNATURES = "docs/reference/python.md"
"""Its Python blocks are what functions take, such as `prefloop.Run(folder=None, *, model=None)`."""

OWN_NAMES = {
    "docs/how-to/write-a-scorer.md": "tests/unit/test_how_to_scorers.py",
    "docs/how-to/write-a-method.md": "tests/unit/test_how_to_methods.py",
    "docs/audits.md": "tests/unit/test_how_to_scorers.py",
}
"""Pages whose run files name what their reader writes -> the test in which it is written."""

PROGRAMS = {
    *("cat", "cd", "createdb", "curl", "git", "grep", "head", "ls", "python", "sed", "sqlite3"),
    *("source", "tail", "transformers", "tensorboard", "uvx", "cp", "mv", "rm", "echo", "test"),
}
"""Programs of others that pages call."""

LAUNCHERS = {"accelerate", "python", "uvx"}
"""Programs that start prefloop, such as `accelerate launch -m prefloop run my-run`."""

COMMANDS = get_command(app)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
SETTINGS = {
    f"{place}.{name}" if place else name: is_section(field.annotation)
    for place, section in sections(RunConfig)
    for name, field in section.model_fields.items()
}


def fences(path: Path) -> list[tuple[str, str]]:
    """Return the code blocks of a page: language and text."""
    found = FENCE.findall(path.read_text(encoding="utf-8"))
    return [
        (language, re.sub(f"^{indent}", "", code, flags=re.M)) for indent, language, code in found
    ]


def name_of(path: Path) -> str:
    """Return a page's path from the repository's root."""
    return path.relative_to(ROOT).as_posix()


def python_faults(code: str, page: str) -> Iterator[str]:
    """Yield why a block is no Python."""
    if page == SIGNATURES and not code.startswith(">>>"):
        code = f"def taken{code[code.index('(') :].rstrip()}: ..."
    elif code.startswith(">>>"):
        code = "\n".join(
            line[4:] for line in code.splitlines() if line.startswith((">>> ", "... "))
        )
    try:
        ast.parse(code)
    except SyntaxError as error:
        yield f"line {error.lineno}: {error.msg}"


def yaml_faults(code: str, page: str) -> Iterator[str]:
    """Yield why a block is no part of a run file."""
    try:
        raw = yaml.load(code, RunFileLoader)
    except yaml.YAMLError as error:
        yield str(error)
        return
    if page in OWN_NAMES:
        return
    if METHODS_KEY in raw:
        yield from methods_faults(code)
        return
    try:
        parse_run(raw, "run.yaml")
    except SettingsError as error:
        # A part of a run file need not say who labels; no scorer knows what its task asks for.
        with_people = {"comparisons": {"labelers": "people"}, **raw}
        try:
            parse_run(with_people, "run.yaml")
        except SettingsError:
            yield str(error)


def methods_faults(code: str) -> Iterator[str]:
    """Yield why a block is no run file for several methods."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "methods.yaml")
        path.write_text(code, encoding="utf-8")
        try:
            method_settings(path, None)
        except SettingsError as error:
            yield str(error)


def json_faults(code: str, page: str) -> Iterator[str]:
    """Yield why a block is no sequence of JSON values, in which `[...]` stands for a list."""
    rest, decoder = code.replace("[...]", "[]").strip(), json.JSONDecoder()
    while rest:
        try:
            _, end = decoder.raw_decode(rest)
        except ValueError as error:
            yield str(error)
            return
        rest = rest[end:].strip()


def toml_faults(code: str, page: str) -> Iterator[str]:
    """Yield entry-point groups that are none of ours."""
    for group in tomllib.loads(code)["project"]["entry-points"]:
        if group not in PROJECT["entry-points"]:
            yield f"there are no entry points {group}"


def shell_faults(code: str, page: str) -> Iterator[str]:
    """Yield the commands of a block that could not be typed."""
    code = re.sub(r"<<'(\w+)'\n.*?^\1$", "", code, flags=re.M | re.S)
    begun = ""
    for line in code.replace("\\\n", " ").splitlines():
        begun = f"{begun}\n{line}" if begun else line
        try:
            shlex.split(begun, comments=True)
        except ValueError:  # a quotation that ends on a later line
            continue
        yield from line_faults(begun)
        begun = ""
    if begun:
        yield f"{begun}: a quotation that does not end"


def plain_faults(code: str, page: str) -> Iterator[str]:
    """Yield the commands of a block without a language that could not be typed.

    What stands behind two spaces says what a command does.
    """
    for line in code.splitlines():
        if re.match(r"(\w+=\S+ )*(prefloop|make|pip) ", line):
            yield from line_faults(re.split(r" {2,}", line)[0])


CHECKS: dict[str, Callable[[str, str], Iterator[str]]] = {
    "": plain_faults,
    "json": json_faults,
    "python": python_faults,
    "sh": shell_faults,
    "toml": toml_faults,
    "yaml": yaml_faults,
}


def line_faults(line: str) -> Iterator[str]:
    """Yield what is wrong with a command: a program, target, extra, verb or option that is none."""
    words = shlex.split(re.sub(r"^\s*\w+=\(.*", "", line), comments=True)
    while words and re.match(r"\w+=", words[0]):
        words.pop(0)
    if not words:
        return
    if words[0] in LAUNCHERS and "prefloop" in words:
        words = words[words.index("prefloop") :]
    program, *rest = words
    for part in ("|", "&&", ";", ">"):
        rest = rest[: rest.index(part)] if program != "prefloop" and part in rest else rest
    if program == "prefloop":
        # What the page expects to fail may name a setting that is none.
        fails = "||" in rest
        rest = rest[: rest.index("||")] if fails else rest
        yield from verb_faults([word for word in rest if not (fails and "=" in word)])
    elif program == "make":
        yield from (f"make {name}: no such target" for name in rest if name not in TARGETS)
    elif program == "pip":
        asked = {extra for word in rest for extra in re.findall(r"^prefloop\[(.*)\]", word)}
        extras = {name for names in asked for name in names.split(",")}
        lacking = extras - PROJECT["optional-dependencies"].keys()
        yield from (f"prefloop[{name}]: no such extra" for name in lacking)
    elif program not in PROGRAMS | LAUNCHERS and not program.startswith((".venv/", "$")):
        yield f"{program}: an unknown program"


def verb_faults(words: list[str]) -> Iterator[str]:
    """Yield what is wrong with a `prefloop` command: a verb, option or setting that is none.

    `a | b` and `a|b` are two verbs, `[--x]` is an option that may be left out.
    """
    command: Any = COMMANDS
    words = [word.strip("[]") for word in words if word not in ("...", "|")]
    while words and hasattr(command, "commands"):
        names = words[0].split("|")
        unknown = [name for name in names if name not in command.commands]
        default = getattr(command, "default", None)
        if unknown and default is not None and not words[0].startswith("-"):
            command = command.commands[default]
            break
        if words[0].startswith("-"):
            break
        if unknown:
            yield f"prefloop {' '.join(unknown)}: no such verb"
            return
        command, words = command.commands[names[-1]], words[1:]
    takes_settings = any(p.name == "overrides" for p in command.params)
    known = {name for p in command.params for name in (*p.opts, *p.secondary_opts)}
    for word in words:
        name = word.partition("=")[0]
        if word.startswith("--") and name not in {*known, "--help"}:
            yield f"{command.name}: no such option {name}"
        elif takes_settings and "=" in word and word[0] != "-" and not is_setting(name):
            yield f"{name}: no such setting"


def is_setting(name: str) -> bool:
    """Say whether a dotted name is a setting, or one of a section that the user names."""
    name = re.sub(r"^\w+:", "", name)
    if name in SETTINGS:
        return not SETTINGS[name]
    return any(name.startswith(f"{free}.") for free in ("scorers", "judges", "policy.options"))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_code_blocks_are_code(page: Path) -> None:
    place = name_of(page)
    faults = [
        f"```{language}\n{code}``` {fault}"
        for language, code in fences(page)
        for fault in CHECKS[language](code, place)
    ]
    assert faults == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_in_sentences_exist(page: Path) -> None:
    commands = INLINE.findall(page.read_text(encoding="utf-8"))
    faults = [
        f"{command}: {fault}"
        for command in commands
        for fault in verb_faults(shlex.split(command)[1:])
    ]
    assert faults == []


@pytest.mark.parametrize("page", OWN_NAMES)
def test_the_exceptions_are_needed(page: str) -> None:
    blocks = [code for language, code in fences(ROOT / page) if language == "yaml"]
    assert any(list(yaml_faults(code, "")) for code in blocks)
    assert (ROOT / OWN_NAMES[page]).is_file()


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", "for x in:\n"),
        ("yaml", "policy: {lrr: 1e-4}\n"),
        ("yaml", "a: [\n"),
        ("yaml", "methods: {ppo: , rloo: {policy.lrr: 1e-4}}\n"),
        ("json", '{"a": }\n'),
        ("toml", '[project.entry-points."prefloop.scorer"]\na = "b:C"\n'),
        ("sh", "prefloop rum my-run\n"),
        ("sh", "prefloop run my-run --plam\n"),
        ("sh", "prefloop run my-run policy.lrr=1\n"),
        ("sh", "prefloop audit label my-run\n"),
        ("sh", "make all-of-it\n"),
        ("sh", "pip install 'prefloop[wed]'\n"),
        ("sh", "prefoop run my-run\n"),
        ("sh", "accelerate launch -m prefloop rum my-run\n"),
        ("", "prefloop rum my-run      run it\n"),
    ],
)
def test_a_fault_would_be_seen(language: str, code: str) -> None:
    assert list(CHECKS[language](code, "page.md"))


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("sh", "prefloop run my-run policy.lr=1 scorers.mine.kind=length   # a comment\n"),
        ("sh", "X=1 prefloop samples my-run\nprefloop samples try my-run 'Once' -n 5\n"),
        ("", "prefloop import | export my-run a.jsonl    read or write\n"),
        ("", "prefloop demo [--fast]\n33 events in the ledger\n"),
        ("json", '{"a": [...]}\n{"b": 1}\n'),
    ],
)
def test_what_is_right_is_left_alone(language: str, code: str) -> None:
    assert list(CHECKS[language](code, "page.md")) == []


def test_every_extra_is_on_the_page_that_installs() -> None:
    page = (ROOT / "docs/how-to/install.md").read_text(encoding="utf-8")
    assert [
        name
        for name in PROJECT["optional-dependencies"]
        if f"{name}`" not in page and f"[{name}]" not in page
    ] == []
