"""The reference pages say what the program is, and leave nothing out."""

import ast
import re
from pathlib import Path

import pytest
from typer.main import get_command

from docs import generate, tables_page
from docs.figures_page import records
from prefloop import errors
from prefloop.cli.main import app
from prefloop.metrics import METRICS
from prefloop.settings.run import RunConfig
from prefloop.store.core.tables import metadata
from tests.architecture.source import ROOT, functions, tree

PAGES = generate.pages()
MARKDOWN = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)|src=\"([^\"]+)\"")
CODE = re.compile(r"`((?:prefloop|tests|docs)/[\w/.-]+\.(?:py|yaml|json))(?::([\w.]+))?`")
EXAMPLES = {"prefloop/store/migrations/versions/m0002_what_it_does.py"}
"""Files that a page tells its reader to make."""


def test_reference_pages_are_fresh() -> None:
    assert generate.stale() == [], "run `make docs`"


def test_every_setting_is_on_its_page() -> None:
    page = PAGES["settings.md"]
    names = [
        f"{place}.{name}" if place else name
        for place, section in generate.sections(RunConfig)
        for name, field in section.model_fields.items()
        if not generate.is_section(field.annotation)
    ]
    assert len(names) > 60
    assert [n for n in names if f"| `{n}` |" not in page] == []


def test_every_verb_is_on_its_page_with_an_example() -> None:
    verbs = dict(generate.verbs(get_command(app)))
    assert {"prefloop demo", "prefloop run"} <= verbs.keys()
    assert [v for v in verbs if f"## {v}\n" not in PAGES["cli.md"]] == []
    assert [v for v, c in verbs.items() if f"Example: `{v}" not in (c.help or "")] == []


def test_every_option_is_described() -> None:
    lacking = [
        f"{verb} {p.name}"
        for verb, command in generate.verbs(get_command(app))
        for p in command.params
        if p.name != "help" and not getattr(p, "help", None)
    ]
    assert lacking == []


def test_every_metric_is_on_its_page() -> None:
    assert [k for k, v in METRICS.items() if f"| `{k}` | {v} |" not in PAGES["metrics.md"]] == []


def test_every_record_and_field_is_on_its_page() -> None:
    page = PAGES["figures.md"]
    for record, fields in records():
        assert re.search(rf"^##.*\b{record}$", page, re.MULTILINE), record
        assert [f for f in fields if f"| `{f}` |" not in page] == []


def test_every_table_and_column_is_on_its_page() -> None:
    page = PAGES["tables.md"]
    assert set(tables_page.TABLE_MEANINGS) == set(metadata.tables)
    assert [t for t in metadata.tables if f"## {t}\n" not in page] == []
    lacking = [c for t in metadata.tables.values() for c in t.c if f"`{c.name}`" not in page]
    assert lacking == []


def test_every_error_is_drawn_in_the_tree_and_described() -> None:
    page = PAGES["errors.md"]
    for error in generate.error_classes():
        assert f"| `{error.__name__}` |" in page
        assert (error.__doc__ or "").strip(), f"{error.__name__} is not described"
        assert re.search(rf"\b{error.__name__}\b", errors.__doc__ or ""), "missing in the tree"


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    links = [a or b for a, b in LINK.findall(page.read_text(encoding="utf-8"))]
    local = [link for link in links if not re.match(r"https?:|mailto:", link)]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_code_that_a_page_names_exists(page: Path) -> None:
    lacking = []
    for file, name in CODE.findall(page.read_text(encoding="utf-8")):
        path = ROOT / file
        if file in EXAMPLES:
            continue
        if not path.is_file() or (name and path.suffix == ".py" and name not in defined(path)):
            lacking.append(f"{file}:{name}")
    assert lacking == []


def defined(path: Path) -> set[str]:
    """Return the names of functions, methods, classes and constants of a file."""
    module = tree(path)
    names = {name for name, _ in functions(module)}
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef):
            fields = (n.target for n in node.body if isinstance(n, ast.AnnAssign))
            names |= {
                node.name,
                *(f"{node.name}.{f.id}" for f in fields if isinstance(f, ast.Name)),
            }
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {t.id for t in targets if isinstance(t, ast.Name)}
    return names
