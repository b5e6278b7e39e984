"""Tokenizers small enough to read, that cut text the way the real ones do."""

import re


class WordTokenizer:
    """GPT-2's habits: a word carries its space; `."`, `...` and a blank line are one token each."""

    PATTERN = re.compile(r'\.\.\.|\.["”]|\n\n| ?[^\W_]+| ?[^\w\s]|\s', re.UNICODE)

    def __init__(self) -> None:
        self.vocabulary: list[str] = []

    def encode(self, text: str) -> list[int]:
        pieces = self.PATTERN.findall(text)
        assert "".join(pieces) == text
        self.vocabulary += [p for p in dict.fromkeys(pieces) if p not in self.vocabulary]
        return [self.vocabulary.index(p) for p in pieces]

    def decode(self, ids: list[int]) -> str:
        return "".join(self.vocabulary[i] for i in ids)


class ByteTokenizer:
    """One token per byte: most of them are no whole character."""

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def decode(self, ids: list[int]) -> str:
        return bytes(ids).decode(errors="replace")


class SpacelessTokenizer(WordTokenizer):
    """Like Llama's SentencePiece: the space before the first word is lost in decoding."""

    def decode(self, ids: list[int]) -> str:
        return super().decode(ids).removeprefix(" ")


class LowercaseTokenizer(WordTokenizer):
    """Does not give back what it was given."""

    def encode(self, text: str) -> list[int]:
        return super().encode(text.lower())
