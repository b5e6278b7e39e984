"""Forms in which texts are compared; what is stored and shown stays as it was written.

Unicode has several spellings of one text: é as one character or as e with an accent behind it, wide
and narrow letters. Which of them somebody types depends on the keyboard and the system.
Unicode Standard Annex 15.
"""

import unicodedata


def normal_form(text: str) -> str:
    """Return the text in composed characters (NFC), without case, and with single spaces.

    Two prompts or samples with one normal form are the same text to a reader.

    >>> normal_form("A  caf" + "e" + chr(0x301)) == normal_form("a café ")
    True
    """
    if text.isascii():
        return " ".join(text.lower().split())
    # Folded in its decomposed form, as section 3.13 of the Unicode Standard defines (D145).
    folded = unicodedata.normalize("NFD", text).casefold()
    return " ".join(unicodedata.normalize("NFC", folded).split())


def typed_form(typed: str) -> str:
    """Return a name, code or password as every keyboard types it (NFKC, as NIST SP 800-63B asks).

    >>> typed_form("ＰＡＳＳ")
    'PASS'
    """
    return unicodedata.normalize("NFKC", typed)
