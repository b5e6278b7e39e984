"""Words and sentences, worked by hand."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.text.words import plain_words, reading_words, sentences, words


def test_words_are_lower_case_and_keep_apostrophes() -> None:
    assert words("Don't PANIC — it’s 42, café_bar!") == [
        "don't",
        "panic",
        "it’s",
        "42",
        "café",
        "bar",
    ]


def test_sentences_need_words() -> None:
    assert sentences('He said "go." Then left...  !\n\nNew line') == [
        'He said "go.',
        "Then left...",
        "New line",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("今天很好。", ["今", "天", "很", "好"]),
        ("AI技术 2026年", ["ai", "技", "术", "2026", "年"]),
        ("サーバーへ", ["サ", "ー", "バ", "ー", "へ"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("가나다 라마", ["가나다", "라마"]),
        ("مرحبًا بكم", ["مرحبًا", "بكم"]),
        ("cafe\N{COMBINING ACUTE ACCENT}", ["café"]),
        ("\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16} 1\N{VARIATION SELECTOR-16}", ["1"]),
    ],
)
def test_words_of_other_scripts(text: str, found: list[str]) -> None:
    """A mark belongs to its letter; without spaces each character is a word."""
    assert words(text) == found


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("今天天气很好。我们去公园散步。", 2),
        ("真的？！好啊。「走吧。」他说。", 4),
        ("هل هذا صحيح؟ نعم.", 2),
        ("हिन्दी में लिखा है। दूसरा वाक्य।", 2),
        ("ไม่มีช่องว่าง ประโยคที่สอง", 2),
        ("Il dit « Oui ! » Puis 3.14 suffit.", 2),
    ],
)
def test_sentences_of_other_scripts(text: str, n: int) -> None:
    assert len(sentences(text)) == n


english = st.text("abyzAZ019 .!?,'\"()-_\n\t", max_size=80) | st.text("aé .’”…\n1", max_size=40)


@given(english)
def test_english_is_read_as_ever(text: str) -> None:
    """The rules before there were others: golden figures of earlier runs rest on them."""
    known = re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text.lower())
    end = r"(?<=[.!?…])[\"'”’)\]]*\s+|\n+"
    assert words(text) == known
    assert sentences(text) == [p.strip() for p in re.split(end, text) if re.search(r"[^\W_]", p)]
    assert plain_words(text) == re.findall(r"[^\W_]+", text.lower())
    assert reading_words(text) == len(known)


def test_a_character_takes_less_time_than_a_word() -> None:
    """400 characters of Chinese are read like 255 words: a click after ten seconds is too fast."""
    assert reading_words("今天天气很好。" * 40 + " and more") == pytest.approx(240 * 228 / 357 + 2)
