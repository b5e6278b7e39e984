"""Figures of a text, worked out by hand on small ones."""

import math

import pytest

from prefloop.audits.measures import MEASURES, N_SOURCE_WORDS, N_WORDS, ROW, measure_groups
from prefloop.audits.measures import measure_text as measured
from prefloop.scorers.copying import SCALE, CopyingScorer
from prefloop.text.overlap import copies_start, novel_sentence_share

SOURCE = "The cat sat on the mat. It slept all day. Nobody came."


def figure(name: str, text: str, source: str = SOURCE) -> float:
    return measured(source, text)[MEASURES.index(name)]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("length", "One two three.", math.log(4)),
        # Pairs: the-cat, cat-sat of 3; triples: the-cat-sat of 2.
        ("copied_words", "The cat sat down.", (2 / 3 + 1 / 2) / 2),
        ("copied_words", "Yes.", 0.0),
        ("copied_sentences", "It slept all day. And then? Nobody came!", 2 / 3),
        ("copied_sentences", "", 0.0),
        ("starts_copied", "The cat sat down.", 1.0),
        ("starts_copied", "It slept all day.", 0.0),
        # so-so-so twice of three runs of 3 stands before.
        ("repetition", "So so so so so.", 2 / 3),
        ("repetition", "All of it is new.", 0.0),
        # VADER rates "good" 1.9 and "bad" -2.5.
        ("rated_words", "good bad road", (1.9 - 2.5) / 3),
        ("formatting", "# Title\n* one\n2. two\nand **bold** words", math.log(5)),
        ("formatting", "3.5 times a - b", 0.0),
        ("exclamation", "Oh! No!!", math.log(4)),
    ],
)
def test_a6_a_figure_is_what_was_counted_by_hand(name: str, text: str, value: float) -> None:
    assert figure(name, text) == pytest.approx(value)


def test_copying_is_measured_as_everywhere_else() -> None:
    for text in ("The cat sat down. It slept all day.", "Nobody came.", "Cats sit."):
        (score,) = CopyingScorer().score([SOURCE], [text])
        novel = novel_sentence_share(text, SOURCE)
        assert novel is not None
        assert figure("copied_words", text) == pytest.approx(score / SCALE)
        assert figure("copied_sentences", text) == pytest.approx(1 - novel)
        assert figure("starts_copied", text) == copies_start(text, SOURCE)


def test_extractive_mixed_and_abstractive_texts_are_in_order() -> None:
    texts = ["It slept all day. Nobody came.", "It slept all day. Then it rained.", "A nap, alone."]
    for name in ("copied_words", "copied_sentences"):
        one, two, three = (figure(name, text) for text in texts)
        assert one > two > three


def test_a_row_holds_all_figures_and_the_words_of_text_and_prompt() -> None:
    rows = measure_groups(
        [(SOURCE, ["It slept.", "Nobody came home."]), ("我们去公园散步", ["公园"])]
    )
    assert rows.shape == (3, ROW)
    assert rows[:, N_WORDS].tolist() == [2, 3, 2]
    assert rows[:, N_SOURCE_WORDS].tolist() == [12, 12, 7]


def test_a_script_without_spaces_is_measured_by_its_characters() -> None:
    source = "我们去公园散步。天气很好。"
    assert figure("copied_sentences", "天气很好。", source) == 1.0
    assert figure("copied_words", "天气不好。", source) == pytest.approx((1 / 3 + 0) / 2)
