"""One text to a reader has one normal form; what differs for a reader differs in it."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from prefloop.text.normal_form import normal_form, typed_form


def test_case_space_and_composition_do_not_count() -> None:
    forms = ["The café — OPEN", " the  CAFÉ —\tOpen\n", "THE CAFE\N{COMBINING ACUTE ACCENT} — open"]
    assert {normal_form(text) for text in forms} == {"the café — open"}
    assert normal_form("STRASSE") == normal_form("straße")
    assert normal_form("a\N{NO-BREAK SPACE}b\N{IDEOGRAPHIC SPACE}c") == "a b c"


def test_another_word_or_mark_counts() -> None:
    texts = ["open", "open.", "op en", "ópen", "0pen", "ｏpen", "открыто", "今天", "今日"]
    assert len({normal_form(text) for text in texts}) == len(texts)


@given(st.text())
def test_the_form_of_a_form_is_itself(text: str) -> None:
    for form in ("NFC", "NFD"):
        spelled = unicodedata.normalize(form, text)
        assert normal_form(spelled) == normal_form(text) == normal_form(normal_form(text))


def test_wide_letters_and_ligatures_are_typed_as_plain_ones() -> None:
    assert typed_form("Ｐａｓｓ－ﬁ") == "Pass-fi"
    assert typed_form("e\N{COMBINING ACUTE ACCENT}") == "é"
