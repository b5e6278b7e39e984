"""Secrets: invite codes that a person types, and tokens of sessions and programs.

They come from the operating system's random generator, and the database has only their hashes:
reading the database, or a backup of it, gives no access.
"""

import hashlib
import secrets

from prefloop.text.normal_form import typed_form

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U."""

MISREAD = str.maketrans("OIL", "011")

N_GROUPS, GROUP = 7, 4
"""28 characters of 5 bits are 140 bits."""


def new_code() -> str:
    """Return a random code of 140 bits in groups that a person can type: 7KQM-2ZPD-..."""
    letters = [secrets.choice(ALPHABET) for _ in range(N_GROUPS * GROUP)]
    groups = ["".join(letters[at : at + GROUP]) for at in range(0, len(letters), GROUP)]
    return "-".join(groups)


def plain_code(typed: str) -> str:
    """Return a typed code in its canonical form: no dashes or spaces, upper case, O read as 0.

    Wide letters, as an East Asian keyboard types them, are read as the narrow ones.
    """
    return "".join(typed_form(typed).upper().translate(MISREAD).replace("-", "").split())


def new_secret() -> str:
    """Return a random secret of 256 bits, safe in URLs and headers."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Return the hash of a secret. No salt is needed: 128 random bits cannot be guessed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
