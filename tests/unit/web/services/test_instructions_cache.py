"""Instructions: written in Markdown, and able to do nothing on the page."""

import re

import pytest

from prefloop.web.services.instructions_cache import html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![a picture](http://elsewhere.example/x.png)",
        "[click](javascript:alert(1))",
        "[click](http://elsewhere.example/?secret)",
        "<http://elsewhere.example>",
        "[ref]\n\n[ref]: http://elsewhere.example 'title'",
        "| a | b |\n|:--|--:|\n| 1 | 2 |",
        "<svg onload=alert(1)>",
        "```<script>\nalert(1)\n```",
    ],
)
def test_instructions_hold_nothing_that_acts(hostile: str) -> None:
    page = html(f"# Read this\n\n{hostile}")
    tags = re.findall(r"<\s*([a-z0-9]+)([^>]*)>", page)
    assert {name for name, _ in tags} <= {
        *("h1", "p", "pre", "code", "table", "thead", "tbody", "tr", "th", "td"),
    }
    assert [
        inside for _, inside in tags if re.search(r"\b(style|on\w+|src|href)\s*=", inside)
    ] == []


def test_a_link_is_shown_in_full_and_leads_nowhere() -> None:
    assert html("See [the *site*](http://a.example/b).").strip() == (
        "<p>See the <em>site</em> (http://a.example/b).</p>"
    )
    assert "a picture (http://a.example/x.png)" in html("![a picture](http://a.example/x.png)")


def test_what_people_write_in_instructions_is_there() -> None:
    page = html(
        "## Rules\n\n1. Read **both**.\n2. Then choose.\n\n> Example\n\n| a | b |\n|-|-|\n| 1 | 2 |"
    )
    for tag in ("<h2>", "<ol>", "<li>", "<strong>", "<blockquote>", "<table>"):
        assert tag in page
