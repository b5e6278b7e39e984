"""Rendered texts are inert, and no text takes long."""

import re
from pathlib import Path

import pytest

from prefloop.web.config import WebSettings
from prefloop.web.services.rendered_text import MOST_CHARACTERS, TAGS, rendered
from tests.browser.hostile import payloads
from tests.cpu_time import cpu_seconds
from tests.unit.web.desk import (
    WORK_ONLY,
    Desk,
    answer_to,
    claim,
    make_desk,
    new_id,
    open_store,
)

SECONDS = 5.0
"""Of processor time; the slowest takes 0.2 on an idle machine."""

N = MOST_CHARACTERS
SLOW = {
    "brackets": "[" * N,
    "images": "![](" * (N // 4),
    "links": "[a](" * (N // 4),
    "stars": "*a **b " * (N // 7),
    "quotes": ">" * N,
    "lists": "".join(" " * i + "- a\n" for i in range(190)),
    "ticks": "".join("`" * i + "a" for i in range(1, 190)),
    "cells": "|a" * 100 + "|\n" + "|-" * 100 + "|\n" + ("|a" * 100 + "|\n") * 90,
    "references": "".join(f"[a{i}]: x\n" for i in range(1500)),
}


def test_markdown_code_and_tables_are_shown() -> None:
    html = rendered("# One\n\n*two* **three**\n\n```python\nx < 1\n```\n\n| a |\n|---|\n| b |\n")
    assert html is not None
    assert "<h4>One</h4>" in html, "below the heading of its sample"
    assert "<em>two</em> <strong>three</strong>" in html
    assert "<pre><code>x &lt; 1\n</code></pre>" in html
    assert "<td>b</td>" in html


def test_turns_of_a_chat_are_told_from_each_other() -> None:
    html = rendered("Before.\n\nHuman: Is *it*?\n\nAssistant: Yes.\n\nHuman: Human: no")
    assert html == (
        "<p>Before.</p>\n"
        '<section class="turn"><p class="turn-who">Human</p><p>Is <em>it</em>?</p>\n</section>'
        '<section class="turn"><p class="turn-who">Assistant</p><p>Yes.</p>\n</section>'
        '<section class="turn"><p class="turn-who">Human</p><p>Human: no</p>\n</section>'
    )


@pytest.mark.parametrize("text", payloads())
def test_no_hostile_text_gets_a_tag_or_an_attribute(text: str) -> None:
    html = rendered(text)
    for tag in re.findall(r"<[^>]*>?", html or ""):
        assert re.fullmatch(r"</?([a-z0-9]+)>", tag), tag
        assert tag.strip("</>") in TAGS


def test_addresses_stay_readable() -> None:
    html = rendered("[press](https://evil.example/a) ![see](https://evil.example/b.png)")
    assert html == "<p>press (https://evil.example/a) see (https://evil.example/b.png)</p>\n"


@pytest.mark.parametrize("text", ["x" * 2**20, "[" * (N + 1), "", " \n\t"])
def test_what_is_too_long_or_empty_stays_raw(text: str) -> None:
    assert rendered(text) is None


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_no_text_takes_long(text: str) -> None:
    assert cpu_seconds(lambda: rendered(text[:N])) < SECONDS
    assert rendered(text[:N]) is not None


def test_a_run_that_asks_for_it_gets_html_with_questions_and_own_answers(tmp_path: Path) -> None:
    settings = WebSettings(claims=WORK_ONLY, renders_markdown=True)
    with open_store(tmp_path) as store:
        desk = make_desk(store, settings=settings)
        ann = desk.browser("ann")
        [question] = claim(ann)
        assert question["prompt_html"] == rendered(question["prompt"])
        assert [s["html"] for s in question["samples"]] == [
            rendered(sample["text"]) for sample in question["samples"]
        ]
        ann.put(f"/api/answers/{new_id()}", json=answer_to(question))
        [own] = ann.get("/api/answers").json()["answers"]
        assert (own["prompt_html"], own["samples"]) == (
            question["prompt_html"],
            question["samples"],
        )
        desk.app.state.services.close()


def test_only_a_run_that_asks_for_it_gets_html(desk: Desk) -> None:
    [question] = claim(desk.browser("ann"))
    assert "prompt_html" not in question
    assert all("html" not in sample for sample in question["samples"])
