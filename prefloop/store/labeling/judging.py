"""Questions whose answers are verdicts: asked and kept like others, and apart from all labels.

Their comparisons have the split `held_out`, and their batches negative numbers, counted down from
-1: a round has at most one batch of questions for labels, but may have several for verdicts.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import StoreError
from prefloop.records import Comparison
from prefloop.store.core.database import Database
from prefloop.store.core.insertion import chunks
from prefloop.store.core.rows import label_record
from prefloop.store.core.tables import labels
from prefloop.store.core.team_tables import batches, people, queue
from prefloop.store.labeling.batches import open_batch
from prefloop.store.labeling.exclusions import excluded_at
from prefloop.store.labeling.independence import HELD_OUT, IS_INDEPENDENT
from prefloop.store.labeling.questions import comparisons_by_id
from prefloop.teamwork import VerdictAnswer


class JudgingQueue:
    """The batches of questions whose answers are verdicts, and those answers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, questions: Sequence[tuple[str, int]]) -> int:
        """Queue (comparison id, number of people) pairs; return the number of their batch.

        Repeating a call changes nothing, and once the batch is frozen it stays as it is.
        """
        with self._database.writing() as connection:
            names = [name for name, _ in questions]
            _require_held_out(connection, names)
            number = _batch_of(connection, names)
            if number is None:
                lowest = connection.execute(sa.select(sa.func.min(batches.c.round))).scalar()
                number = min(lowest or 0, 0) - 1
            if not _is_frozen(connection, number):
                open_batch(connection, number, questions)
            return number

    def find(self, comparison_ids: Sequence[str]) -> int | None:
        """Return the number of the batch that asks any of these comparisons; None if none does."""
        with self._database.reading() as connection:
            return _batch_of(connection, comparison_ids)

    def questions(self, number: int) -> list[Comparison]:
        """Return the comparisons of a batch, ordered by their ids."""
        query = sa.select(queue.c.comparison_id).where(queue.c.round == number)
        with self._database.reading() as connection:
            names = connection.execute(query.order_by(queue.c.comparison_id)).scalars().all()
            return list(comparisons_by_id(connection, names).values())

    def answers(self, number: int, *, as_of: int | None = None) -> list[VerdictAnswer]:
        """Return all answers to a batch in the order they came, withdrawn ones included.

        Without those of excluded labelers. With `as_of`, as it was at that event of the ledger.
        """
        query = sa.select(labels).join(queue, queue.c.comparison_id == labels.c.comparison_id)
        query = query.where(queue.c.round == number, labels.c.labeler.not_in(excluded_at(as_of)))
        if as_of is not None:
            query = query.where(labels.c.sequence <= as_of)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(labels.c.sequence)).mappings().all()
        return [
            VerdictAnswer(
                sequence=row["sequence"],
                ended_by=row["ended_by"]
                if as_of is None or (row["ended_by"] or 0) <= as_of
                else None,
                label=label_record(row),
            )
            for row in rows
        ]

    def independent_people(self) -> list[str]:
        """Return the labelers with an account who gave no label for training, by name."""
        query = sa.select(people.c.name).where(IS_INDEPENDENT).order_by(people.c.name)
        with self._database.reading() as connection:
            return list(connection.execute(query).scalars())


def _batch_of(connection: Connection, names: Sequence[str]) -> int | None:
    """Return the batch that asks any of these comparisons."""
    for chunk in chunks(names):
        query = sa.select(queue.c.round).where(queue.c.comparison_id.in_(chunk)).limit(1)
        number = connection.execute(query).scalar()
        if number is not None:
            return int(number)
    return None


def _is_frozen(connection: Connection, number: int) -> bool:
    query = sa.select(batches.c.frozen_at).where(batches.c.round == number)
    return connection.execute(query).scalar() is not None


def _require_held_out(connection: Connection, names: Sequence[str]) -> None:
    found = comparisons_by_id(connection, names)
    others = [name for name in names if name in found and found[name].split != HELD_OUT]
    if others:
        raise StoreError(
            f"Comparison {others[0]} is no question for verdicts: its answers are labels, and its "
            f"split is {found[others[0]].split}. Ask about samples of held-out prompts."
        )
