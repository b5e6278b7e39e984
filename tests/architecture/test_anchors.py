"""A link to a part of a page leads to a heading that is there, as GitHub names it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "bench/*.md", "scorer_training/*.md")
    for page in ROOT.glob(pattern)
)
FENCED = re.compile(r"^```.*?^```", flags=re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", flags=re.MULTILINE)
TO_PART = re.compile(r"\]\(([^)#\s]*)#([^)\s]+)\)")
OWN = re.compile(r'<a (?:id|name)="([^"]+)"')


def anchors(text: str) -> set[str]:
    """Return the names of a page's parts."""
    prose = FENCED.sub("", text)
    found: list[str] = []
    for heading in HEADING.findall(prose):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        name = re.sub(r"[^\w\- ]", "", words.strip()).replace(" ", "-")
        again = sum(known == name for known in found)
        found += [name, f"{name}-{again}"] if again else [name]
    return {*found, *OWN.findall(prose)}


def lost_links(page: Path, text: str) -> Iterator[str]:
    """Yield the links of a page to parts of Markdown pages that are not there."""
    for target, part in TO_PART.findall(FENCED.sub("", text)):
        other = page.parent / target if target else page
        if "://" in target or other.suffix != ".md":
            continue
        if not other.exists() or part not in anchors(other.read_text(encoding="utf-8")):
            yield f"{target}#{part}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_to_parts_of_pages_lead_somewhere(page: Path) -> None:
    assert list(lost_links(page, page.read_text(encoding="utf-8"))) == []


def test_a_part_that_is_not_there_would_be_seen() -> None:
    text = "# A `b` of [c](d.md), e\n# A\n# A\n```\n# no heading\n```\n[x](#a-1) [y](#no-heading)"
    assert anchors(text) == {"a-b-of-c-e", "a", "a-1"}
    readme = ROOT / "README.md"
    assert list(lost_links(readme, "[x](docs/models.md#no-such) [y](no.md#a)")) == [
        "docs/models.md#no-such",
        "no.md#a",
    ]
    assert list(lost_links(readme, "[x](docs/models.md#which-architectures-work)")) == []
