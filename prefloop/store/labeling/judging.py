"""Questions whose answers are verdicts: asked and kept like others, and apart from all labels.

Their comparisons have the split `held_out`, and their batches negative numbers, counted down from
-1: a round has at most one batch of questions for labels, but may have several for verdicts. How
often a result is looked at, and after how many answers, is an event of the ledger.
"""

import json
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import StoreError
from prefloop.records import Comparison
from prefloop.store.core.database import Database
from prefloop.store.core.insertion import chunks
from prefloop.store.core.ledger import append, of_kind
from prefloop.store.core.rows import label_record
from prefloop.store.core.tables import labels
from prefloop.store.core.team_tables import batches, people, queue
from prefloop.store.labeling.batches import open_batch
from prefloop.store.labeling.exclusions import excluded_at
from prefloop.store.labeling.independence import HELD_OUT, IS_INDEPENDENT
from prefloop.store.labeling.questions import comparisons_by_id
from prefloop.teamwork import LIVE, JudgingTerms, VerdictAnswer

OPENED = "judging_opened"
"""The event that keeps what a batch was opened with."""


class JudgingQueue:
    """The batches of questions whose answers are verdicts, and those answers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, comparison_ids: Sequence[str], *, answers: int, looks: int) -> int:
        """Queue comparisons, each for so many people; return the number of their batch.

        A batch that asks any of them already stays as it was opened: see `terms`.
        """
        with self._database.writing() as connection:
            require_held_out(connection, comparison_ids)
            number = _batch_of(connection, comparison_ids)
            if number is None:
                lowest = connection.execute(
                    sa.select(sa.func.min(batches.c.round)).where(batches.c.round != LIVE)
                ).scalar()
                number = min(lowest or 0, 0) - 1
                open_batch(connection, number, [(name, answers) for name in comparison_ids])
                opened = {
                    "batch": number,
                    "questions": len(set(comparison_ids)),
                    "answers": answers,
                    "looks": looks,
                }
                append(connection, [(OPENED, opened)])
            return number

    def terms(self, number: int) -> JudgingTerms:
        """Return what a batch was opened with; StoreError if nothing says so."""
        with self._database.reading() as connection:
            for event in of_kind(connection, OPENED):
                opened = json.loads(event.payload)
                if opened.pop("batch") == number:
                    return JudgingTerms(**opened)
        raise StoreError(
            f"The ledger does not say how the judging {number} was opened: it was begun with an "
            "unreleased version of prefloop. Judge another model, or begin a new run."
        )

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


def require_held_out(connection: Connection, names: Sequence[str]) -> None:
    """Refuse comparisons whose answers would be labels."""
    found = comparisons_by_id(connection, names)
    others = [name for name in names if name in found and found[name].split != HELD_OUT]
    if others:
        raise StoreError(
            f"Comparison {others[0]} is no question for verdicts: its answers are labels, and its "
            f"split is {found[others[0]].split}. Ask about samples of held-out prompts."
        )
