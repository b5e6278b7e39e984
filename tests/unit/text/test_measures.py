"""Copying, repetition and overlap, worked by hand."""

import pytest

from prefloop.text.measures import (
    copies_start,
    coverage,
    density,
    distinct_share,
    duplicate_share,
    fragments,
    longest_common_run,
    longest_repeated_run,
    novel_ngram_share,
    novel_sentence_share,
    rouge,
    sentences,
    words,
)

SOURCE = "The cat sat on the mat. It was a cold day, and the dog slept."


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
    ("n", "share"), [(1, 1 / 6), (2, 2 / 5), (3, 3 / 4), (4, 1.0)], ids=["1", "2", "3", "4"]
)
def test_novel_ngrams_by_hand(n: int, share: float) -> None:
    """the cat sat | a red mat: `red` is new, so are `sat a`... counted one by one."""
    assert novel_ngram_share("The cat sat, a cold red.", SOURCE, n) == pytest.approx(share)


def test_text_shorter_than_n_has_no_share() -> None:
    assert novel_ngram_share("one two", SOURCE, 3) is None


def test_novel_sentences_ignore_case_and_punctuation() -> None:
    assert novel_sentence_share("the cat sat on the mat! A dog barked.", SOURCE) == 0.5
    assert novel_sentence_share("at on the.", SOURCE) == 1.0, "a part of a word is no match"
    assert novel_sentence_share("...", SOURCE) is None


def test_fragments_by_hand() -> None:
    """Greedy: `a b c`, then `x` alone; `q` is nowhere."""
    assert fragments(list("abcqx"), list("abxabc")) == [3, 1]
    assert fragments(list("aab"), list("ab")) == [1, 2]


def test_coverage_and_density_by_hand() -> None:
    """4 of 5 words lie in runs of 3 and 1: coverage 4/5, density (9 + 1) / 5."""
    assert coverage("a b c q x", "a b x a b c") == pytest.approx(0.8)
    assert density("a b c q x", "a b x a b c") == pytest.approx(2.0)
    assert coverage("", SOURCE) is None


def test_full_copy_and_no_copy() -> None:
    assert (coverage(SOURCE, SOURCE), density(SOURCE, SOURCE)) == (1.0, 15.0)
    assert coverage("nothing shared here", SOURCE) == 0.0


def test_longest_common_run_is_not_fooled_by_greed() -> None:
    """Greedy fragments take `a b` and `c d`; the longest run is `b c d`."""
    assert longest_common_run("a b c d", "a b x b c d") == 3


def test_copied_start_needs_all_three_words() -> None:
    assert copies_start("The cat, sat down.", SOURCE)
    assert not copies_start("the cat ran", SOURCE)
    assert not copies_start("the cat", "the cat")


def test_repetition_by_hand() -> None:
    assert distinct_share(["a b a b", "a b"]) == pytest.approx(2 / 4)
    assert distinct_share(["a"]) is None
    assert duplicate_share(["Yes.", "yes", "no"]) == pytest.approx(2 / 3)
    assert duplicate_share([]) is None
    assert longest_repeated_run("so it goes and so it went") == 2
    assert longest_repeated_run("ha ha ha") == 2
    assert longest_repeated_run("all words differ") == 0


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
