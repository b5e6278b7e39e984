"""What a run had made whenever a stage ended: `history.jsonl`, a line for each change.

A line holds the head of the store's ledger and the names of what lay in the folder. Compared with
what is there later, it shows what was deleted, emptied or exchanged meanwhile.
"""

import json
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from pydantic import BaseModel, ValidationError

from prefloop.errors import InputError
from prefloop.figures.metrics_line import checked_lines
from prefloop.figures.record import RECORD
from prefloop.files import append_json_line, numbered_json_lines, read_json_lines

HISTORY = "history.jsonl"
METRICS_FILE = "metrics.jsonl"

MADE = (
    "checkpoints/policy",
    "rewards/round-*",
    "policy/round-*",
    "evaluation/**/*.json",
)
"""What a run makes and deletes by itself in a roll back only. Weights that it prunes are not."""

RESTORED = "restored"
"""In place of a stage: a backup was put in the store's place."""


class StageRecord(BaseModel):
    """What a run had made at the end of a stage."""

    model_config = RECORD

    stage: str
    """The stage that ended, or `restored`: a backup was put in the place of the store."""
    round: int
    update: int
    """Updates of the policy that were made."""
    events: int
    """Events in the store's ledger."""
    head: str
    """Hash of the last of them: `prefloop store verify --head` takes it."""
    made: tuple[str, ...]
    """Model folders, evaluations and checkpoints that lay in the run folder."""
    rewards_lines: dict[str, int]
    """By round whose reward model lay there: its lines in `metrics.jsonl`."""


def read_history(folder: Path) -> list[StageRecord]:
    """Return the records, oldest first; InputError if the file is damaged."""
    path = folder / HISTORY
    found = []
    for number, line in enumerate(read_json_lines(path), start=1):
        try:
            found.append(StageRecord.model_validate_json(json.dumps(line)))
        except ValidationError as error:
            raise InputError(
                f"{path}, line {number} is no record of a stage ({error.error_count()} problems). "
                "prefloop writes this file: put back a backup of it, or delete it; then nothing "
                "tells whether parts of the run are lost."
            ) from error
    return found


def last_record(folder: Path) -> StageRecord | None:
    """Return the newest record; None if there is none, as in runs of version 0.1."""
    records = read_history(folder)
    return records[-1] if records else None


def record_stage(
    folder: Path, *, stage: str, round_number: int, update: int, events: int, head: str
) -> None:
    """Append a record of what there is now, unless nothing has changed since the last one."""
    record = StageRecord(
        stage=stage,
        round=round_number,
        update=update,
        events=events,
        head=head,
        made=made_in(folder),
        rewards_lines={
            # One that is to be trained again writes other lines: an exclusion leaves fewer labels.
            number: n_lines
            for number, n_lines in rewards_lines(folder).items()
            if (folder / "rewards" / f"round-{number}").exists()
        },
    )
    place = {"stage": stage, "round": round_number}
    before = last_record(folder)
    if before is None or before.model_copy(update=place) != record:
        append_json_line(folder / HISTORY, record.model_dump(mode="json"))


def note_deletion(folder: Path, names: Collection[str]) -> None:
    """Append the newest record without what the run is about to delete itself: that is no loss."""
    record = last_record(folder)
    if record is None or not set(names) & set(record.made):
        return
    made = tuple(name for name in record.made if name not in names)
    append_json_line(
        folder / HISTORY, record.model_copy(update={"made": made}).model_dump(mode="json")
    )


def made_in(folder: Path) -> tuple[str, ...]:
    """Return what lies in the run folder of all that `MADE` names."""
    paths = (path for pattern in MADE for path in sorted(folder.glob(pattern)))
    return tuple(path.relative_to(folder).as_posix() for path in paths)


def has_made_files(folder: Path) -> bool:
    """Whether the folder holds what a run makes from the rows of its store."""
    metrics = folder / METRICS_FILE
    is_measured = metrics.is_file() and metrics.stat().st_size > 0
    return is_measured or bool(made_in(folder))


def has_made_anything(folder: Path) -> bool:
    """Whether the run made files, or rows in its store: prompts alone are some."""
    return has_made_files(folder) or any(record.events for record in read_history(folder))


def rewards_lines(folder: Path) -> dict[str, int]:
    """Return the lines of each round's reward model in the metrics, by round."""
    path = folder / METRICS_FILE
    lines = checked_lines(numbered_json_lines(path), path)
    return dict(Counter(str(line["round"]) for line in lines if line["stage"] == "rewards"))
