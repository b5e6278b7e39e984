"""The questions that people are asked, and who has which of them on screen.

`claims.py` says what is handed out; `settling.py` keeps the counts.
"""

import random
from collections.abc import Iterable, Sequence
from typing import Any

from prefloop.records import Label
from prefloop.store.core.database import Database
from prefloop.store.labeling import batches as rounds
from prefloop.store.labeling import claims, leases, own_answers
from prefloop.store.labeling.assignments import find_view
from prefloop.teamwork import Assignment, Batch, ClaimPolicy

FROZEN = rounds.FROZEN


class Queue:
    """The batches of questions, and the leases on them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._idle: set[str] = set()

    # batches

    def open_batch(self, round: int, questions: Sequence[tuple[str, int]]) -> None:
        """Ask comparisons, each of so many people. Asking the same again changes nothing.

        More may be asked while the batch is open; a batch that is frozen is refused.
        """
        with self._database.writing() as connection:
            rounds.open_batch(connection, round, questions)

    def ask_only(self, round: int, comparison_ids: Sequence[str]) -> None:
        """Take all but these out of a round's open questions; answers that are there stay."""
        with self._database.writing() as connection:
            rounds.ask_only(connection, round, comparison_ids)

    def is_exhausted(self, round: int) -> bool:
        """Whether nobody who may label has a question of this round left to answer."""
        with self._database.reading() as connection:
            return rounds.is_exhausted(connection, round)

    def waited_for(self, round: int) -> list[str]:
        """Return the names of those who have a question of this round left to answer."""
        with self._database.reading() as connection:
            return rounds.waited_for(connection, round)

    def batch(self, round: int) -> Batch | None:
        """Return the batch of a round."""
        with self._database.reading() as connection:
            return next(iter(rounds.batch_records(connection, round)), None)

    def batches(self) -> list[Batch]:
        """Return all batches, by round."""
        with self._database.reading() as connection:
            return rounds.batch_records(connection)

    def freeze(self, round: int) -> int:
        """Close a batch; return the last event that its reward model may know.

        Answers that come later are stored and count from the next round on.
        """
        with self._database.writing() as connection:
            return rounds.freeze(connection, round)

    # leases

    def claim(
        self, labeler: str, *, n: int, rng: random.Random, policy: ClaimPolicy
    ) -> list[Assignment]:
        """Return up to `n` questions for a labeler, leased to them; what they hold comes first."""
        # A search that finds nothing has passed every question. Who had nothing last time therefore
        # looks first without keeping others from writing.
        if labeler in self._idle and policy.training_items == 0:
            with self._database.reading() as connection:
                if claims.is_nothing_left(connection, labeler):
                    return []
        with self._database.writing() as connection:
            views = claims.claim(connection, labeler, n=n, rng=rng, policy=policy)
        (self._idle.discard if views else self._idle.add)(labeler)
        return views

    def renew(self, view_ids: Iterable[str], labeler: str) -> list[str]:
        """Let leases begin anew; return which of the views are leased to the labeler now.

        One that has ended is not renewed once the question went to somebody else.
        """
        with self._database.writing() as connection:
            return leases.renew(connection, view_ids, labeler)

    def give_back(self, view_ids: Iterable[str], labeler: str) -> None:
        """Let others have questions that the labeler will not answer."""
        with self._database.writing() as connection:
            leases.give_back(connection, view_ids, labeler)

    # a labeler's own

    def view(self, view_id: str) -> Assignment | None:
        """Return a view with its texts."""
        with self._database.reading() as connection:
            return find_view(connection, view_id)

    def mine(self, labeler: str, limit: int = 50) -> list[tuple[Assignment, Label]]:
        """Return a labeler's own latest answers, newest first.

        Answers to silent gold and repeats are among them, as labels: nothing gives them away.
        """
        with self._database.reading() as connection:
            return own_answers.latest(connection, labeler, limit)

    def can_edit(self, answer_ids: Iterable[str]) -> set[str]:
        """Return those of the answers that their labelers may still change or take back."""
        with self._database.reading() as connection:
            return own_answers.open_for_change(connection, answer_ids)

    def progress(self, labeler: str) -> dict[str, Any]:
        """Return `answered` by this labeler, `left` for them, and the newest `batch`.

        `left` is counted up to `own_answers.MOST_LEFT`.
        """
        with self._database.reading() as connection:
            return {
                "answered": own_answers.n_answered(connection, labeler),
                "left": own_answers.n_left(connection, labeler),
                "batch": rounds.newest_batch(connection),
            }
