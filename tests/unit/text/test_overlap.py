"""What a response shares with its source, worked by hand."""

import pytest

from prefloop.text.overlap import (
    copied_place,
    copies_start,
    coverage,
    density,
    fragments,
    lexical_independence,
    longest_common_run,
    novel_ngram_share,
    novel_sentence_share,
)

SOURCE = "The cat sat on the mat. It was a cold day, and the dog slept."


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


TITLE = "The Supreme Court Thursday reserved its {} on a batch of pleas {} have raised questions"


@pytest.mark.parametrize(
    ("response", "source", "mint"),
    [
        # The values that the authors' own program prints (amazon-science, mintscore, 2022).
        (
            TITLE.format("verdict", "which"),
            TITLE.format("decision", "that"),
            0.3710535235740673,
        ),
        (
            "Supreme Court has reserved a verdict on the batch of the pleas which have raised some "
            "questions",
            # They tell `The` from `the` here; another word in its place does so for us.
            TITLE.format("decision", "that").replace("The", "One"),
            0.9033765130600977,
        ),
        ("a a a b b c", "a", 0.9232456140350878),
        ("a b c d", "x", 1.0),
    ],
)
def test_mint_as_its_authors_have_it(response: str, source: str, mint: float) -> None:
    assert lexical_independence(response, source) == pytest.approx(mint, abs=1e-12)


def test_mint_by_hand() -> None:
    """Of `the cat sat here` 3, 2, 1, 0 (and no) n-grams are known; smoothed in turn from 4:

    (4+3+2)/3 = 3, (3+2+1)/3 = 2, (2+1+0)/3 = 1, (1+0+0)/3 = 1/3, over 4, 3, 2, 1 n-grams; the
    longest common subsequence has 3 of 4 words. 5 / (4/3 + 3/2 + 2 + 3 + 4/3) = 30/55.
    """
    assert lexical_independence("The cat sat here.", SOURCE) == pytest.approx(1 - 30 / 55)
    assert lexical_independence(SOURCE, SOURCE) == pytest.approx(0.0)
    assert lexical_independence("the cat sat", SOURCE) is None, "no 4-gram"


def test_copied_start_needs_all_three_words() -> None:
    assert copies_start("The cat, sat down.", SOURCE)
    assert not copies_start("the cat ran", SOURCE)
    assert not copies_start("the cat", "the cat")


def test_the_place_of_copied_words_by_hand() -> None:
    """15 words. `cat sat on the mat` are words 1 to 5, `and the dog` 11 to 13: mean 51 / 8."""
    assert copied_place("The cat sat on the mat.", SOURCE) == pytest.approx(2.5 / 14)
    assert copied_place("A cat sat on the mat, and the dog.", SOURCE) == pytest.approx(51 / 8 / 14)
    assert copied_place("and the dog slept", SOURCE) == pytest.approx(12.5 / 14)
    assert copied_place(SOURCE, SOURCE) == pytest.approx(0.5)
    assert copied_place("The cat ran. It was hot.", SOURCE) is None, "runs of two words"
    assert copied_place("a b c", "a b c x a b c") == pytest.approx(1 / 6), "the first of two places"
    assert copied_place("", SOURCE) is copied_place("a b c", "") is None


def test_the_longest_run_is_found_in_sources_of_200_words_and_more() -> None:
    """difflib ignores frequent words of long sequences by default; here every word is frequent."""
    source = " ".join(["red green blue grey"] * 60)
    assert longest_common_run("a red green blue bird", source) == 3
    assert longest_common_run(source, source) == 240


CHINESE = "今天天气很好。我们去公园散步。"


def test_a_copied_clause_of_a_script_without_spaces_is_a_copy() -> None:
    assert coverage("我们去公园", CHINESE) == 1.0
    assert novel_sentence_share("我们去公园。明天下雨。", CHINESE) == 0.5
    assert novel_ngram_share("我们去散步", CHINESE, 2) == pytest.approx(1 / 4)
    assert longest_common_run("他说我们去公园", CHINESE) == 5
    assert copies_start("今天天晴", CHINESE) and not copies_start("天天", CHINESE)
