"""`make docs-site`: a site from the pages as they lie, whose links lead somewhere; no network.

The theme takes half of the time, for its sidebar on each of a hundred pages, so all pages are built
in a plain one, and a few pages in that of the site.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

ELSEWHERE = re.compile(r"<(?:script|link|img|source|iframe)\b[^>]*(?:src|href)=\"(?:https?:)?//")
"""What a browser would fetch from a network to show a page; links to click on are none."""


def built(source: Path, to: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Build a site as the Makefile does."""
    recipe = re.search(r"sphinx (-W .*-c )docs \. docs-site", (ROOT / "Makefile").read_text())
    assert recipe is not None
    command = [sys.executable, "-m", "sphinx", *recipe[1].split(), "docs", *more, ".", str(to)]
    return subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All pages, in a plain theme."""
    folder = tmp_path_factory.mktemp("site") / "html"
    done = built(ROOT, folder, "-D", "html_theme=basic")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def few_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pages that lead to one another, and the settings of the site."""
    folder = tmp_path_factory.mktemp("few")
    docs = folder / "docs"
    (docs / "img" / "site").mkdir(parents=True)
    configured = (ROOT / "docs" / "conf.py").read_text(encoding="utf-8")
    short = re.sub(
        r"NAVIGATION: .*?\n\}\n", 'NAVIGATION = {"All": ("docs/*",)}\n', configured, flags=re.DOTALL
    )
    (docs / "conf.py").write_text(short, encoding="utf-8")
    (folder / "README.md").write_text("# First\n\n[other](docs/other.md#a-part)\n")
    (docs / "other.md").write_text("# Other\n\n## A part\n\n```python\nx = 1\n```\n")
    (docs / "page.md").write_text("# Page\n")
    return folder


def test_every_page_is_there_and_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    made = [site / page.relative_to(ROOT).with_suffix(".html") for page in pages]
    assert [page for page in made if not page.is_file()] == []
    assert [page for page in made if ELSEWHERE.search(page.read_text(encoding="utf-8"))] == []
    assert "url=README.html" in (site / "index.html").read_text(encoding="utf-8")


def test_links_and_equations_are_as_on_github(site: Path) -> None:
    page = (site / "README.html").read_text(encoding="utf-8")
    assert 'href="docs/tutorial.html"' in page and "loop.svg" in page
    math = (site / "docs/the-math/ppo_loss.html").read_text(encoding="utf-8")
    assert "ratio_t = exp(logprobs_t - old_logprobs_t)" in math


def test_the_theme_loads_nothing_from_elsewhere(few_pages: Path) -> None:
    done = built(few_pages, few_pages / "good")
    assert done.returncode == 0, done.stderr
    made = list((few_pages / "good").rglob("*.html"))
    assert {"README.html", "other.html", "page.html", "search.html"} <= {page.name for page in made}
    assert [page for page in made if ELSEWHERE.search(page.read_text(encoding="utf-8"))] == []
    assert "furo" in (few_pages / "good" / "README.html").read_text(encoding="utf-8")


GONE = {
    "[gone](gone.md)": "gone.md",
    "[gone](other.md#no-such-part)": "no-such-part",
    "![gone](gone.svg)": "gone.svg",
}


def test_a_link_that_leads_nowhere_ends_the_build(few_pages: Path) -> None:
    """Each of them is told; they end it, for without them it is made (above)."""
    page = few_pages / "docs" / "page.md"
    page.write_text("# Page\n\n" + "\n\n".join(GONE) + "\n")
    done = built(few_pages, few_pages / "bad")
    page.write_text("# Page\n")
    assert done.returncode != 0
    warnings = [line for line in done.stderr.splitlines() if "WARNING" in line]
    for told in GONE.values():
        assert any(told in line for line in warnings), done.stderr
