"""`make docs-site`: a site from the pages as they lie, whose links lead somewhere; no network."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

ELSEWHERE = re.compile(r"<(?:script|link|img|source|iframe)\b[^>]*(?:src|href)=\"(?:https?:)?//")
"""What a browser would fetch from a network to show a page; links to click on are none."""


def built(source: Path, to: Path) -> subprocess.CompletedProcess[str]:
    """Build a site as the Makefile does."""
    recipe = re.search(r"sphinx (-W .*-c )docs \. docs-site", (ROOT / "Makefile").read_text())
    assert recipe is not None
    command = [sys.executable, "-m", "sphinx", *recipe[1].split(), "docs", ".", str(to)]
    return subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "html"
    done = built(ROOT, folder)
    assert done.returncode == 0, done.stderr
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


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[gone](gone.md)", "gone.md"),
        ("[gone](other.md#no-such-part)", "no-such-part"),
        ("![gone](gone.svg)", "gone.svg"),
    ],
)
def test_a_link_that_leads_nowhere_ends_the_build(tmp_path: Path, text: str, told: str) -> None:
    docs = tmp_path / "docs"
    (docs / "img" / "site").mkdir(parents=True)
    configured = (ROOT / "docs" / "conf.py").read_text(encoding="utf-8")
    short = re.sub(
        r"NAVIGATION: .*?\n\}\n", 'NAVIGATION = {"All": ("docs/*",)}\n', configured, flags=re.DOTALL
    )
    (docs / "conf.py").write_text(short, encoding="utf-8")
    (tmp_path / "README.md").write_text("# First\n\n[other](docs/other.md#a-part)\n")
    (docs / "other.md").write_text("# Other\n\n## A part\n")
    (docs / "page.md").write_text("# Page\n")
    assert built(tmp_path, tmp_path / "good").returncode == 0
    (docs / "page.md").write_text(f"# Page\n\n{text}\n")
    done = built(tmp_path, tmp_path / "bad")
    assert done.returncode != 0 and told in done.stderr
