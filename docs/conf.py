"""The documentation as a site (`make docs-site`), from the pages as they lie in the repository.

Sphinx reads README.md and docs/ in place, so there is no second copy of a page, and links work as
they do on GitHub. A link to a page, a heading or a file that is not there ends the build.
"""

from typing import Any

from prefloop import __version__

project = "prefloop"
release = __version__
copyright = "the authors of prefloop, Apache-2.0"

extensions = ["myst_parser"]
root_doc = "README"
include_patterns = [
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md", "docs/**/*.md"),
    *("bench/README.md", "pretraining/README.md"),
]
exclude_patterns = ["docs-site", ".venv*", ".git", "runs/*/"]
myst_heading_anchors = 4
"""Headings have the names that GitHub gives them."""

nitpicky = True
# Fences without a language are terminal output, folders and formulas. Whether code is right is
# tested in tests/architecture/test_code_blocks.py; examples of JSON may leave a part out.
highlight_language = "text"
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = "prefloop"
html_extra_path = ["img/site"]
html_copy_source = False
html_show_sphinx = False

NAVIGATION: dict[str, tuple[str, ...]] = {
    "Start": ("docs/how-to/install", "docs/tutorial", "docs/architecture"),
    "How to": ("docs/how-to/*",),
    "From Python": ("docs/coming-from-trl", "docs/reference/python"),
    "Topics": (
        *("docs/models", "docs/tasks", "docs/labelers", "docs/label-types", "docs/labeling-page"),
        *("docs/exchange", "docs/store", "docs/audits", "docs/report"),
    ),
    "Evidence": (
        *("docs/experiments", "docs/copying", "docs/statistics", "docs/reliability"),
        "docs/scaling",
        *("docs/builtin-tiny", "pretraining/README", "bench/README"),
    ),
    "The method": ("docs/details", "docs/the-math/README", "docs/the-math/*", "docs/papers"),
    "Reference": ("docs/reference/*", "docs/glossary"),
    "The project": (
        *("CONTRIBUTING", "CHANGELOG", "docs/decisions/README", "docs/decisions/*", "docs/*"),
    ),
}
"""The sidebar: captions, and pages or patterns of pages. A page that is named twice stands at its
first place, and one that is in no place ends the build."""


def with_navigation(app: Any, name: str, text: list[str]) -> None:
    """Append the sidebar's entries to the first page, which GitHub shows without them."""
    if name != root_doc:
        return
    seen: set[str] = set()
    for caption, patterns in NAVIGATION.items():
        pages = [page for pattern in patterns for page in _pages(app, pattern) if page not in seen]
        seen.update(pages)
        entries = "\n".join(f"/{page}" for page in dict.fromkeys(pages))
        text[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{entries}\n```\n"


def _pages(app: Any, pattern: str) -> list[str]:
    """Return the pages that a pattern names; a star stands for one level of folders."""
    if not pattern.endswith("*"):
        return [pattern]
    folder = pattern.removesuffix("*")
    found = (page for page in app.env.found_docs if page.startswith(folder))
    return sorted(page for page in found if "/" not in page.removeprefix(folder))


def setup(app: Any) -> None:
    """Have Sphinx call what is above."""
    app.connect("source-read", with_navigation)
