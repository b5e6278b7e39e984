"""What an artifact was made with (`provenance.json`): settings, versions, labels and parents.

The record is written with the artifact, and describes nothing else. Whoever says how something was
made reads this record, not the settings of today.
"""

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import BaseModel

from prefloop.figures.record import RECORD

PROVENANCE = "provenance.json"
"""The file's name, inside the folder that it describes."""

PACKAGES = (
    *("prefloop", "torch", "transformers", "peft", "numpy", "scipy"),
    *("scikit-learn", "vaderSentiment"),
)
"""Those on which results depend."""


class LabelersRecord(BaseModel):
    """The labelers of one kind."""

    model_config = RECORD

    kind: str
    """`person`, `synthetic`, `program` or `imported`."""
    labelers: int
    labels: int
    """Labels by them."""


class LabelsRecord(BaseModel):
    """The labels that an artifact rests on, as they were then."""

    model_config = RECORD

    train: int
    """Labels that trained."""
    validation: int
    """Labels that only measured."""
    labelers: tuple[LabelersRecord, ...]
    """Who gave them, kind by kind."""
    samples_shown: dict[str, int]
    """How many samples a question showed, each with the number of training labels."""
    ledger_events: int
    """The last event of the ledger that counted."""
    ledger_hash: str
    """Its hash, which covers all events before it: `prefloop store verify --head` takes it."""
    sources: tuple[str, ...] = ()
    """Of a reward model: the scorers, language models and programs that its labels rest on."""


class ParentRecord(BaseModel):
    """Something that the artifact was made from."""

    model_config = RECORD

    name: str
    """Such as `rewards/round-0`, `policy/update-12`, or a scorer of the run file."""
    sha256: str
    """The hash of its file, or of its manifest, which holds those of its files; empty where it has
    neither."""


class EarlierSettings(BaseModel):
    """Settings that were changed while a policy was trained."""

    model_config = RECORD

    until_update: int
    """The last update that is known to be made with them."""
    settings: dict[str, Any]
    """Those that were changed then, by dotted key, with what they were."""


class Provenance(BaseModel):
    """How one artifact was made."""

    model_config = RECORD

    artifact: str
    """Its name in the run, such as `policy/round-0`."""
    settings: dict[str, Any]
    """Every setting of the run when it was made."""
    versions: dict[str, str]
    """Python and the packages in use."""
    labels: LabelsRecord | None
    """Null where no label had a part in it."""
    parents: tuple[ParentRecord, ...]
    updates: int | None = None
    """Of a policy: the updates that were made."""
    episodes: int | None = None
    """Of a policy: the responses that it learned from."""
    earlier: tuple[EarlierSettings, ...] = ()
    """Of a policy: what was set otherwise for its earlier updates, the oldest first."""
    shares_queries: bool | None = None
    """Of a reward model, and of a policy whose method has several responses to a prompt: whether
    those to one query share a row in its training where that is worth it, which rounds otherwise;
    null where that was not kept."""


def installed_versions() -> dict[str, str]:
    """Return the versions of this installation."""
    return dict(_installed())


@cache
def _installed() -> dict[str, str]:
    """Return the same: to read what pip wrote of every package takes a tenth of a second."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
