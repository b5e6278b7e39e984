"""Mends what a wrong reading of UTF-8 left of quotation marks, apostrophes and dashes.

The texts of the package were once read as GBK. There a character of three bytes, such as ” or –,
takes the byte behind it along; later the rest was written as ASCII. So of `countries’ peoples`
stands `countries"?peoples`, of `that’s fake,” he` stands `that"s fake,"?he`, and the first letter
behind an opening quotation mark may be another (`"Taybe` for `“Maybe`). Nothing of this is
mojibake that a library could turn back: bytes are gone. What the neighbours decide is mended; the
rest is marked as `LOST`, and no sentence with that mark is used.
"""

import re
from collections import Counter
from collections.abc import Iterable

LOST = "\ufffd"
"""Stands where a character cannot be told."""

_ENDINGS = r"(?:t|s|re|ve|ll|d|m)\b"
_EMPTY = re.compile(r"[\u200a\u200b\ufeff]")
_CONTRACTION = re.compile(rf'(?<=[A-Za-z])"{LOST}?(?={_ENDINGS})')
_NAME = re.compile(rf'(?<=\b[OD])"{LOST}(?=[A-Z])')
_HAVE = re.compile(r"\b([Ww]e|[Tt]hey|[Yy]ou)'re?(?=\s(?:been|had|become|got)\b)")
_BE_OR_HAVE = re.compile(
    r"\b([Ww]e|[Tt]hey|[Yy]ou)'r(?=\s(?:\w+ed|held|made|seen|done|heard|taken|given|lost|put|said)\b)"
)
_SHORT_RE = re.compile(r"\b([Ww]e|[Tt]hey|[Yy]ou)'r\b")
_SHORT_LL = re.compile(r"\b(I|[WwHh]e|[Ss]he|[Tt]hey|[Yy]ou)'l\b")
_DASH = re.compile(rf'(?:\s+|(?<=\w)-)(?:"\?|{LOST}\?|"{LOST}(?=\s))\s*')
_TIGHT_DASH = re.compile(rf'(?<=[A-Za-z0-9.]")\s*{LOST}\?(?=\w)|(?<=[a-z])"{LOST}(?=[A-Za-z])')
_OPENING = re.compile(rf'(?:^|(?<=[\s("\'\[-]))"{LOST}(?=[\w\[\'])')
_POUNDS = re.compile(r"(?<![^\s(-])\?(?=\d)")
_MIDWORD = re.compile(r"(?<=[A-Za-z])\?(?=[a-z])|(?<![^\s(])\?(?=[A-Za-z])")
_ADDRESS = re.compile(r"\S*(?:://|www\.|\.com/|\.html)\S*")
_MARK = re.compile(r'"\??')
_DATELINE = re.compile(r'^([A-Z]{3}[A-Z .,/-]*)"\?')
_GLUED_END = re.compile(r'(?<=[.,!?]")(?=[A-Za-z])')
_EATEN = re.compile(r'(?<=[A-Za-z])"(?=[a-z])')
"""A letter behind a quotation mark that is gone: `a slave"nd` for `a slave” and`."""

_CLOSES_AFTER = ".,!?;:)"

_FIRST_LETTERS = {"A": "O", "G": "H", "H": "F", "L": "H", "T": "M", "g": "t", "l": "vf"}
"""Letter that stands behind an opening quotation mark -> letters that it may have been."""

_QUOTED = re.compile(r"(?:^|(?<=[\s(-]))\"([A-Za-z])([A-Za-z]*)(?=('?))")
_GLUED = re.compile(r'(?<=")our(?=[a-z]{3})')
_WORD = re.compile(r"[A-Za-z]+")
RARE = 3
"""A word that stands fewer times in all texts is unknown."""

FAR_RARER = 20
"""A reading that is so many times as rare as the word that stands there is none."""

_FUNCTION = frozenset(
    [
        *("the", "a", "an", "and", "of", "that", "for", "from", "with", "as", "was"),
        *("were", "is", "are", "has", "have", "had", "his", "her", "their", "its", "this"),
        *("these", "who", "which", "by", "at", "but", "said", "says", "told", "be", "been"),
        *("will", "would", "could", "it", "he", "she", "they", "we", "if", "because", "when"),
        *("where", "while", "during", "into", "about", "than", "there"),
    ]
)
"""Words that stand alone, and in few compounds."""

_KEPT = {
    *("by-election", "by-elections", "by-product", "by-products", "would-be", "for-profit"),
    *("at-risk", "at-large", "as-yet", "has-been", "at-home", "for-hire", "as-is", "by-law"),
    *("drive-by", "passer-by", "stand-by", "bride-to-be", "mother-to-be", "father-to-be"),
}
"""Compounds in which a word of `_FUNCTION` belongs to a hyphen."""

_COMPOUND = re.compile(r"(?<![\w-])[A-Za-z0-9']+(?:-[A-Za-z0-9']+)+(?![\w-])")
_HYPHEN_AFTER_MARK = re.compile(r"(?<=[.,:;!?)])-(?=[\s\"'(A-Za-z]|$)|(?<=[.,!?]\")-(?=\s|\w|$)")
_DASH_AFTER_END = re.compile(r"(?<=[.!?\"]) - (?=[A-Z\"])")
_HANGING = re.compile(r"(?<=[a-z])-(?=\(|$| (?!and |or |to |but ))|(?<=[a-z])-(?=\"[A-Za-z])")


def vocabulary(texts: Iterable[str]) -> Counter[str]:
    """Return how often each word stands in texts, in lower case, but behind quotation marks."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(word.lower() for word in _WORD.findall(re.sub(r'["\ufffd]+\??\w+', "", text)))
    return counts


def mend(text: str, known: Counter[str]) -> str:
    """Return a text with its quotation marks, apostrophes, dashes and spaces as they were.

    What cannot be told is `LOST`. `known` are the words of all texts, from `vocabulary`.

    >>> mend('He said the two countries"?leaders "don"t talk,"?and left.', Counter())
    'He said the two countries\\' leaders "don\\'t talk," and left.'
    >>> mend("Wolfgang Sch?uble spent ?20m.", Counter())
    'Wolfgang Sch\ufffduble spent £20m.'
    """
    had_quotes = '"?' in text or f'"{LOST}' in text
    text = _EMPTY.sub("", text).replace("\xa0", " ").replace("’", "'").replace("‘", "'")
    text = text.replace("“", '"').replace("”", '"')
    text = _NAME.sub("'", _CONTRACTION.sub("'", text))
    text = _BE_OR_HAVE.sub(rf"\1{LOST}", _HAVE.sub(r"\1've", text))
    text = _SHORT_LL.sub(r"\1'll", _SHORT_RE.sub(r"\1're", text))
    text = _DATELINE.sub(r"\1 - ", text)
    text = _TIGHT_DASH.sub(" - ", _OPENING.sub('"', _DASH.sub(" - ", text)))
    text = _EATEN.sub(LOST, _GLUED_END.sub(" ", _settled(text)))
    text = _POUNDS.sub("£", text)
    text = _spaced(_outside_addresses(text))
    return _first_letters(text, known) if had_quotes else text


def _settled(text: str) -> str:
    """Return a text in which every `"?` is a closing quotation mark or an apostrophe."""
    marks = list(_MARK.finditer(text))
    parts, end, is_open = [], 0, False
    for index, mark in enumerate(marks):
        parts.append(text[end : mark.start()])
        end = mark.end()
        before = text[mark.start() - 1 : mark.start()]
        if mark[0] == '"':
            is_open = not before or before in " \t\n([-'\""
            parts.append('"')
            continue
        kind = _kind(text, marks, index, before, is_open=is_open)
        is_open = is_open and kind != '"'
        follows = text[end : end + 1]
        parts.append(kind + ("" if not follows or follows in " ,.;:!?)-" else " "))
    return "".join([*parts, text[end:]])


def _kind(text: str, marks: list[re.Match[str]], index: int, before: str, *, is_open: bool) -> str:
    """Return which character a `"?` was: a quotation mark, an apostrophe, or `LOST`."""
    if before and before in _CLOSES_AFTER:
        return '"'
    is_plural = before == "s"
    if not is_open:
        return "'" if is_plural else LOST
    if not is_plural:
        return '"'
    # Within a quotation: the next mark says whether this one ended it.
    following = marks[index + 1] if index + 1 < len(marks) else None
    if following is None:
        return '"'
    opens = text[following.start() - 1] in " (["
    return '"' if opens else LOST if following[0] == '"?' else "'"


def _outside_addresses(text: str) -> str:
    """Mark each `?` that was a letter; in an address of the web it is itself."""
    parts, end = [], 0
    for address in _ADDRESS.finditer(text):
        parts += [_MIDWORD.sub(LOST, text[end : address.start()]), address[0]]
        end = address.end()
    return "".join([*parts, _MIDWORD.sub(LOST, text[end:])])


def _spaced(text: str) -> str:
    """Return a text with the spaces that stand in it as hyphens, where a rule tells them apart."""
    text = _HYPHEN_AFTER_MARK.sub(" ", text)
    text = _HANGING.sub(" ", _DASH_AFTER_END.sub(" ", text))
    return _COMPOUND.sub(_apart, text)


def _apart(compound: re.Match[str]) -> str:
    """Return a compound without the words at its ends that no hyphen binds."""
    parts = compound[0].split("-")
    before: list[str] = []
    after: list[str] = []
    if compound[0].lower() not in _KEPT:
        while len(parts) > 1 and _stands_alone(parts[0]):
            before.append(parts.pop(0))
        while len(parts) > 1 and _stands_alone(parts[-1]):
            after.insert(0, parts.pop())
    return " ".join([*before, "-".join(parts), *after])


def _stands_alone(part: str) -> bool:
    """Whether a part of a compound is a word that no hyphen binds; `IS`, `IT` and `A` are names."""
    return part in _FUNCTION or (part.istitle() and len(part) > 1 and part.lower() in _FUNCTION)


def _first_letters(text: str, known: Counter[str]) -> str:
    """Return a text with the letters behind opening quotation marks as they were."""
    return _QUOTED.sub(lambda m: _first_word(m, known), _GLUED.sub("our ", text))


def _first_word(quoted: re.Match[str], known: Counter[str]) -> str:
    """Return a quotation mark and its word, mended if one reading alone is a word.

    Where both the word and another reading are words, it is `LOST`.
    """
    letter, rest = quoted[1], quoted[2]
    word = letter + rest
    n = known[word.lower()]
    others = [other + rest for other in _FIRST_LETTERS.get(letter, "") if rest]
    readings = [o for o in others if known[o.lower()] >= max(RARE, n / FAR_RARER)]
    if n >= RARE:
        return f'"{LOST}{word}' if readings else quoted[0]
    if known[f"so{word}".lower()] >= RARE and word.islower():
        readings.append(f"So{word}")
    return f'"{readings[0]}' if len(readings) == 1 else quoted[0]
