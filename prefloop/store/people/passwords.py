"""Passwords: hashed with argon2id; a check takes the same time whether or not there is one.

A password is hashed in its typed form, which is the same on every keyboard. Hashes from before that
are of the characters as they came, so those are tried as well.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from prefloop.errors import StoreError
from prefloop.text.decoding import text_fault
from prefloop.text.normal_form import typed_form

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 8, 128

MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1
"""19 MiB and two passes: the minimum of OWASP's password storage cheat sheet."""

DECOY = (
    "$argon2id$v=19$m=19456,t=2,p=1$YmFRoCOkDTZLWfAzV90T4g"
    "$inXyRA6AaICDtRLYM92zFJney7yyGvOy4pzx/0rbw98"
)
"""The hash of an unknown password, to which a guess for an unknown name is compared."""


def hash_password(password: str) -> str:
    """Return the hash of a new password; one that is too short or too long is refused."""
    if (fault := text_fault(password)) is not None:
        raise StoreError(f"The password {fault}.")
    password = typed_form(password)
    if not SHORTEST <= len(password) <= LONGEST:
        raise StoreError(
            f"A password has {SHORTEST} to {LONGEST} characters; this one has {len(password)}. "
            "Choose another: a few unrelated words are easy to remember."
        )
    return hasher().hash(password)


def is_password(password_hash: str | None, password: str) -> bool:
    """Whether a password matches a hash; without a hash it is False after the same time."""
    if text_fault(password) is not None:
        return False
    forms = dict.fromkeys([typed_form(password)[: LONGEST + 1], password[: LONGEST + 1]])
    # All are tried, whichever is right: the time tells nothing.
    tries = [_is_hash_of(password_hash or DECOY, form) for form in forms]
    return any(tries) and password_hash is not None


def hasher() -> "PasswordHasher":
    """Return what hashes and checks passwords; StoreError where it is not installed.

    Only the pages ask for passwords: a store without them needs no such package.
    """
    try:
        argon2 = import_module("argon2")
    except ModuleNotFoundError as error:
        raise StoreError(
            "Passwords are for the labeling page and the dashboard, which are not installed. "
            "pip install 'prefloop[web]', then try again."
        ) from error
    made: PasswordHasher = argon2.PasswordHasher(
        time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES
    )
    return made


def _is_hash_of(password_hash: str, password: str) -> bool:
    found, wrong = hasher(), import_module("argon2.exceptions")
    try:
        return found.verify(password_hash, password)
    except (wrong.VerificationError, wrong.InvalidHashError):
        return False
