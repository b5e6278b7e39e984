"""Gold: comparisons with a known answer, and the answers of labelers to them.

gold_added  the comparison is gold from this event on
gold_ended  it no longer is
"""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import StoreError
from prefloop.store.core import ledger
from prefloop.store.core.database import Database
from prefloop.store.core.rows import RowMapping
from prefloop.store.core.team_rows import gold_record, gold_row, quality_check_record
from prefloop.store.core.team_tables import gold, quality_checks
from prefloop.store.labeling.questions import comparisons_by_id
from prefloop.teamwork import Gold, QualityCheck

ADDED = "gold_added"
ENDED = "gold_ended"


class GoldPool:
    """The comparisons whose best sample is known beyond doubt."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, record: Gold) -> None:
        """Add a comparison to the pool; adding the same one again changes nothing."""
        with self._database.writing() as connection:
            stored = _in_use(connection, record.comparison_id)
            if stored is not None:
                _require_same(gold_record(stored), record)
                return
            _validate(connection, record)
            event = ledger.append(connection, [(ADDED, gold_row(record))])[0]
            row = gold_row(record) | {"sequence": event.sequence}
            connection.execute(sa.insert(gold).values(row))

    def end(self, comparison_id: str) -> None:
        """Remove a comparison from the pool; the answers to it stay."""
        with self._database.writing() as connection:
            stored = _in_use(connection, comparison_id)
            if stored is None:
                raise StoreError(
                    f"Comparison {comparison_id} is not gold. Look at the list of known answers."
                )
            event = ledger.append(connection, [(ENDED, {"comparison_id": comparison_id})])[0]
            query = sa.update(gold).where(gold.c.sequence == stored["sequence"])
            connection.execute(query.values(ended_by=event.sequence))

    def all(self) -> list[Gold]:
        """Return the comparisons in use, in the order in which they were added."""
        query = sa.select(gold).where(gold.c.ended_by.is_(None)).order_by(gold.c.sequence)
        with self._database.reading() as connection:
            return [gold_record(row) for row in connection.execute(query).mappings()]

    def quality_checks(self, labeler: str | None = None) -> list[QualityCheck]:
        """Return the live quality checks of a labeler, or of all, in the order they came."""
        query = (
            sa.select(quality_checks)
            .where(quality_checks.c.ended_by.is_(None))
            .order_by(quality_checks.c.sequence)
        )
        if labeler is not None:
            query = query.where(quality_checks.c.labeler == labeler)
        with self._database.reading() as connection:
            return [quality_check_record(row) for row in connection.execute(query).mappings()]


def _in_use(connection: Connection, comparison_id: str) -> RowMapping | None:
    query = sa.select(gold).where(gold.c.comparison_id == comparison_id, gold.c.ended_by.is_(None))
    return connection.execute(query).mappings().first()


def _require_same(stored: Gold, record: Gold) -> None:
    """Raise a StoreError if the comparison is gold with other content, whoever added it."""
    if gold_row(stored) | {"created_by": ""} != gold_row(record) | {"created_by": ""}:
        raise StoreError(
            f"Comparison {record.comparison_id} is gold already, with the answer {stored.chosen} "
            "or another explanation. End that first, then add it again."
        )


def _validate(connection: Connection, record: Gold) -> None:
    comparison = comparisons_by_id(connection, [record.comparison_id]).get(record.comparison_id)
    if comparison is None:
        raise StoreError(f"There is no comparison {record.comparison_id} to make gold of.")
    if record.chosen not in comparison.sample_ids:
        raise StoreError(
            f"Comparison {record.comparison_id} has no sample {record.chosen}; "
            f"it has {', '.join(comparison.sample_ids)}."
        )
    if record.is_training and not record.explanation.strip():
        raise StoreError("A training question needs an explanation: newcomers learn from it.")
