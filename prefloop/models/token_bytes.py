"""What each token of a vocabulary adds to a text, as bytes: tokens may share a character."""

import re
from collections.abc import Callable
from typing import Any, cast

from prefloop.models.loading import ANCHOR, Tokenizer

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")
"""How SentencePiece writes a token that is a byte of its own."""


def token_bytes(tokenizer: Tokenizer, vocabulary: int) -> list[bytes]:
    """Return for each of the first `vocabulary` ids the bytes that it adds inside a text, as UTF-8.

    Tokens that decoding leaves out, and ids without a token, add nothing.
    """
    added = [b""] * vocabulary
    hidden = set(tokenizer.special_ids)
    decode = _decoder(tokenizer)
    for token, index in tokenizer.hf_tokenizer.get_vocab().items():
        if index < vocabulary and index not in hidden:
            text = decode(token, index)
            is_whole = REPLACEMENT not in text
            added[index] = text.encode(errors="replace") if is_whole else _part(token, text)
    return added


def _decoder(tokenizer: Tokenizer) -> Callable[[str, int], str]:
    """Return what gives the text of one token behind others."""
    backend = getattr(tokenizer.hf_tokenizer, "backend_tokenizer", None)
    decoder: Any = getattr(backend, "decoder", None)
    if decoder is None:
        return lambda _, index: tokenizer.decode_after([index])
    # The decoder alone takes a tenth of the time; there may be 250,000 tokens.
    before = tokenizer.hf_tokenizer.convert_ids_to_tokens(tokenizer.encode(ANCHOR))
    start = len(decoder.decode(before))
    return lambda token, _: cast(str, decoder.decode([*before, token]))[start:]


def _part(token: str, text: str) -> bytes:
    """Return the bytes of a token that is no whole character."""
    byte = BYTE_TOKEN.fullmatch(token)
    if byte is not None:
        return bytes.fromhex(byte[1])
    if all(character in BYTE_OF for character in token):
        return bytes(BYTE_OF[character] for character in token)
    return text.encode(errors="replace")


def _byte_alphabet() -> dict[str, int]:
    """Return GPT-2's visible character for each byte: itself if it has a shape, else one from 256.

    Radford et al. 2019; the same in every byte-level BPE.
    """
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in visible]
    shifted = {chr(256 + n): byte for n, byte in enumerate(others)}
    return {chr(byte): byte for byte in visible} | shifted


BYTE_OF = _byte_alphabet()
"""The byte that a character of a byte-level vocabulary stands for."""
