"""What a wrong reading of UTF-8 took from a text is put back where its neighbours tell it."""

from collections import Counter

import pytest

from prefloop.prompts.news.lost_characters import LOST, mend, vocabulary

WORDS = Counter(
    {"maybe": 9, "fake": 9, "time": 50, "make": 50, "take": 50, "very": 9, "other": 9, "go": 900}
)
"""Words that stand in some texts; `Taybe` and `lery` do not."""


@pytest.mark.parametrize(
    ("damaged", "whole"),
    [
        # A closing quotation mark took the space behind it along.
        ('"We leave,"?she said.', '"We leave," she said.'),
        ('the "old harbour"?and its pier', 'the "old harbour" and its pier'),
        ('"Is it open?"?Nobody knew.', '"Is it open?" Nobody knew.'),
        ('"We leave,"?"You stay."', '"We leave," "You stay."'),
        # An apostrophe behind a plural.
        ('the two countries"?leaders met', "the two countries' leaders met"),
        ('"the others"?fears" grew', '"the others\' fears" grew'),
        # Apostrophes within words.
        (
            'they can"t and won"t, O"\ufffdHara\'s aides said',
            "they can't and won't, O'Hara's aides said",
        ),
        ("we\"\ufffdre and they'r late, I'l wait", "we're and they're late, I'll wait"),
        ("they'r been late", "they've been late"),
        # Dashes, with and without spaces around them.
        ('the pier "?long closed "?is open', "the pier - long closed - is open"),
        ('a bridge"\ufffdnot a ferry', "a bridge - not a ferry"),
        ('OSTRELL"?The council met.', "OSTRELL - The council met."),
        # Opening quotation marks.
        ('they said "\ufffdno" to it', 'they said "no" to it'),
        # Spaces that were no ordinary ones.
        ("for-unsure traders.-The council", "for unsure traders. The council"),
        ("Source:-the council", "Source: the council"),
        ("a state-of-the-art by-election", "a state-of-the-art by-election"),
        ("the 35-year-old, about-250 people", "the 35-year-old, about 250 people"),
        ("an IS-held town, A-levels, IT-based", "an IS-held town, A-levels, IT-based"),
        ("The-council said", "The council said"),
        # Pounds.
        ("It costs ?20m, or (?3.5bn) more?", "It costs £20m, or (£3.5bn) more?"),
        # A question in an address is one.
        (
            "see http://example.org/a.html?page=2 there",
            "see http://example.org/a.html?page=2 there",
        ),
    ],
)
def test_what_neighbours_tell_is_put_back(damaged: str, whole: str) -> None:
    assert mend(damaged, WORDS) == whole


@pytest.mark.parametrize(
    "damaged",
    [
        "Wolfgang Sch?uble",
        "Beyonc\ufffd\ufffd sang",
        "the ?ireann line",
        "it cost \ufffd10 more",
        'said something odd"?and left',
        'the word "extreme"o us',
        "they'r killed two",
    ],
)
def test_what_nothing_tells_is_marked(damaged: str) -> None:
    assert LOST in mend(damaged, WORDS)


def test_first_letters_behind_a_mark_are_read_from_the_words_of_all_texts() -> None:
    assert (
        mend('He said "Taybe so,"?and "lery well."', WORDS)
        == 'He said "Maybe so," and "very well."'
    )
    assert mend('a "Hake news"?story', WORDS) == 'a "fake news" story'.replace("fake", "Fake")
    assert LOST in mend('"Take it,"?he said', WORDS), "make or take?"
    assert mend('"Go on,"?he said', WORDS) == '"Go on," he said'


def test_a_text_without_the_damage_keeps_its_letters() -> None:
    text = 'He said "Taybe" and "Take it" and left, all 35-year-old ships.'
    assert mend(text, WORDS) == text


def test_the_vocabulary_leaves_out_what_stands_behind_marks() -> None:
    counts = vocabulary(['Maybe not. "Taybe so,"?he said. "\ufffdTaybe.'])
    assert counts["maybe"] == 1
    assert counts["taybe"] == 0
