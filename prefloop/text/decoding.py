"""Bytes of a file as text, and what no text may hold; messages name what was found instead."""

import codecs
import gzip
import zlib

from prefloop.errors import InputError

WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte-order marks of encodings other than UTF-8; the longer ones first."""

GZIP = b"\x1f\x8b"

PACKED = {
    b"PK\x03\x04": "a zip archive or a workbook",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ\x00": "packed with xz",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
}
"""First bytes of files that hold no text as they are."""


def decode_file(data: bytes, subject: str, *, is_packed: bool = False) -> str:
    """Return a file's bytes as text, unpacked and without a byte-order mark.

    UTF-8, or UTF-16 and UTF-32 with a byte-order mark. A gzip file is known by its first bytes or
    by `is_packed`. `subject` names the file in the InputError, such as `prompt file p.csv`.
    """
    if is_packed or data.startswith(GZIP):
        data = _unpacked(data, subject)
    for mark, found in PACKED.items():
        if data.startswith(mark):
            raise InputError(f"{subject} is {found}. Unpack it, and save the text as UTF-8.")
    encoding = next((name for mark, name in WIDE if data.startswith(mark)), "utf-8-sig")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(_not_unicode(error, subject)) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise InputError(
            f"{subject} is no plain text: line {line} holds a zero byte. It may be UTF-16 without "
            "a byte-order mark, or no text at all. Save it as UTF-8."
        )
    return text


def text_fault(text: str) -> str | None:
    """Return what makes a text unfit to be stored and shown, as the end of a sentence; or None.

    >>> text_fault("Half of an emoji: " + chr(0xD83D))
    'holds half of a character (a lone surrogate); repair the text'
    """
    if "\0" in text:
        return "holds the null character, which no database stores; take it out"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "holds half of a character (a lone surrogate); repair the text"
    return None


def _unpacked(data: bytes, subject: str) -> bytes:
    try:
        return gzip.decompress(data)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{subject} is no complete gzip file: {error}.") from error


def _not_unicode(error: UnicodeDecodeError, subject: str) -> str:
    line = error.object[: error.start].count(b"\n") + 1
    if error.encoding.startswith("utf-8"):
        found = f"line {line} has the byte {error.object[error.start]:#04x}"
        return f"{subject} is not UTF-8: {found}. Save it as UTF-8."
    name = error.encoding.upper().partition("-LE")[0]
    return f"{subject} is damaged {name}: {error.reason} in line {line}. Save it as UTF-8."
