"""Texts that are handed over in Python: each must be one that models read and stores take."""

from collections.abc import Sequence

from prefloop.errors import InputError
from prefloop.text.decoding import text_fault


def refuse_wrong_texts(name: str, texts: Sequence[object], *, may_be_empty: bool = False) -> None:
    """Raise an InputError that names the first of the texts that is none, by its index."""
    for index, text in enumerate(texts):
        if not isinstance(text, str) or not (text.strip() or may_be_empty):
            kind = "a text" if may_be_empty else "a text that is not empty"
            raise InputError(f"{name}[{index}] is {text!r}; it must be {kind}.")
        if (fault := text_fault(text)) is not None:
            raise InputError(f"{name}[{index}] {fault}.")
