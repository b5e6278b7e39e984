"""A query starts and ends where the task says, and has as many tokens as it allows."""

from typing import TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.prompts.queries import TextTokenizer, cut_query, token_ends
from prefloop.settings.task import TaskConfig
from prefloop.settings.task_presets import load_task
from tests.unit.prompts.tokenizers import (
    ByteTokenizer,
    LowercaseTokenizer,
    SpacelessTokenizer,
    WordTokenizer,
)


def task(**changes: object) -> TaskConfig:
    settings = {"name": "custom", "query_tokens_min": 1, "query_tokens_max": 64} | changes
    return load_task(settings)


class Ends(TypedDict):
    start_after: str
    end_at: str


BOOKS: Ends = {"start_after": ".", "end_at": "."}
"""The start and end rules of 2019's style tasks."""


def cut(passage: str, tokenizer: TextTokenizer | None = None, **changes: object) -> str | None:
    query = cut_query(passage, task(**changes), tokenizer or WordTokenizer())
    return query.text if query.refusal is None else query.refusal


@pytest.mark.parametrize(
    ("passage", "query"),
    [
        ("One. Two three. Four", "Two three."),
        ("One. Two. Three. Four", "Two. Three."),
        ("One. Two", "no_end"),
        ("One two", "no_start"),
        ("One.", "no_end"),
        ('He said "No." Then. He went.', "He went."),
        ("Wait... Then. He went... He sat. And", "He went... He sat."),
        ('A. He went. "Stay."', "He went."),
        ("Mr. Wood went. So", "Wood went."),
    ],
)
def test_the_rules_of_2019_worked_by_hand(passage: str, query: str) -> None:
    assert cut(passage, **BOOKS) == query


def test_cutting_at_any_period_would_be_another_rule() -> None:
    """The wrong twin: str.find takes the period inside the token `."` for the end of a sentence."""
    passage = 'He said "No." Then. He went.'
    twin = passage[passage.find(".") + 1 : passage.rfind(".") + 1].strip()
    assert twin != cut(passage, **BOOKS)


def test_a_limit_of_tokens_comes_before_the_end_rule() -> None:
    passage = "One. a b c. d e f. g h."
    assert cut(passage, **BOOKS, query_tokens_max=12) == "a b c. d e f. g h."
    assert cut(passage, **BOOKS, query_tokens_max=10) == "a b c. d e f."
    assert cut(passage, **BOOKS, query_tokens_max=7) == "a b c."
    assert cut(passage, **BOOKS, query_tokens_max=3) == "no_end"
    assert cut(passage, **BOOKS, query_tokens_max=7, query_tokens_min=5) == "too_short"


def test_without_rules_a_passage_is_cut_at_the_limit() -> None:
    assert cut("a b c d e", query_tokens_max=3) == "a b c"
    assert cut("  a b  ", query_tokens_max=3) == "a b"
    assert cut("", query_tokens_max=3) == "too_short"


def test_a_news_article_is_cut_back_to_its_last_line() -> None:
    article = "One two\nthree four\nfive six"
    assert cut(article, end_at="\n", query_tokens_max=7) == "One two\nthree four"
    assert cut("One two\n\nthree", end_at="\n") == "no_end"


def test_a_mark_of_several_tokens_counts_too() -> None:
    assert cut("head ## body one. two", start_after=" ##", end_at=".") == "body one."


def test_a_word_without_its_space_is_found() -> None:
    assert cut("One. Two three. Four", SpacelessTokenizer(), **BOOKS) == "Two three."


def test_a_character_of_several_tokens_is_never_split() -> None:
    assert cut("äöü", ByteTokenizer(), query_tokens_max=4) == "äö"
    assert cut("äöü", ByteTokenizer(), query_tokens_max=5) == "äö"
    assert list(token_ends("aä", ByteTokenizer())) == [1, 2, 2]


def test_a_tokenizer_that_changes_the_text_is_told() -> None:
    assert cut("One. Two three.", LowercaseTokenizer(), **BOOKS) == "not_reproduced"


@given(
    st.text("ab .\n\"'äé—", max_size=80),
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from([None, "."]),
    st.sampled_from([None, ".", "\n"]),
    st.sampled_from([WordTokenizer, ByteTokenizer]),
)
def test_every_query_obeys_the_task(
    passage: str,
    low: int,
    more: int,
    start: str | None,
    end: str | None,
    kind: type[TextTokenizer],
) -> None:
    tokenizer = kind()
    settings = task(
        query_tokens_min=low, query_tokens_max=low + more, start_after=start, end_at=end
    )
    query = cut_query(passage, settings, tokenizer)
    if query.refusal is not None:
        assert query.text == ""
        return
    assert low <= len(tokenizer.encode(query.text)) <= low + more
    assert query.text in passage
    assert query.text == query.text.strip()
    if start == ".":
        assert "." in passage[: passage.rfind(query.text)]
    if end == ".":
        assert tokenizer.decode(tokenizer.encode(query.text)[-1:]) == "."
