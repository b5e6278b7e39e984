"""Secrets that open the page: codes that a person can type, and keys that programs keep.

Each comes from the operating system's own randomness, and the database holds only its hash: who
reads the database, or a backup of it, can enter nowhere.
"""

import hashlib
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U."""

MISREAD = str.maketrans("OIL", "011")

N_GROUPS, GROUP = 7, 4
"""28 characters of 5 bits are 140 bits."""


def new_code() -> str:
    """Return a code that nobody can guess, in groups a person can type: 7KQM-2ZPD-..."""
    letters = [secrets.choice(ALPHABET) for _ in range(N_GROUPS * GROUP)]
    groups = ["".join(letters[at : at + GROUP]) for at in range(0, len(letters), GROUP)]
    return "-".join(groups)


def plain_code(typed: str) -> str:
    """Return a code as it was meant: without dashes, spaces, case, or an O for a zero."""
    return "".join(typed.upper().translate(MISREAD).replace("-", "").split())


def new_secret() -> str:
    """Return a key of 256 bits, in letters that need no escaping anywhere."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Return what is stored of a secret. No salt: there is no guessing 128 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
