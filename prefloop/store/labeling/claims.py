"""Which assignments a labeler gets who asks for some.

First those they hold already, so that a reload or a second tab shows the same. New labelers then
get training questions. All others get regular ones, some replaced by a gold or retest question of
the same kind, which nobody can tell from them: never when no regular one is left, so that asking
again and again does not use up the gold.

A comparison is free for a labeler while it is open, they have neither answered it (also not as
gold) nor hold it, and its answers plus the leases of others are fewer than wanted. A question for
verdicts is free only for those whom `independence.py` lets judge, and what is on hold (`holds.py`)
is handed to nobody, in no form. The search for a free one begins
at a random position of the index.
"""

import json
import random
import uuid
from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.label_types.answers import PREFERENCES
from prefloop.store.core import clock
from prefloop.store.core.rows import RowDict, RowMapping
from prefloop.store.core.tables import comparisons, labels
from prefloop.store.core.team_tables import assignments, batches, gold, quality_checks, queue
from prefloop.store.labeling.assignments import assignment_record, is_leased, questions
from prefloop.store.labeling.independence import HELD_OUT, holds_prompt, may_answer
from prefloop.store.labeling.questions import is_asked_like
from prefloop.store.labeling.recount import EXCLUDED, ON_HOLD
from prefloop.teamwork import LIVE, Assignment, AssignmentKind, ClaimPolicy

POSITIONS = 2**31
"""A comparison's position in the queue is an integer from 0 to this, exclusive."""

ORDER_SECONDS = 1e-6
"""Offset between the leases of assignments handed out together: it keeps their order."""

NOW = sa.bindparam("now", type_=sa.Double)
ME = sa.bindparam("me", type_=sa.Text)


def has_answered(labeler: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a labeler has answered the queue's comparison in any form.

    A labeler who has seen the known answer can no longer give an independent one.
    """
    return sa.or_(
        _has_answer(labels, labeler),
        _has_answer(quality_checks, labeler, quality_checks.c.kind != "retest"),
    )


def _has_answer(
    table: sa.Table, labeler: sa.ColumnElement[str], *more: sa.ColumnElement[bool]
) -> sa.ColumnElement[bool]:
    query = sa.select(table.c.sequence).where(
        table.c.comparison_id == queue.c.comparison_id,
        table.c.labeler == labeler,
        table.c.ended_by.is_(None),
        *more,
    )
    return query.correlate_except(table).exists()


HAS_ANSWERED = has_answered(ME)
HAS_OWN_LEASE = (
    sa.select(assignments.c.id)
    .where(
        assignments.c.comparison_id == queue.c.comparison_id,
        assignments.c.labeler == ME,
        is_leased(NOW),
    )
    .exists()
)
LEASED_TO_OTHERS = (
    sa.select(sa.func.count())
    .select_from(assignments)
    .where(
        assignments.c.comparison_id == queue.c.comparison_id,
        assignments.c.labeler != ME,
        assignments.c.labeler.not_in(EXCLUDED),
        assignments.c.kind == "regular",
        is_leased(NOW),
    )
    .correlate(queue)
    .scalar_subquery()
)
HAS_ROOM = sa.and_(queue.c.is_open, queue.c.answered + LEASED_TO_OTHERS < queue.c.wanted)
# The most selective condition first: a search may pass everything its labeler has answered.
IS_FREE = sa.and_(~HAS_ANSWERED, ~HAS_OWN_LEASE, HAS_ROOM, may_answer(ME), ~holds_prompt(ME, NOW))

_FREE = sa.select(queue.c.comparison_id).where(IS_FREE).order_by(queue.c.position)
_FREE = _FREE.limit(sa.bindparam("n", type_=sa.Integer))
_START = sa.bindparam("start", type_=sa.Integer)
FREE_FROM = _FREE.where(queue.c.position >= _START)
FREE_BEFORE = _FREE.where(queue.c.position < _START)
FREE_LIVE = _FREE.where(queue.c.round == LIVE)

# An alias: queries that use the condition may join the batches too.
_ANY = batches.alias("any_batch")
IS_OF_A_FROZEN_BATCH = sa.and_(
    sa.select(_ANY.c.round).where(_ANY.c.frozen_at.is_not(None)).exists(),
    sa.or_(
        ~sa.select(_ANY.c.round).where(_ANY.c.frozen_at.is_(None)).exists(),
        assignments.c.handed_at <= sa.select(sa.func.max(_ANY.c.frozen_at)).scalar_subquery(),
    ),
)
"""Whether a quality check was handed out among regular assignments of a closed batch: it must look
like them."""

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
_LAST_KIND = (
    sa.select(assignments.c.kind)
    .where(assignments.c.labeler == ME, assignments.c.closed_at.is_not(None))
    .order_by(assignments.c.closed_at.desc(), assignments.c.leased_at.desc())
    .limit(1)
)


def is_nothing_left(connection: Connection, labeler: str) -> bool:
    """Whether a labeler holds no assignment and no comparison is free for them."""
    terms = {"me": labeler, "now": clock.now(connection), "n": 1, "start": 0}
    return all(connection.execute(query, terms).first() is None for query in (_HELD, FREE_FROM))


class NewAssignment(NamedTuple):
    """A comparison that will be handed out."""

    kind: AssignmentKind
    comparison_id: str
    shown: Sequence[str] | None = None
    """Sample ids in order; None: a random order."""


def claim(
    connection: Connection, labeler: str, *, n: int, rng: random.Random, policy: ClaimPolicy
) -> list[Assignment]:
    """Return up to `n` assignments, all leased to the labeler now."""
    now = clock.now(connection)
    held = connection.execute(_HELD, {"me": labeler, "now": now}).mappings().all()[:n]
    chooser = _Chooser(connection, labeler, now, rng, policy, held)
    fresh = chooser.choose(n - len(held))
    asked = questions(
        connection, [row["comparison_id"] for row in held] + [each.comparison_id for each in fresh]
    )
    rows: list[RowDict] = []
    for each in fresh:
        ids = list(asked[each.comparison_id].texts)
        leased_at = now + len(rows) * ORDER_SECONDS
        rows.append(
            {
                "id": str(uuid.uuid4()),
                "comparison_id": each.comparison_id,
                "labeler": labeler,
                "kind": each.kind,
                "shown": json.dumps(each.shown or rng.sample(ids, len(ids))),
                "handed_at": leased_at,
                "leased_at": leased_at,
                "leased_until": leased_at + policy.lease_seconds,
            }
        )
    if rows:
        connection.execute(sa.insert(assignments), rows)
    given: list[RowMapping] = [*held, *rows]
    return [assignment_record(row, asked[row["comparison_id"]]) for row in given]


class _Chooser:
    """Chooses new assignments for one labeler, in addition to those they hold."""

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
        self.me = {"me": labeler}
        self.now = now
        self.rng = rng
        self.policy = policy
        self.taken = {row["comparison_id"] for row in held}
        self.n_training_held = sum(row["kind"] == "training" for row in held)
        self.last_kind: str | None = held[-1]["kind"] if held else None

    def choose(self, n: int) -> list[NewAssignment]:
        """Return up to n assignments."""
        chosen = self.training(n) if n > 0 and self.policy.training_items > 0 else []
        regular = self.regular(n - len(chosen)) if n > len(chosen) else []
        while regular and len(chosen) < n:
            other = self.substitute(regular[0])
            each = other if other is not None else NewAssignment("regular", regular.pop(0))
            if each.comparison_id not in self.taken:
                self.taken.add(each.comparison_id)
                self.last_kind = each.kind
                chosen.append(each)
        return chosen

    def regular(self, n: int) -> list[str]:
        """Return up to n free comparisons, a live question before all others: few wait for long."""
        terms = self.me | {"now": self.now, "n": n, "start": self.rng.randrange(POSITIONS)}
        found = list(self.connection.execute(FREE_LIVE, terms | {"n": 1}).scalars())
        found += self.connection.execute(FREE_FROM, terms).scalars()
        if len(found) < n:
            found += self.connection.execute(FREE_BEFORE, terms | {"n": n - len(found)}).scalars()
        return self._without_same_prompts(list(dict.fromkeys(found))[:n])

    def _without_same_prompts(self, names: list[str]) -> list[str]:
        """Return the comparisons, of those for verdicts on one prompt only the first."""
        query = sa.select(comparisons.c.id, comparisons.c.prompt_id)
        query = query.where(comparisons.c.id.in_(names), comparisons.c.split == HELD_OUT)
        prompts = {row.id: row.prompt_id for row in self.connection.execute(query)}
        first = {prompts[name]: name for name in reversed(names) if name in prompts}
        return [name for name in names if name not in prompts or first[prompts[name]] == name]

    def substitute(self, regular: str) -> NewAssignment | None:
        """Draw whether a gold or retest question replaces this regular one."""
        draw = self.rng.random()
        if draw < self.policy.gold_share:
            return None if self._last_kind() == "gold" else self.gold(regular)
        if draw < self.policy.gold_share + self.policy.retest_share:
            return self.retest(regular)
        return None

    def training(self, n: int) -> list[NewAssignment]:
        """Return up to n training questions that the labeler has not answered."""
        query = sa.select(quality_checks.c.comparison_id)
        query = query.where(quality_checks.c.labeler == ME, quality_checks.c.kind == "training")
        done = set(self.connection.execute(query, self.me).scalars())
        n = min(n, self.policy.training_items - len(done) - self.n_training_held)
        pool = [i for i in self._pool(is_training=True) if i not in done | self.taken]
        drawn = self.rng.sample(pool, max(0, min(n, len(pool))))
        self.taken.update(drawn)
        return [NewAssignment("training", comparison_id) for comparison_id in drawn]

    def gold(self, regular: str) -> NewAssignment | None:
        """Return a silent gold question like a regular one that the labeler has not answered."""
        query = sa.select(comparisons.c.id).where(is_asked_like(regular))
        alike = set(self.connection.execute(query).scalars())
        pool = [i for i in self._pool(is_training=False) if i in alike and i not in self.taken]
        return NewAssignment("gold", self.rng.choice(pool)) if pool else None

    def _pool(self, *, is_training: bool) -> list[str]:
        answered = sa.select(quality_checks.c.comparison_id)
        answered = answered.where(
            quality_checks.c.labeler == ME, quality_checks.c.ended_by.is_(None)
        )
        labeled = sa.select(labels.c.sequence).where(
            labels.c.comparison_id == gold.c.comparison_id,
            labels.c.labeler == ME,
            labels.c.ended_by.is_(None),
        )
        query = sa.select(gold.c.comparison_id).where(
            gold.c.ended_by.is_(None),
            gold.c.is_training.is_(is_training),
            gold.c.comparison_id.not_in(answered),
            gold.c.comparison_id.not_in(ON_HOLD),
            ~labeled.exists(),
        )
        return list(self.connection.execute(query.order_by(gold.c.sequence), self.me).scalars())

    def retest(self, regular: str) -> NewAssignment | None:
        """Return a comparison like a regular one that the labeler has answered before.

        It is shown in the same or reverse order.
        """
        until = self.now - self.policy.retest_after_seconds
        own = sa.and_(
            assignments.c.labeler == ME,
            assignments.c.closed_at <= until,
            assignments.c.comparison_id.not_in(self.taken),
            assignments.c.comparison_id.not_in(ON_HOLD),
        )
        first = self.connection.execute(
            sa.select(sa.func.min(assignments.c.closed_at)).where(own), self.me
        ).scalar()
        if first is None:
            return None
        start = self.rng.uniform(first, until)
        for part in (assignments.c.closed_at >= start, assignments.c.closed_at < start):
            query = _retestable(regular).where(own, part).order_by(assignments.c.closed_at).limit(1)
            row = self.connection.execute(query, self.me).first()
            if row is not None:
                shown = json.loads(row.shown)
                is_reversed = self.rng.random() < 0.5
                return NewAssignment(
                    "retest", row.comparison_id, shown[::-1] if is_reversed else shown
                )
        return None

    def _last_kind(self) -> str | None:
        if self.last_kind is None:
            self.last_kind = self.connection.execute(_LAST_KIND, self.me).scalar()
        return self.last_kind


def _retestable(regular: str) -> sa.Select[tuple[str, str]]:
    """Assignments with a live answer whose comparison, like this one, was not retested yet."""
    retested = sa.select(quality_checks.c.sequence).where(
        quality_checks.c.labeler == ME,
        quality_checks.c.comparison_id == assignments.c.comparison_id,
        quality_checks.c.kind == "retest",
    )
    return (
        sa.select(assignments.c.comparison_id, assignments.c.shown)
        .join(labels, labels.c.id == assignments.c.answer_id)
        .join(comparisons, comparisons.c.id == assignments.c.comparison_id)
        .where(
            is_asked_like(regular),
            assignments.c.kind == "regular",
            labels.c.ended_by.is_(None),
            labels.c.answer.in_(PREFERENCES),
            ~retested.exists(),
        )
    )
