"""`prefloop/figures/text.py` alone formats figures in the rooms that show them."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.source import PACKAGE, files, name_of, tree

ROOMS = (
    *("audits", "cli", "doctor", "evaluation", "experiments", "report", "run", "web"),
    "comparisons/quality",
)
"""What people read comes from here; errors and progress elsewhere write settings and losses."""

NUMBER_FORMAT = re.compile(r"[,.]\d*[efg%]?$|[efg%]$")

KEPT = {
    "prefloop/report/charts/plot.py": "coordinates of a drawing, which nobody reads",
}
"""File -> reason. May only shrink."""


def formatted_numbers(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Find numbers that an f-string or the % operator formats."""
    for node in ast.walk(module):
        if isinstance(node, ast.FormattedValue) and isinstance(node.format_spec, ast.JoinedStr):
            parts = [p.value for p in node.format_spec.values if isinstance(p, ast.Constant)]
            written = "".join(map(str, parts))
            if NUMBER_FORMAT.search(written):
                yield node.lineno, written
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            left = node.left
            if isinstance(left, ast.Constant) and isinstance(left.value, str):
                yield node.lineno, left.value


def test_one_module_formats_figures() -> None:
    found = {
        f"{name_of(path)}:{line}: {written}"
        for room in ROOMS
        for path in files(PACKAGE / room)
        if name_of(path) not in KEPT
        for line, written in formatted_numbers(tree(path))
    }
    assert found == set()


def test_templates_leave_it_to_the_filters() -> None:
    templates = sorted((PACKAGE / "report" / "templates").glob("*.jinja"))
    assert templates
    text = "".join(path.read_text(encoding="utf-8") for path in templates)
    assert re.findall(r"\|\s*(?:format|round)\b|%\.\d", text) == []


def test_the_allow_list_only_shrinks() -> None:
    for name in KEPT:
        assert list(formatted_numbers(tree(PACKAGE.parent / name))), f"{name}: take it off the list"


@pytest.mark.parametrize("source", ["f'{x:.2f}'", "f'{x:,}'", "f'{100 * x:.0%}'", "'%.1f' % x"])
def test_a_formatted_number_would_be_seen(source: str) -> None:
    assert list(formatted_numbers(ast.parse(source)))


@pytest.mark.parametrize("source", ["f'{x}'", "f'{name:<20}'", "f'{n:06d}'", "f'{number:04X}'"])
def test_other_formats_are_left_alone(source: str) -> None:
    assert not list(formatted_numbers(ast.parse(source)))
