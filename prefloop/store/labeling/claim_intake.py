"""Claims of questions on their way into the store: for several labelers in one transaction."""

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from prefloop.errors import ConflictError
from prefloop.store.core.database import Database
from prefloop.store.labeling import claims
from prefloop.store.labeling.claims import Claim
from prefloop.teamwork import Assignment, ClaimPolicy


class ClaimIntake:
    """Claims, and who got nothing by their last one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._idle: set[str] = set()

    def had_nothing(self, labeler: str, policy: ClaimPolicy) -> bool:
        """Whether a labeler got nothing last time: then ask `is_nothing_left` before a claim.

        Not where there are training questions: that search knows nothing of them.
        """
        return labeler in self._idle and policy.training_items == 0

    def is_nothing_left(self, labeler: str, policy: ClaimPolicy) -> bool:
        """Whether a labeler who got nothing last time would get nothing now.

        A search that finds nothing passes every comparison. So for them it runs first in a reading
        transaction, which blocks no writer.
        """
        if not self.had_nothing(labeler, policy):
            return False
        with self._database.reading() as connection:
            return claims.is_nothing_left(connection, labeler)

    def claim_within(
        self, connection: Connection, wanted: Sequence[Claim]
    ) -> list[list[Assignment] | ConflictError]:
        """Claim for several labelers in a transaction of the caller's, each as `Queue.claim` does.

        What `Queue.claim` raises stands in the place of what they would have got. `remember` it
        when the transaction has ended.
        """
        return claims.claim_all(connection, wanted) if wanted else []

    def remember(
        self, wanted: Sequence[Claim], given: Sequence[list[Assignment] | ConflictError]
    ) -> None:
        """Keep in mind who got nothing by claims that are committed."""
        for claim, found in zip(wanted, given, strict=True):
            (self._idle.add if found == [] else self._idle.discard)(claim.labeler)
