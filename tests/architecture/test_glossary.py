"""The glossary has every term once, each with a meaning and a source."""

import re
from collections import Counter

from tests.architecture.source import ROOT

PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| Term", "| ---"))
]


def terms() -> list[str]:
    """Return the terms, without what stands in brackets; a row may explain several."""
    names = [re.sub(r"\s*\(.*?\)", "", row[0]) for row in ROWS]
    return [term.strip().lower() for name in names for term in name.split(",")]


def test_every_term_stands_once() -> None:
    assert len(ROWS) > 50
    assert [term for term, n in Counter(terms()).items() if n > 1] == []


def test_every_term_has_a_meaning_and_a_source() -> None:
    assert [row for row in ROWS if len(row) != 3 or not all(row)] == []


def test_stages_and_records_are_explained() -> None:
    assert {"prompt", "sample", "comparison", "label", "verdict", "reward", "policy"} <= set(
        terms()
    )
