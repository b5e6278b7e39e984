"""Words that were replaced by the field's stay replaced, in the code and on the pages."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

REPLACED = re.compile(
    r"\b(taut|way_back|kl_gained|advantages_towards_reference|BeyondCap|known_until|spare_last"
    r"|TextCoder|Responder|LowerLayers|Trunk|Asker|Wording|copy_love|Standing|Wish"
    r"|(is|are|was|been) told|told (of|at once|apart)|told(?= [:+]?=)|[Aa]new"
    r"|by which way|labelers' taste|known taste)\b"
)
"""Names and turns of phrase; `docs/glossary.md` has the words that stand for them."""

READERS_OF_OLD_FILES = {
    "prefloop/figures/metrics_line.py": {"kl_gained", "way_back"},
    "prefloop/policy/lineage.py": {"known_until"},
    "bench/ppo_bits.py": {"kl_gained", "way_back"},
}
"""Files that read what earlier versions wrote, with the words that stand in it."""

QUOTED = {"docs/builtin-tiny.md", "docs/experiments.md"}
"""Pages that quote what models wrote."""

SUFFIXES = {".py", ".md", ".jinja", ".js", ".yaml"}


def texts() -> Iterator[Path]:
    """Yield the code, templates, scripts and pages that were written for this project."""
    for folder in ("prefloop", "docs", "runs", "bench"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in SUFFIXES and not {"vendor", "builtin"} & set(path.parts):
                yield path
    yield from (ROOT / "README.md", ROOT / "CONTRIBUTING.md")


def replaced(text: str, place: str = "") -> list[str]:
    """Return the replaced words that a text uses."""
    found = [match[0] for match in REPLACED.finditer(text)]
    return [word for word in found if word not in READERS_OF_OLD_FILES.get(place, set())]


def test_replaced_words_do_not_return() -> None:
    found = {}
    for path in texts():
        place = path.relative_to(ROOT).as_posix()
        if place not in QUOTED and (words := replaced(path.read_text("utf-8"), place)):
            found[place] = words
    assert found == {}


@pytest.mark.parametrize("place", READERS_OF_OLD_FILES)
def test_the_exceptions_are_needed(place: str) -> None:
    assert set(replaced((ROOT / place).read_text("utf-8"))) == READERS_OF_OLD_FILES[place]


@pytest.mark.parametrize("text", ["The owner is told.", "way_back = 0.5", "drawn anew"])
def test_a_replaced_word_would_be_seen(text: str) -> None:
    assert replaced(text) != []


def test_other_words_are_left_alone() -> None:
    assert replaced("It tells the owner how the scorer's numbers stand.") == []
