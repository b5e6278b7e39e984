"""Words and sentences, worked by hand."""

from prefloop.text.words import sentences, words


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
