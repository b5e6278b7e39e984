"""Everything a user can cause, as one small tree. All else is our bug and keeps its traceback.

    PrefloopError
    ├── SettingsError      a run file or an override says something impossible
    ├── InputError         a prompt file, a label file, a model folder is not what it should be
    ├── StoreError         the labels' database cannot be used as it is
    │   ├── StoreAwayError it cannot be reached at the moment
    │   └── ConflictError  somebody else decided meanwhile
    ├── CheckpointError    no complete checkpoint can be read
    ├── DiskError          the disk is full or read-only
    ├── OutOfMemoryError   a model or a batch does not fit into memory
    ├── ProcessesError     processes of a run do not find each other, or one has died
    └── DivergedError      training left the road: NaN, or KL beyond its cap

Every message names the thing in the user's words, the value found, and the next action.
The command line prints it without a traceback and leaves with exit code 2.
"""

from collections.abc import Sequence


class PrefloopError(Exception):
    """A problem that the user can mend."""


class SettingsError(PrefloopError):
    """A setting is unknown, of the wrong type, or contradicts another."""


class InputError(PrefloopError):
    """A file, model or record that was handed in is not usable."""


class StoreError(PrefloopError):
    """The store refuses: newer schema, broken hash chain, unknown id."""


class StoreAwayError(StoreError):
    """The store cannot be reached at the moment; what is asked again later may work."""


class ConflictError(StoreError):
    """Somebody else decided on the same thing meanwhile; the message says what."""


class CheckpointError(PrefloopError):
    """No complete checkpoint was found where one is needed."""


class DiskError(PrefloopError):
    """The operating system refused to write."""


class OutOfMemoryError(PrefloopError):
    """The memory of the machine or of its accelerator ran out; the message says what to lower."""


class ProcessesError(PrefloopError):
    """Several processes do not find each other, do not fit the run, or one of them has ended."""


class DivergedError(PrefloopError):
    """A number became NaN or left its allowed range; training stopped at once."""


def listing(subject: str, problems: Sequence[str]) -> str:
    """Tell all problems at once, one per line, under a heading that counts them."""
    noun = "problem" if len(problems) == 1 else "problems"
    return "\n".join([f"{subject} has {len(problems)} {noun}:", *(f"  - {p}" for p in problems)])
