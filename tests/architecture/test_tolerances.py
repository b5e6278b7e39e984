"""Tolerances come from tests/tolerances.py, where each has a reason."""

import ast
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, files, name_of, tree

TESTS = ROOT / "tests"
NAMES = ("rtol", "atol")


def literal_tolerances(module: ast.Module) -> list[int]:
    """Return the lines where a tolerance is written out as a number."""
    return [
        keyword.value.lineno
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg in NAMES and not isinstance(keyword.value, ast.Name | ast.Subscript)
    ]


@pytest.mark.parametrize("path", files(TESTS), ids=name_of)
def test_no_tolerance_is_written_out(path: Path) -> None:
    assert literal_tolerances(tree(path)) == []


def test_a_written_out_tolerance_would_be_seen() -> None:
    module = ast.parse("torch.testing.assert_close(a, b, rtol=1e6, atol=-0.0)")
    assert literal_tolerances(module) == [1, 1]
