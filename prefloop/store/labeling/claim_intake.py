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

    def had_nothing(self, labeler: str) -> bool:
        """Whether a labeler got nothing last time: then ask `is_nothing_left` before a claim."""
        return labeler in self._idle

    def is_nothing_left(self, labeler: str, policy: ClaimPolicy) -> bool:
        """Whether a labeler who got nothing last time would get nothing now.

        A search that finds nothing passes every comparison. So for them it runs first in a reading
        transaction, which blocks no writer.
        """
        if not self.had_nothing(labeler) or policy.training_items > 0:
            return False
        with self._database.reading() as connection:
            return claims.is_nothing_left(connection, labeler)

    def claim_within(
        self, connection: Connection, wanted: Sequence[Claim]
    ) -> list[list[Assignment] | ConflictError]:
        """Claim for several labelers in a transaction of the caller's, each as `Queue.claim` does.

        What `Queue.claim` raises stands in the place of what they would have got.
        """
        given = claims.claim_all(connection, wanted) if wanted else []
        for claim, found in zip(wanted, given, strict=True):
            (self._idle.discard if found else self._idle.add)(claim.labeler)
        return given
