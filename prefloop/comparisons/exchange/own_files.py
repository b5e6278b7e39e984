"""Which label files prefloop wrote itself: those it may write again, and no others.

Beside a file that it writes lies a record of it with the hash of its content. A file that somebody
wrote or changed since has another hash, or no record.
"""

from pathlib import Path

from pydantic import BaseModel, ValidationError

from prefloop import __version__
from prefloop.figures.provenance import PROVENANCE
from prefloop.figures.record import RECORD, to_json
from prefloop.files import sha256, write_atomically
from prefloop.records import LedgerHead


class ExportRecord(BaseModel):
    """What a label file was written from."""

    model_config = RECORD

    artifact: str
    """The file's name."""
    sha256: str
    """The hash of what was written."""
    format: str
    prefloop: str
    """The version that wrote it."""
    ledger_events: int
    """Events in the store's ledger when it was written."""
    ledger_hash: str
    """The hash of the last of them: `prefloop store verify --head` takes it."""


def record_path(file: Path) -> Path:
    """Return where the record of a label file lies.

    >>> record_path(Path("here/labels.jsonl")).name
    'labels.jsonl.provenance.json'
    """
    return file.with_name(f"{file.name}.{PROVENANCE}")


def write_record(file: Path, *, format: str, head: LedgerHead) -> None:
    """Write beside a label file what it was written from."""
    record = ExportRecord(
        artifact=file.name,
        sha256=sha256(file),
        format=format,
        prefloop=__version__,
        ledger_events=head.n_events,
        ledger_hash=head.hash,
    )
    write_atomically(record_path(file), to_json(record))


def is_own(file: Path) -> bool:
    """Whether a label file is as prefloop wrote it."""
    try:
        text = record_path(file).read_text(encoding="utf-8")
        return ExportRecord.model_validate_json(text).sha256 == sha256(file)
    except (OSError, ValidationError, UnicodeDecodeError):
        return False
