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
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import ConflictError
from prefloop.store.core import clock, ledger
from prefloop.store.core.insertion import padded
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
    IS_OF_A_FROZEN_BATCH,
    NOW,
    OpenBatches,
    draw_free,
    has_answered,
    is_any_free,
    open_batches,
)
from prefloop.store.labeling.recount import ON_HOLD
from prefloop.teamwork import Assignment, AssignmentKind, ClaimPolicy

ORDER_SECONDS = 1e-6
"""Offset between the leases of assignments handed out together: it keeps their order."""

NAMES: sa.BindParameter[str] = sa.bindparam("names", expanding=True)

_HAS_ANSWERED = has_answered(assignments.c.labeler)
_HAS_CHECK = (
    sa.select(quality_checks.c.sequence)
    .where(
        quality_checks.c.comparison_id == assignments.c.comparison_id,
        quality_checks.c.labeler == assignments.c.labeler,
        quality_checks.c.kind == assignments.c.kind,
        quality_checks.c.ended_by.is_(None),
    )
    .exists()
)
_HELD = (
    sa.select(assignments)
    .outerjoin(queue, queue.c.comparison_id == assignments.c.comparison_id)
    .where(
        assignments.c.labeler.in_(NAMES),
        is_leased(NOW),
        # A regular assignment that others have completed meanwhile needs no answer.
        # Nor does a quality check whose answer came late from an outbox.
        sa.or_(
            sa.and_(assignments.c.kind != "regular", ~_HAS_CHECK, ~IS_OF_A_FROZEN_BATCH),
            sa.and_(assignments.c.kind == "regular", queue.c.is_open, ~_HAS_ANSWERED),
        ),
        assignments.c.comparison_id.not_in(ON_HOLD),
    )
    .order_by(assignments.c.leased_at, assignments.c.id)
)

_ENABLED = sa.select(people.c.name).where(people.c.name.in_(NAMES), people.c.disabled_at.is_(None))


class Claim(NamedTuple):
    """A labeler's request for assignments."""

    labeler: str
    n: int
    """How many, those that they hold included."""
    rng: random.Random
    policy: ClaimPolicy


def is_nothing_left(connection: Connection, labeler: str) -> bool:
    """Whether a labeler holds no assignment and no comparison is free for them."""
    is_holding = bool(_held(connection, [labeler], clock.now(connection)))
    return not is_holding and not is_any_free(connection, labeler)


class NewAssignment(NamedTuple):
    """A comparison that will be handed out."""

    kind: AssignmentKind
    comparison_id: str
    shown: Sequence[str] | None = None
    """Sample ids in order; None: a random order."""


def claim_all(
    connection: Connection, claims: Sequence[Claim]
) -> list[list[Assignment] | ConflictError]:
    """Return the assignments of each claim, all leased to its labeler now.

    A ConflictError in their place if the labeler was renamed, erased or locked out meanwhile.
    """
    names = list({claim.labeler for claim in claims})
    unknown = _unknown(connection, names)
    now = clock.now(connection)
    held = _held(connection, names, now)
    handouts = _Handouts(connection, now)
    given: list[list[RowMapping] | None] = []
    for claim in claims:
        if claim.labeler in unknown:
            given.append(None)
            continue
        rows = held.setdefault(claim.labeler, [])
        if len(rows) < claim.n:
            rows += _Handout(handouts, claim, rows).hand_out(claim.n - len(rows))
        given.append(rows[: claim.n])
    handouts.read_questions(row["comparison_id"] for rows in given for row in rows or ())
    return [
        _changed(claim.labeler)
        if rows is None
        else [assignment_record(row, handouts.asked[row["comparison_id"]]) for row in rows]
        for claim, rows in zip(claims, given, strict=True)
    ]


def _held(connection: Connection, names: list[str], now: float) -> dict[str, list[RowMapping]]:
    """Return the rows of what these labelers hold, in order."""
    found: dict[str, list[RowMapping]] = {}
    for row in connection.execute(_HELD, {"names": padded(names), "now": now}).mappings():
        found.setdefault(row["labeler"], []).append(row)
    return found


def _unknown(connection: Connection, names: list[str]) -> set[str]:
    """Return the names that are nobody's any more: a caller may be known by one for some seconds.

    What was answered would be signed with it, also after it was erased. A store without people has
    none to compare with.
    """
    unknown = set(names) - set(connection.execute(_ENABLED, {"names": padded(names)}).scalars())
    if unknown and connection.execute(sa.select(people.c.id).limit(1)).first() is None:
        return set()
    return unknown


def _changed(labeler: str) -> ConflictError:
    return ConflictError(
        f"Nobody who may log in is called {labeler}: the account was changed a moment ago. Log "
        "in again."
    )


class _Handouts:
    """What the new assignments of one transaction share."""

    def __init__(self, connection: Connection, now: float) -> None:
        self.connection = connection
        self.now = now
        self.asked: dict[str, StoredQuestion] = {}

    @cached_property
    def open_batches(self) -> OpenBatches:
        """The batches whose questions are asked."""
        return open_batches(self.connection)

    @cached_property
    def handed_after(self) -> int:
        """The last event of the ledger."""
        return ledger.head(self.connection).n_events

    def read_questions(self, comparison_ids: Iterable[str]) -> None:
        """Read texts that were not read yet."""
        new = dict.fromkeys(name for name in comparison_ids if name not in self.asked)
        self.asked |= questions(self.connection, new)


class _Handout:
    """Hands new assignments to one labeler, in addition to those they hold."""

    def __init__(self, handouts: _Handouts, claim: Claim, held: Sequence[RowMapping]) -> None:
        self.handouts = handouts
        self.connection = handouts.connection
        self.now = handouts.now
        self.labeler, _, self.rng, self.policy = claim
        self.n_held = len(held)
        self.taken = {row["comparison_id"] for row in held}
        self.training_held = {r["comparison_id"] for r in held if r["kind"] == "training"}
        self.rows: list[RowDict] = []

    def hand_out(self, n: int) -> list[RowDict]:
        """Store up to n assignments; return their rows."""
        self.add([NewAssignment("training", name) for name in self.training(n)])
        # Nobody works before they have passed: not even on what is fetched ahead.
        is_in_training = bool(self.rows or self.training_held)
        while len(self.rows) < n and not is_in_training:
            drawn = self.draw(n - len(self.rows))
            if not drawn:
                break
            self.taken |= set(drawn)
            self.add([self.substitute(each) or NewAssignment("regular", each) for each in drawn])
        return self.rows

    def draw(self, n: int) -> list[str]:
        """Return up to n comparisons that are free."""
        return draw_free(
            self.connection,
            self.labeler,
            self.now,
            self.rng,
            self.handouts.open_batches,
            n=n,
            is_first=not self.rows,
        )

    def add(self, new: Sequence[NewAssignment]) -> None:
        """Store assignments at once: the next draw must know of them."""
        self.handouts.read_questions(each.comparison_id for each in new)
        rows = [self.row(each, self.n_held + len(self.rows) + i) for i, each in enumerate(new)]
        if rows:
            self.connection.execute(sa.insert(assignments), rows)
        self.rows += rows

    def row(self, new: NewAssignment, place: int) -> RowDict:
        """Return the row of an assignment, leased from now on."""
        ids = list(self.handouts.asked[new.comparison_id].texts)
        leased_at = self.now + place * ORDER_SECONDS
        return {
            "id": str(uuid.uuid4()),
            "comparison_id": new.comparison_id,
            "labeler": self.labeler,
            "kind": new.kind,
            "shown": json.dumps(new.shown or self.rng.sample(ids, len(ids))),
            "handed_at": leased_at,
            "handed_after": self.handouts.handed_after,
            "leased_at": leased_at,
            "leased_until": leased_at + self.policy.lease_seconds,
        }

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
        draw, taken = self.rng.random(), self.taken - {regular}
        if draw < self.policy.gold_share:
            found = draw_gold(self.connection, self.labeler, regular, self.rng, taken=taken)
            return None if found is None else self.take(NewAssignment("gold", found))
        if draw < self.policy.gold_share + self.policy.retest_share:
            retest = draw_retest(
                self.connection,
                self.labeler,
                regular,
                self.rng,
                until=self.now - self.policy.retest_after_seconds,
                taken=taken,
            )
            return None if retest is None else self.take(NewAssignment("retest", *retest))
        return None

    def take(self, new: NewAssignment) -> NewAssignment:
        """Let no other assignment of the claim have the same comparison."""
        self.taken.add(new.comparison_id)
        return new
