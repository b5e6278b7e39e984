"""Labels that came from files, and what they rest on.

labels_imported    labels that one file brought, and their sources: who judged

A label of which no such event speaks was given to this run by its own labelers.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.records import Label
from prefloop.store.core import ledger
from prefloop.store.core.database import Database
from prefloop.store.core.insertion import rows_where
from prefloop.store.core.tables import events, labels
from prefloop.store.labeling.labels import insert_labels

IMPORTED = "labels_imported"

LabelSources = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LabelFile:
    """A file that brings labels."""

    name: str
    format: str
    sources: Mapping[str, LabelSources]
    """What each label rests on, by its id; see `registry.overlapping_sources`."""
    is_own: Callable[[str], bool]
    """Whether a labeler of this name can have labeled in this run."""


class LabelImports:
    """What imported labels rest on. A file that is imported again may correct it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sources(self) -> dict[str, LabelSources]:
        """Return what each imported label rests on, by its id."""
        with self._database.reading() as connection:
            return _sources(connection)


def insert_imported(connection: Connection, records: Sequence[Label], file: LabelFile) -> int:
    """Store the labels of a file and what they rest on; return how many were new.

    Labels that the run's own labelers gave stay theirs, though the file holds them too. Version 0.1
    wrote no event about the files that it imported: its labels are known by who gave them.
    """
    ids = [record.id for record in records]
    stored = {row["id"] for row in rows_where(connection, labels, "id", ids)}
    n_new = insert_labels(connection, records)
    known = _sources(connection)
    own = {record.id for record in records if file.is_own(record.labeler)}
    mine = (stored - known.keys()) & own
    changed = [i for i in ids if i not in mine and known.get(i) != tuple(file.sources[i])]
    ledger.append(connection, [(IMPORTED, content) for content in _contents(changed, file)])
    return n_new


def _contents(ids: Iterable[str], file: LabelFile) -> list[dict[str, object]]:
    """Return one event for all labels with the same sources."""
    together: dict[LabelSources, list[str]] = {}
    for label_id in ids:
        together.setdefault(tuple(file.sources[label_id]), []).append(label_id)
    return [
        {"file": file.name, "format": file.format, "sources": list(sources), "labels": alike}
        for sources, alike in together.items()
    ]


def _sources(connection: Connection) -> dict[str, LabelSources]:
    query = sa.select(events.c.payload).where(events.c.kind == IMPORTED)
    found: dict[str, LabelSources] = {}
    for payload in connection.execute(query.order_by(events.c.sequence)).scalars():
        content = json.loads(payload)
        found.update(dict.fromkeys(content["labels"], tuple(content["sources"])))
    return found
