"""The queue of comparisons for people, and the leases on them.

`claims.py` chooses what is handed out; `recount.py` keeps the counts.
"""

import random
from collections.abc import Iterable, Sequence

from prefloop.errors import ConflictError
from prefloop.store.core.database import Database
from prefloop.store.labeling import batches, leases
from prefloop.store.labeling.assignments import find_assignment
from prefloop.store.labeling.claim_intake import ClaimIntake
from prefloop.store.labeling.claims import Claim
from prefloop.teamwork import Assignment, Batch, ClaimPolicy

FROZEN = batches.FROZEN


class Queue:
    """The batches of comparisons, and the leases on them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.claims = ClaimIntake(database)

    # batches

    def open_batch(self, round: int, questions: Sequence[tuple[str, int]]) -> None:
        """Queue (comparison id, overlap) pairs. Repeating a call changes nothing.

        More may be added while the batch is open; a frozen batch is refused.
        """
        with self._database.writing() as connection:
            batches.open_batch(connection, round, questions)

    def ask_only(self, round: int, comparison_ids: Sequence[str]) -> None:
        """Close all comparisons of a round except these; stored answers stay."""
        with self._database.writing() as connection:
            batches.ask_only(connection, round, comparison_ids)

    def is_exhausted(self, round: int) -> bool:
        """Whether no labeler has a comparison of this round left to answer."""
        with self._database.reading() as connection:
            return batches.is_exhausted(connection, round)

    def waited_for(self, round: int) -> list[str]:
        """Return the names of the labelers who have a comparison of this round left to answer."""
        with self._database.reading() as connection:
            return batches.labelers_with_open_comparisons(connection, round)

    def n_on_hold(self, round: int) -> int:
        """Return how many questions of a round are on hold and lack answers."""
        with self._database.reading() as connection:
            return batches.n_on_hold(connection, round)

    def batch(self, round: int) -> Batch | None:
        """Return the batch of a round."""
        with self._database.reading() as connection:
            return next(iter(batches.batch_records(connection, round)), None)

    def batches(self) -> list[Batch]:
        """Return all batches, in the order in which they were opened."""
        with self._database.reading() as connection:
            return batches.batch_records(connection)

    def freeze(self, round: int) -> int:
        """Close a batch; return the last event that its reward model may use.

        Later answers are stored and count from the next round on.
        """
        with self._database.writing() as connection:
            return batches.freeze(connection, round)

    # leases

    def claim(
        self, labeler: str, *, n: int, rng: random.Random, policy: ClaimPolicy
    ) -> list[Assignment]:
        """Return up to `n` assignments leased to a labeler, first those they hold already.

        Raises a ConflictError if no person with an enabled account has this name, where there are
        people.
        """
        if self.claims.is_nothing_left(labeler, policy):
            return []
        wanted = [Claim(labeler, n, rng, policy)]
        with self._database.writing() as connection:
            [found] = self.claims.claim_within(connection, wanted)
        self.claims.remember(wanted, [found])
        if isinstance(found, ConflictError):
            raise found
        return found

    def renew(self, assignment_ids: Iterable[str], labeler: str) -> list[str]:
        """Restart leases; return which of the assignments are leased to the labeler now.

        One that has ended is not renewed if another labeler has the comparison by now.
        """
        with self._database.writing() as connection:
            return leases.renew(connection, assignment_ids, labeler)

    def give_back(self, assignment_ids: Iterable[str], labeler: str) -> None:
        """End leases of a labeler without an answer."""
        with self._database.writing() as connection:
            leases.give_back(connection, assignment_ids, labeler)

    def assignment(self, assignment_id: str) -> Assignment | None:
        """Return an assignment with its texts."""
        with self._database.reading() as connection:
            return find_assignment(connection, assignment_id)
