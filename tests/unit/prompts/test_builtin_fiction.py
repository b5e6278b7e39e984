"""The embedded prompts: enough of them, clean, all different, and spread over the splits."""

import re

import pytest

from prefloop.prompts.passages import Passage
from prefloop.prompts.sources import BUILTIN, read_passages
from prefloop.prompts.splits import split_of
from prefloop.settings.prompts import PromptsConfig


@pytest.fixture(scope="module")
def passages() -> list[Passage]:
    return read_passages(PromptsConfig(source="builtin:fiction")).passages


def shingles(text: str, length: int) -> set[str]:
    """Every run of `length` words."""
    words = text.split()
    return {" ".join(words[i : i + length]) for i in range(len(words) - length + 1)}


def test_there_are_enough_of_the_promised_length(passages: list[Passage]) -> None:
    assert 3000 <= len(passages) <= 5000
    assert all(60 <= len(p.text.split()) <= 140 for p in passages)


def test_they_are_whole_sentences_of_plain_prose(passages: list[Passage]) -> None:
    for passage in passages:
        assert passage.text.isascii()
        assert "\n" not in passage.text
        assert re.match(r"[A-Z]", passage.text)
        assert re.search(r"[.!?][\"']?$", passage.text)
        assert passage.text.count('"') % 2 == 0
        assert not re.search(r"CHAPTER|Chapter \d|<|>|_", passage.text)


def test_no_passage_repeats_or_overlaps_another(passages: list[Passage]) -> None:
    assert len({p.text for p in passages}) == len(passages)
    seen: set[str] = set()
    for passage in passages:
        found = shingles(passage.text, 12)
        assert not found & seen, passage
        seen |= found


def test_each_says_where_it_is_from_and_no_book_dominates(passages: list[Passage]) -> None:
    books = [p.source.rsplit(",", 1)[0] for p in passages]
    assert all("," in p.source for p in passages)
    assert len(set(books)) >= 40
    assert max(books.count(book) for book in set(books)) <= len(passages) // 20


def test_the_splits_have_their_shares(passages: list[Passage]) -> None:
    splits = [split_of(p.text, held_out_share=0.1, validation_share=0.1) for p in passages]
    assert splits.count("held_out") == pytest.approx(len(passages) * 0.1, rel=0.15)
    assert splits.count("validation") == pytest.approx(len(passages) * 0.1, rel=0.15)


def test_its_sources_are_told() -> None:
    licences = (BUILTIN / "LICENSES.md").read_text(encoding="utf8")
    books = {p.source.split(",")[0] for p in read_passages(PromptsConfig()).passages}
    assert not [book for book in books if book not in licences]
