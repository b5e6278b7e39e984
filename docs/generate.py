"""Writes docs/reference/ from the program itself, so that it cannot say anything else, and the
figures of docs/scaling.md from what was measured.

python -m docs.generate            rewrite the pages
python -m docs.generate --check    say which pages are stale, and leave with 1
"""

import inspect
import json
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.main import get_command

from docs.api_page import api_page
from docs.figures_page import figures_page
from docs.markdown import markdown_table
from docs.python_page import python_page
from docs.scaling_tables import PAGE as SCALING
from docs.scaling_tables import filled
from docs.tables_page import tables_page
from prefloop import errors, metrics
from prefloop.cli.main import app
from prefloop.cli.run_schema import SCHEMA_FILE, run_schema
from prefloop.registry import JUDGES, METHODS, SCORERS
from prefloop.settings.run_file import RunFileConfig
from prefloop.settings.section import LARGEST
from prefloop.settings.task import TaskConfig
from prefloop.settings.task_presets import load_task, preset_names

FOLDER = Path(__file__).parent / "reference"

TYPES: dict[Any, str] = {
    Any: "any value",
    str: "text",
    bool: "`true` or `false`",
    type(None): "`null`",
}
NUMBERS = {int: "whole number", float: "number"}
COLUMNS = ["Setting", "Type", "Default", "What it means"]


def pages() -> dict[str, str]:
    """Return the text of every page under its file's name."""
    made = {
        "settings.md": settings_page(),
        "scorers.md": scorers_page(),
        "tasks.md": tasks_page(),
        "cli.md": cli_page(),
        "metrics.md": metrics_page(),
        "figures.md": figures_page(),
        "tables.md": tables_page(),
        "errors.md": errors_page(),
        "api.md": api_page(),
        "python.md": python_page(),
    }
    notice = "<!-- Written by `make docs` from the program; change it there. -->\n\n"
    pages = {name: notice + text.rstrip() + "\n" for name, text in made.items()}
    return {**pages, SCHEMA_FILE: run_schema()}


def settings_page() -> str:
    """Return every setting of a run file: type, default and description."""
    lines = [
        "# Settings",
        "",
        "One YAML file says everything about a run: data only; unknown names are refused, and",
        "so is a key that stands twice. Any setting can be given on the command line too, as in",
        "`prefloop run my-run policy.lr=1e-4`.",
        "A run's `run.resolved.yaml` holds all of them as they were used.",
        "",
        "[A JSON schema](run.schema.json) lets an editor complete and check them:",
        "`prefloop init my-run --schema` puts it beside the run file, with the line that the YAML",
        "language server reads.",
    ]
    for place, section in sections(RunFileConfig):
        lines += ["", f"## {place or 'The whole run'}", "", inspect.getdoc(section) or "", ""]
        lines += markdown_table(COLUMNS, _settings(section, place))
    for name in METHODS.names():
        section = METHODS.load(name).Settings
        lines += ["", f"## policy.options with `policy.method: {name}`", ""]
        lines += [inspect.getdoc(section) or "", ""]
        if section.model_fields:
            lines += markdown_table(COLUMNS, _settings(section, "policy.options"))
    return "\n".join(lines)


def _settings(section: type[BaseModel], place: str) -> list[list[str]]:
    """Return a row for each setting of a section; sections below it are left to their own rows."""
    dotted = f"{place}." if place else ""
    return [
        [f"`{dotted}{name}`", type_of(field), _default(field, place), _flat(field)]
        for name, field in section.model_fields.items()
        if not is_section(field.annotation)
    ]


def scorers_page() -> str:
    """Return every scorer and judge that comes with prefloop, with its sources and settings."""
    lines = [
        "# Scorers and judges",
        "",
        "What comes with prefloop. A scorer gives a number to a response, a judge compares two;",
        "every scorer can be a judge. One without settings is chosen by its name. One with",
        "settings is described under `scorers:` or `judges:` with its `kind`, and chosen by the",
        "name it has there. How to add one: [write a scorer](../how-to/write-a-scorer.md).",
    ]
    for registry, place in ((SCORERS, "scorers"), (JUDGES, "judges")):
        chosen = {name: registry.load(name) for name in registry.names()}
        own = {n: c for n, c in chosen.items() if c.__module__.startswith("prefloop.")}
        rows = [[f"`{n}`", c.description, _sources(c), _purpose(c)] for n, c in own.items()]
        lines += ["", f"## {place.capitalize()}", ""]
        lines += markdown_table(["Name", "In the report", "Sources", "What it prefers"], rows)
        for name, part in own.items():
            if hasattr(part, "Settings"):
                lines += ["", f"### {place}: `{name}`", "", inspect.getdoc(part.Settings) or "", ""]
                rows = [
                    row
                    for inner, section in sections(part.Settings)
                    for row in _settings(section, inner)
                ]
                lines += markdown_table(COLUMNS, rows)
    return "\n".join(lines)


def _sources(part: Any) -> str:
    """Return what a scorer rests on; where its settings decide, in words."""
    if callable(part.sources):
        said = (inspect.getdoc(part.sources) or "").splitlines()[0]
        return said.removeprefix("Return ").removesuffix(".")
    return ", ".join(sorted(part.sources))


def _purpose(part: Any) -> str:
    return (inspect.getdoc(part) or "").splitlines()[0]


def sections(section: type[BaseModel], place: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield every section of a run file with its dotted name, depth first."""
    yield place, section
    for name, field in section.model_fields.items():
        if is_section(field.annotation):
            yield from sections(field.annotation, f"{place}.{name}" if place else name)


def is_section(annotation: Any) -> TypeGuard[type[BaseModel]]:
    """Say whether a setting is a section with settings of its own."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def type_of(field: FieldInfo) -> str:
    """Return a setting's type in words, its limits included."""
    return _type(field.annotation, field.metadata)


def _type(annotation: Any, limits: list[Any]) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(inner[0], [m for part in inner[1:] for m in getattr(part, "metadata", [part])])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(part, limits) for part in inner)
    if origin is dict:
        return f"mapping of {_type(inner[0], [])} to {_type(inner[1], [])}"
    if origin in (list, tuple):
        return f"list of {_type(inner[0], [])}"
    if annotation in NUMBERS:
        return NUMBERS[annotation] + _limits(limits)
    return TYPES[annotation]


def _limits(limits: list[Any]) -> str:
    found = {
        name: getattr(limit, name)
        for limit in limits
        for name in ("gt", "ge", "lt", "le")
        if getattr(limit, name, None) is not None
    }
    words = {"gt": "above", "ge": "from", "lt": "below", "le": "to"}
    # That no count is beyond what a database holds goes without saying.
    said = {name: value for name, value in found.items() if value != LARGEST}
    return "".join(f" {words[name]} {value}" for name, value in said.items())


def _default(field: FieldInfo, place: str) -> str:
    if field.is_required():
        return "from the preset" if place == "task" else "required"
    return f"`{json.dumps(field.get_default(call_default_factory=True), ensure_ascii=False)}`"


def _flat(field: FieldInfo) -> str:
    return " ".join((field.description or "").split())


def tasks_page() -> str:
    """Return the built-in tasks side by side, and what each asks of labelers."""
    tasks = {name: load_task(name) for name in preset_names()}
    lines = [
        "# Tasks",
        "",
        "What `task: <name>` in a run file stands for. To change one setting of it, write",
        "`task: {name: sentiment, response_tokens: 32}`. What each means stands under",
        "[settings](settings.md#task).",
        "",
    ]
    plain = [n for n in TaskConfig.model_fields if n not in ("name", "question", "instructions")]
    rows = [
        [f"`task.{name}`", *(f"`{json.dumps(t.model_dump()[name])}`" for t in tasks.values())]
        for name in plain
    ]
    lines += markdown_table(["Setting", *tasks], rows)
    for name, task in tasks.items():
        lines += [
            "",
            f"## {name}",
            "",
            f"Labelers are asked: *{task.question}* They read first:",
            "",
        ]
        lines += [f"> {line}".rstrip() for line in task.instructions.rstrip().splitlines()]
    return "\n".join(lines)


def cli_page() -> str:
    """Return every verb with its arguments and options."""
    root = get_command(app)
    lines = ["# Command line", "", _help(root), ""]
    lines += [
        "Exit codes: 0 done, 2 a problem you can mend (printed without a traceback), 1 our bug",
        "(printed with one), 130 stopped with ^C.",
        "",
        "`prefloop --install-completion` lets the shell (bash, zsh, fish) complete verbs and",
        "options with the tab key; `--show-completion` prints what it would install.",
    ]
    for path, command in verbs(root):
        lines += ["", f"## {path}", "", _help(command), ""]
        rows = [_parameter(p) for p in command.params if p.name != "help"]
        lines += markdown_table(["Argument or option", "Default", "What it means"], rows)
    return "\n".join(lines)


def verbs(command: Any, path: str = "prefloop") -> Iterator[tuple[str, Any]]:
    """Yield every verb under its full name, in the order of the help text."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    # A stage with verbs below it is a verb itself: `prefloop comparisons my-run`.
    default = getattr(command, "default", None)
    if default is not None:
        yield path, inner[default]
    for name, verb in inner.items():
        if name != default:
            yield from verbs(verb, f"{path} {name}")


def _help(command: Any) -> str:
    return inspect.cleandoc(command.help or "")


def _parameter(parameter: Any) -> list[str]:
    is_option = getattr(parameter, "param_type_name", "") == "option"
    names = parameter.opts + parameter.secondary_opts if is_option else [parameter.name.upper()]
    many = " (any number)" if parameter.nargs == -1 or parameter.multiple else ""
    default = "" if parameter.default is None else f"`{json.dumps(parameter.default, default=str)}`"
    default = "required" if parameter.required else default
    return [", ".join(f"`{n}`" for n in names) + many, default, parameter.help or ""]


def metrics_page() -> str:
    """Return what each key of metrics.jsonl means."""
    lines = [
        "# Metrics",
        "",
        "Every line of a run's `metrics.jsonl` is one update: `stage`, `round` and `update` say",
        "which, `episodes` or `labels` how much was seen until then, `method` how the policy was",
        "trained, and the keys below what was measured. `risen_words` of a policy's line are the",
        "words whose share of the newest answers rose most since before training: `phrase`,",
        "`share`, `baseline_share`, and `q`, the false discovery rate of the rise. `top_opening`",
        "are the commonest first three words of the update's responses, where two begin alike.",
        "",
        *_metrics_table(metrics.METRICS),
    ]
    for name in METHODS.names():
        lines += ["", f"## With `policy.method: {name}`", ""]
        lines += _metrics_table(METHODS.load(name).metrics)
    return "\n".join(lines)


def _metrics_table(known: Mapping[str, str]) -> list[str]:
    return markdown_table(["Key", "Meaning"], [[f"`{k}`", v] for k, v in known.items()])


def errors_page() -> str:
    """Return the tree of errors that a user can cause."""
    doc = inspect.cleandoc(errors.__doc__ or "")
    tree = [line for line in doc.splitlines() if line.startswith("    ")]
    lines = ["# Errors", "", *(line for line in doc.splitlines() if line not in tree)]
    lines += ["", "```", *(line[4:] for line in tree), "```", ""]
    rows = [[f"`{e.__name__}`", inspect.getdoc(e) or ""] for e in error_classes()]
    return "\n".join(lines + markdown_table(["Error", "When"], rows))


def error_classes() -> list[type[Exception]]:
    """Return every error of prefloop.errors."""
    return [
        member
        for member in vars(errors).values()
        if isinstance(member, type) and issubclass(member, Exception)
    ]


def stale() -> list[str]:
    """Return the names of pages that differ from what the program says, or that nothing writes."""
    wanted = pages()
    files = [*FOLDER.glob("*.md"), *FOLDER.glob("*.json")]
    there = {path.name: path.read_text(encoding="utf-8") for path in files}
    wanted["../scaling.md"], there["../scaling.md"] = _scaling()
    return sorted(
        name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name)
    )


def _scaling() -> tuple[str, str]:
    """Return the page with its figures as they are now, and as it lies there."""
    text = SCALING.read_text(encoding="utf-8")
    return filled(text), text


def main() -> None:
    """Write the pages, or check them."""
    if "--check" in sys.argv[1:]:
        names = stale()
        sys.exit(f"Stale in docs/reference: {', '.join(names)}. Run `make docs`." if names else 0)
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    SCALING.write_text(_scaling()[0], encoding="utf-8")


if __name__ == "__main__":
    main()
