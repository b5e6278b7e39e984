"""Whether two names look alike, though they are written with other characters.

The skeletons of Unicode Technical Standard 39, section 4, for the letters that people type by
mistake or to be taken for somebody else: a Cyrillic а for an a, a capital I for an l. Of its data
file (confusables.txt, version 16) only pairs of Latin, Greek, Cyrillic and Armenian letters,
digits, dashes and apostrophes are here.
"""

import re
import unicodedata

from prefloop.text.normal_form import typed_form

_PAIRS = (
    # Cyrillic
    ("аеорсухіјѕԁһԛԝѵӏ", "aeopcyxijsdhqwvl"),
    ("АВЕКМНОРСТУХІЈЅԚԜЗЬ", "ABEKMHOPCTYXlJSQW3b"),
    # Greek
    ("αονρυιγσ", "aovpuiyo"),
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHlKMNOPTYX"),
    # Armenian
    ("օոսհզցյՍՕ", "onuhqgjUO"),
    # Latin, digits, marks
    ("ıɑɡI1|0", "iaglllO"),
    ("‐‑‒–—―−", "-------"),
    ("‘’ʼ`´′", "''''''"),
)

_PROTOTYPES = str.maketrans(
    {a: b for those, these in _PAIRS for a, b in zip(those, these, strict=True)}
)

_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
"""Characters that take no ink: joiners, fillers, variation selectors, the empty Braille cell."""


def look(text: str) -> str:
    """Return the skeleton of a text: the same for all that look like it, in this case of letters.

    >>> look("раул") == look("payл")
    True
    """
    bare = _INVISIBLE.sub("", unicodedata.normalize("NFD", typed_form(text)))
    shown = unicodedata.normalize("NFC", bare.translate(_PROTOTYPES))
    return " ".join(shown.replace("rn", "m").split())


def look_alike(one: str, other: str) -> bool:
    """Whether a reader may take one name for the other, in small letters or capitals.

    >>> look_alike("Olga", "оlga")
    True
    """
    return look(one) == look(other) or look(one.casefold()) == look(other.casefold())
