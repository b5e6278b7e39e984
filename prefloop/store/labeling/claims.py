"""Which assignments a labeler gets who asks for some.

First those they hold already, so that a reload or a second tab shows the same. New labelers then
get training questions, and nothing else before those are answered. All others get regular ones,
some replaced by a gold or retest question of the same kind, which nobody can tell from them: each
is drawn by itself, whatever was handed out before, and never when no regular one is left, so that
asking again and again does not use up the gold.
"""

import json
import random
import uuid
from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import ConflictError
from prefloop.store.core import clock, ledger
from prefloop.store.core.rows import RowDict, RowMapping
from prefloop.store.core.team_tables import assignments, people, quality_checks, queue
from prefloop.store.labeling.assignments import (
    StoredQuestion,
    assignment_record,
    is_leased,
    questions,
)
from prefloop.store.labeling.check_questions import draw_gold, draw_retest, draw_training
from prefloop.store.labeling.free_questions import (
    HAS_ANSWERED,
    IS_OF_A_FROZEN_BATCH,
    ME,
    NOW,
    draw_free,
    is_any_free,
)
from prefloop.store.labeling.recount import ON_HOLD
from prefloop.store.labeling.shares import shared_rounds
from prefloop.teamwork import Assignment, AssignmentKind, ClaimPolicy

ORDER_SECONDS = 1e-6
"""Offset between the leases of assignments handed out together: it keeps their order."""

_HAS_CHECK = (
    sa.select(quality_checks.c.sequence)
    .where(
        quality_checks.c.comparison_id == assignments.c.comparison_id,
        quality_checks.c.labeler == ME,
        quality_checks.c.kind == assignments.c.kind,
        quality_checks.c.ended_by.is_(None),
    )
    .exists()
)
_HELD = (
    sa.select(assignments)
    .outerjoin(queue, queue.c.comparison_id == assignments.c.comparison_id)
    .where(
        assignments.c.labeler == ME,
        is_leased(NOW),
        # A regular assignment that others have completed meanwhile needs no answer.
        # Nor does a quality check whose answer came late from an outbox.
        sa.or_(
            sa.and_(assignments.c.kind != "regular", ~_HAS_CHECK, ~IS_OF_A_FROZEN_BATCH),
            sa.and_(assignments.c.kind == "regular", queue.c.is_open, ~HAS_ANSWERED),
        ),
        assignments.c.comparison_id.not_in(ON_HOLD),
    )
    .order_by(assignments.c.leased_at, assignments.c.id)
)

_ENABLED = sa.select(people.c.id).where(people.c.name == ME, people.c.disabled_at.is_(None))


def is_nothing_left(connection: Connection, labeler: str) -> bool:
    """Whether a labeler holds no assignment and no comparison is free for them."""
    terms = {"me": labeler, "now": clock.now(connection)}
    is_holding = connection.execute(_HELD, terms).first() is not None
    return not is_holding and not is_any_free(connection, labeler)


class NewAssignment(NamedTuple):
    """A comparison that will be handed out."""

    kind: AssignmentKind
    comparison_id: str
    shown: Sequence[str] | None = None
    """Sample ids in order; None: a random order."""


def claim(
    connection: Connection, labeler: str, *, n: int, rng: random.Random, policy: ClaimPolicy
) -> list[Assignment]:
    """Return up to `n` assignments, all leased to the labeler now.

    Raises a ConflictError if the labeler was renamed, erased or locked out meanwhile.
    """
    _require_enabled(connection, labeler)
    now = clock.now(connection)
    held = connection.execute(_HELD, {"me": labeler, "now": now}).mappings().all()[:n]
    rows: list[RowMapping] = list(held)
    asked = questions(connection, [row["comparison_id"] for row in held])
    if len(held) < n:
        handout = _Handout(connection, labeler, now, rng, policy, held)
        rows += handout.hand_out(n - len(held))
        asked |= handout.asked
    return [assignment_record(row, asked[row["comparison_id"]]) for row in rows]


def _require_enabled(connection: Connection, labeler: str) -> None:
    """Refuse a name that is nobody's any more: a caller may be known by it for some seconds.

    What was answered would be signed with it, also after it was erased. A store without people has
    none to compare with.
    """
    if connection.execute(_ENABLED, {"me": labeler}).first() is not None:
        return
    if connection.execute(sa.select(people.c.id).limit(1)).first() is not None:
        raise ConflictError(
            f"Nobody who may log in is called {labeler}: the account was changed a moment ago. Log "
            "in again."
        )


class _Handout:
    """Hands new assignments to one labeler, in addition to those they hold."""

    def __init__(
        self,
        connection: Connection,
        labeler: str,
        now: float,
        rng: random.Random,
        policy: ClaimPolicy,
        held: Sequence[RowMapping],
    ) -> None:
        self.connection = connection
        self.labeler = labeler
        self.now = now
        self.rng = rng
        self.policy = policy
        self.shared = shared_rounds(connection)
        self.handed_after = ledger.head(connection).n_events
        self.taken = {row["comparison_id"] for row in held}
        self.training_held = {r["comparison_id"] for r in held if r["kind"] == "training"}
        self.rows: list[RowDict] = []
        self.asked: dict[str, StoredQuestion] = {}

    def hand_out(self, n: int) -> list[RowDict]:
        """Store up to n assignments; return their rows."""
        for comparison_id in self.training(n):
            self.add(NewAssignment("training", comparison_id))
        # Nobody works before they have passed: not even on what is fetched ahead.
        is_in_training = bool(self.rows or self.training_held)
        while len(self.rows) < n and not is_in_training:
            regular = draw_free(
                self.connection,
                self.labeler,
                self.now,
                self.rng,
                self.shared,
                is_first=not self.rows,
            )
            if regular is None:
                break
            self.add(self.substitute(regular) or NewAssignment("regular", regular))
        return self.rows

    def add(self, new: NewAssignment) -> None:
        """Store an assignment at once: the next draw must know of it."""
        self.asked |= questions(self.connection, [new.comparison_id])
        ids = list(self.asked[new.comparison_id].texts)
        leased_at = self.now + len(self.rows) * ORDER_SECONDS
        row: RowDict = {
            "id": str(uuid.uuid4()),
            "comparison_id": new.comparison_id,
            "labeler": self.labeler,
            "kind": new.kind,
            "shown": json.dumps(new.shown or self.rng.sample(ids, len(ids))),
            "handed_at": leased_at,
            "handed_after": self.handed_after,
            "leased_at": leased_at,
            "leased_until": leased_at + self.policy.lease_seconds,
        }
        self.connection.execute(sa.insert(assignments), [row])
        self.taken.add(new.comparison_id)
        self.rows.append(row)

    def training(self, n: int) -> list[str]:
        """Return up to n training questions that the labeler has not answered."""
        if self.policy.training_items == 0:
            return []
        return draw_training(
            self.connection,
            self.labeler,
            self.rng,
            items=self.policy.training_items,
            held=self.training_held,
            n=n,
        )

    def substitute(self, regular: str) -> NewAssignment | None:
        """Draw whether a gold or retest question replaces this regular one."""
        draw = self.rng.random()
        if draw < self.policy.gold_share:
            found = draw_gold(self.connection, self.labeler, regular, self.rng)
            return None if found is None else NewAssignment("gold", found)
        if draw < self.policy.gold_share + self.policy.retest_share:
            retest = draw_retest(
                self.connection,
                self.labeler,
                regular,
                self.rng,
                until=self.now - self.policy.retest_after_seconds,
                taken=self.taken,
            )
            return None if retest is None else NewAssignment("retest", *retest)
        return None
