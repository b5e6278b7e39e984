"""ROUGE, worked by hand."""

import pytest

from prefloop.text.rouge import rouge


def test_rouge_by_hand() -> None:
    """police killed the gunman / police kill the gunman (Lin 2004): 3 of 4 words, 1 of 3 pairs."""
    got = rouge("police kill the gunman", "police killed the gunman")
    assert got.rouge_1 == pytest.approx(3 / 4)
    assert got.rouge_2 == pytest.approx(1 / 3)
    assert got.rouge_l == pytest.approx(3 / 4)


def test_rouge_l_sees_order_where_rouge_1_does_not() -> None:
    """the gunman kill police (Lin 2004, S3): in order only `the gunman`, 2 of 4."""
    got = rouge("the gunman kill police", "police killed the gunman")
    assert (got.rouge_1, got.rouge_l) == pytest.approx((3 / 4, 2 / 4))


def test_rouge_clips_repeated_words() -> None:
    """the the the / the cat: one shared word, F1 = 2 / (3 + 2). Unclipped it would be 6/5."""
    assert rouge("the the the", "the cat").rouge_1 == pytest.approx(2 / 5)
    assert rouge("", "the cat").rouge_l == 0.0


def test_rouge_counts_characters_where_no_spaces_are() -> None:
    """今天晴 / 晴今天: three of three characters, one of two pairs, two in order."""
    got = rouge("今天晴。", "晴今天。")
    assert got.rouge_1 == 1.0
    assert (got.rouge_2, got.rouge_l) == pytest.approx((1 / 2, 2 / 3))
