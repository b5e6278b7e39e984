"""Live questions: asked while the policy trains, answered on the labeling page, never trained on.

All are in one batch of their own (LIVE). Which sample is the policy's, and which update gave it, is
an event of the ledger: no table that the labeling page reads says so.
"""

import json
from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.store.core.database import Database
from prefloop.store.core.insertion import chunks
from prefloop.store.core.ledger import append, of_kind
from prefloop.store.core.team_tables import queue
from prefloop.store.labeling.batches import open_batch
from prefloop.store.labeling.judging import require_held_out
from prefloop.teamwork import LIVE, LiveQuestion

ASKED = "live_questions_asked"
"""The event that keeps what is asked, of which policy."""


class LiveQuestions:
    """The batch of live questions; their answers are `store.judging.answers(LIVE)`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, policy_samples: Mapping[str, str], *, model: str, update: int) -> None:
        """Queue comparisons, each with the id of its sample by the policy; asked twice, once."""
        with self._database.writing() as connection:
            require_held_out(connection, list(policy_samples))
            known = _asked_before(connection, policy_samples)
            new = {name: ours for name, ours in policy_samples.items() if name not in known}
            open_batch(connection, LIVE, [(name, 1) for name in new])
            if new:
                content = {"model": model, "update": update, "policy_samples": new}
                append(connection, [(ASKED, content)])

    def questions(self) -> list[LiveQuestion]:
        """Return all that was ever asked, in the order in which it was."""
        with self._database.reading() as connection:
            events = of_kind(connection, ASKED)
        found = []
        for event in events:
            asked = json.loads(event.payload)
            found += [
                LiveQuestion(
                    comparison_id=name,
                    policy_sample=ours,
                    model=asked["model"],
                    update=asked["update"],
                    sequence=event.sequence,
                )
                for name, ours in asked["policy_samples"].items()
            ]
        return found

    def open(self) -> set[str]:
        """Return the comparisons that wait for an answer."""
        query = sa.select(queue.c.comparison_id).where(queue.c.round == LIVE, queue.c.is_open)
        with self._database.reading() as connection:
            return set(connection.execute(query).scalars())

    def close(self, comparison_ids: Iterable[str]) -> None:
        """Ask these no more, as far as nobody answered; an answer on its way still counts."""
        with self._database.writing() as connection:
            for chunk in chunks(comparison_ids):
                changed = sa.update(queue).where(
                    queue.c.comparison_id.in_(chunk), queue.c.round == LIVE, queue.c.is_open
                )
                connection.execute(changed.values(wanted=0, is_open=False))


def _asked_before(connection: Connection, comparison_ids: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for chunk in chunks(comparison_ids):
        query = sa.select(queue.c.comparison_id).where(queue.c.comparison_id.in_(chunk))
        found.update(connection.execute(query).scalars())
    return found
