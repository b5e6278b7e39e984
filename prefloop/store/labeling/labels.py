"""Labels: events of the ledger, and the table that is their fold.

    label            the answer is live, and ends its labeler's earlier answer to its comparison
    label_withdrawn  the answer is no longer live

Only `fold` writes the table, so `rebuild` restores it exactly.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import StoreError
from prefloop.label_types.types import type_of
from prefloop.records import Event, Label
from prefloop.store.core.insertion import chunks, new_rows, refuse, rows_where
from prefloop.store.core.ledger import append, pages
from prefloop.store.core.rows import (
    RowDict,
    label_payload,
    label_record,
    label_row,
    label_row_from_payload,
)
from prefloop.store.core.tables import comparisons, labels
from prefloop.store.core.team_tables import adjudications
from prefloop.store.labeling.adjudications import adjudicated_at, labels_of_owners
from prefloop.store.labeling.exclusions import excluded_at
from prefloop.store.labeling.independence import HELD_OUT
from prefloop.store.labeling.questions import comparisons_by_id
from prefloop.store.labeling.recount import recount

LABEL = "label"
WITHDRAWN = "label_withdrawn"
KINDS = (LABEL, WITHDRAWN)


def insert_labels(connection: Connection, records: Sequence[Label]) -> int:
    """Append the new labels to the ledger and the table; return how many there were."""
    known = comparisons_by_id(connection, [record.comparison_id for record in records])
    problems = []
    for record in records:
        comparison = known.get(record.comparison_id)
        if comparison is None:
            problems.append(
                f"label {record.id} answers the unknown comparison {record.comparison_id}; "
                "add that first"
            )
        else:
            problems.extend(type_of(comparison).problems(record, comparison.sample_ids))
    refuse("What was to be stored as labels", problems)
    stored = {
        r["id"]: dict(r) for r in rows_where(connection, labels, "id", [r.id for r in records])
    }
    fresh = {row["id"] for row in new_rows("label", [label_row(r) for r in records], stored)}
    new = {record.id: record for record in records if record.id in fresh}
    contents = [label_payload(record) for record in new.values()]
    written = append(connection, [(LABEL, content) for content in contents])
    fold(connection, list(zip(written, contents, strict=True)))
    return len(new)


def withdraw(connection: Connection, label_id: str, reason: str) -> Event | None:
    """Withdraw a label by a new event; None if it is no longer live."""
    row = next(iter(rows_where(connection, labels, "id", [label_id])), None)
    if row is None:
        raise StoreError(f"There is no label {label_id} to withdraw.")
    if row["ended_by"] is not None:
        return None
    content = {"label_id": label_id, "reason": reason}
    event = append(connection, [(WITHDRAWN, content)])[0]
    fold(connection, [(event, content)])
    return event


def select_labels(
    connection: Connection,
    *,
    round: int | None,
    split: str | None,
    as_of: int | None = None,
    for_training: bool = False,
) -> list[Label]:
    """Return the labels that are live (or were at an event) in the order in which they came.

    Answers that are verdicts are no labels, whatever is asked for.
    """
    query = sa.select(labels).where(*_live_at(as_of)).order_by(labels.c.sequence)
    query = query.join(comparisons, comparisons.c.id == labels.c.comparison_id)
    query = query.where(comparisons.c.split != HELD_OUT)
    if round is not None:
        query = query.where(comparisons.c.round == round)
    if split is not None:
        query = query.where(comparisons.c.split == split)
    if not for_training:
        return [label_record(row) for row in connection.execute(query).mappings()]
    decided = sa.select(adjudications.c.comparison_id).where(*adjudicated_at(as_of))
    query = query.where(
        labels.c.labeler.not_in(excluded_at(as_of)), labels.c.comparison_id.not_in(decided)
    )
    found = [(row["sequence"], label_record(row)) for row in connection.execute(query).mappings()]
    found += labels_of_owners(connection, round=round, split=split, as_of=as_of)
    return [label for _, label in sorted(found, key=itemgetter(0))]


def _live_at(sequence: int | None) -> list[sa.ColumnElement[bool]]:
    if sequence is None:
        return [labels.c.ended_by.is_(None)]
    is_not_ended = sa.or_(labels.c.ended_by.is_(None), labels.c.ended_by > sequence)
    return [labels.c.sequence <= sequence, is_not_ended]


def rebuild(connection: Connection) -> int:
    """Delete all rows and rebuild them from the ledger; return how many there are."""
    connection.execute(sa.delete(labels))
    for page in pages(connection):
        _apply(connection, [(e, json.loads(e.payload)) for e in page if e.kind in KINDS])
    return connection.execute(sa.select(sa.func.count()).select_from(labels)).scalar_one()


def fold(
    connection: Connection,
    contents: Sequence[tuple[Event, Mapping[str, Any]]],
    live: dict[tuple[str, str], str] | None = None,
) -> None:
    """Apply events of labels, in order, and recount the comparisons that they touch.

    `live`, if the caller knows them, are the labels that the new ones may replace.
    """
    recount(connection, _apply(connection, contents, live))


def _apply(
    connection: Connection,
    contents: Sequence[tuple[Event, Mapping[str, Any]]],
    live: dict[tuple[str, str], str] | None = None,
) -> list[str]:
    """Apply events, in order, to the table; return the comparisons that they touch."""
    touched = [c["comparison_id"] for e, c in contents if e.kind == LABEL]
    live = _live(connection, touched) if live is None else dict(live)
    answer_keys = {name: key for key, name in live.items()}
    inserted: dict[str, RowDict] = {}
    ended: dict[str, int] = {}
    for event, content in contents:
        if event.kind == LABEL:
            row = label_row_from_payload(content)
            key = (row["comparison_id"], row["labeler"])
            if key in live:
                ended[live[key]] = event.sequence
            live[key] = row["id"]
            answer_keys[row["id"]] = key
            inserted[row["id"]] = row | {"sequence": event.sequence}
        else:
            ended[content["label_id"]] = event.sequence
            live.pop(answer_keys.get(content["label_id"], ("", "")), None)
    _write(connection, inserted, ended)
    withdrawn = [c["label_id"] for e, c in contents if e.kind == WITHDRAWN]
    found = rows_where(connection, labels, "id", withdrawn)
    return touched + [row["comparison_id"] for row in found]


def _live(connection: Connection, comparison_ids: Iterable[str]) -> dict[tuple[str, str], str]:
    """The id of the live label of each (comparison, labeler)."""
    found: dict[tuple[str, str], str] = {}
    columns = (labels.c.comparison_id, labels.c.labeler, labels.c.id)
    for chunk in chunks(comparison_ids):
        query = sa.select(*columns).where(labels.c.comparison_id.in_(chunk))
        for row in connection.execute(query.where(labels.c.ended_by.is_(None))):
            found[row.comparison_id, row.labeler] = row.id
    return found


def _write(connection: Connection, inserted: dict[str, RowDict], ended: dict[str, int]) -> None:
    rows = [row | {"ended_by": ended.get(name)} for name, row in inserted.items()]
    updates: list[dict[str, Any]] = [
        {"name": name, "by": sequence} for name, sequence in ended.items() if name not in inserted
    ]
    # Ends before inserts: at most one label of a labeler may be live at any moment.
    if updates:
        query = sa.update(labels).where(labels.c.id == sa.bindparam("name"))
        connection.execute(query.values(ended_by=sa.bindparam("by")), updates)
    if rows:
        connection.execute(sa.insert(labels), rows)
