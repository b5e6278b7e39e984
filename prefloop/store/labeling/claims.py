"""What a labeler who asks for questions is given.

First what they hold already, so that a reload or a second tab shows the same. A newcomer then gets
training. Everybody else gets work, now and then with a gold question or a repeat in its place:
never when no work is left, or whoever keeps asking would use up the gold.

A question is free for a labeler while it is open, they have neither answered it (be it as gold)
nor hold it, and its answers and the leases of others are fewer than wanted. The search for a free
one begins at a random place and follows the index from there.
"""

import json
import random
import uuid
from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.store.core import clock
from prefloop.store.core.rows import Columns, Row
from prefloop.store.core.tables import labels
from prefloop.store.core.team_tables import batches, checks, gold, queue, views
from prefloop.store.labeling.assignments import is_leased, questions, view_record
from prefloop.store.labeling.recount import EXCLUDED, WITH_PREFERENCE
from prefloop.teamwork import Assignment, AssignmentKind, ClaimPolicy

PLACES = 2**31
"""A question's place is a whole number from 0 up to, not including, this."""

ORDER_SECONDS = 1e-6
"""Views handed out together begin so much after each other: that keeps their order."""

NOW = sa.bindparam("now", type_=sa.Double)
ME = sa.bindparam("me", type_=sa.Text)


def has_answered(labeler: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Return whether a labeler has answered the queue's question, as work or as gold.

    Whoever has seen the known answer can give no opinion of their own any more.
    """
    return sa.or_(_is_there(labels, labeler), _is_there(checks, labeler, checks.c.kind != "repeat"))


def _is_there(
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
    sa.select(views.c.id)
    .where(views.c.comparison_id == queue.c.comparison_id, views.c.labeler == ME, is_leased(NOW))
    .exists()
)
LEASED_TO_OTHERS = (
    sa.select(sa.func.count())
    .select_from(views)
    .where(
        views.c.comparison_id == queue.c.comparison_id,
        views.c.labeler != ME,
        views.c.labeler.not_in(EXCLUDED),
        views.c.kind == "work",
        is_leased(NOW),
    )
    .correlate(queue)
    .scalar_subquery()
)
HAS_ROOM = sa.and_(queue.c.is_open, queue.c.answered + LEASED_TO_OTHERS < queue.c.wanted)
# What rules out most comes first: a search may have to pass everything its labeler has answered.
IS_FREE = sa.and_(~HAS_ANSWERED, ~HAS_OWN_LEASE, HAS_ROOM)

_FREE = sa.select(queue.c.comparison_id).where(IS_FREE).order_by(queue.c.place)
_FREE = _FREE.limit(sa.bindparam("n", type_=sa.Integer))
_START = sa.bindparam("start", type_=sa.Integer)
FREE_FROM = _FREE.where(queue.c.place >= _START)
FREE_BEFORE = _FREE.where(queue.c.place < _START)

# Under a name of its own: whoever uses the condition may look at the batches too.
_ANY = batches.alias("any_batch")
IS_OF_A_FROZEN_BATCH = sa.and_(
    sa.select(_ANY.c.round).where(_ANY.c.frozen_at.is_not(None)).exists(),
    sa.or_(
        ~sa.select(_ANY.c.round).where(_ANY.c.frozen_at.is_(None)).exists(),
        views.c.handed_at <= sa.select(sa.func.max(_ANY.c.frozen_at)).scalar_subquery(),
    ),
)
"""Whether a check was handed out among work that has been closed: it must look like that work."""

_IS_CHECKED = (
    sa.select(checks.c.sequence)
    .where(
        checks.c.comparison_id == views.c.comparison_id,
        checks.c.labeler == ME,
        checks.c.kind == views.c.kind,
        checks.c.ended_by.is_(None),
    )
    .exists()
)
_HELD = (
    sa.select(views)
    .outerjoin(queue, queue.c.comparison_id == views.c.comparison_id)
    .where(
        views.c.labeler == ME,
        is_leased(NOW),
        # Nobody needs an answer to work that others have finished meanwhile.
        # Nor a second one to a check, whose first came late out of an outbox.
        sa.or_(
            sa.and_(views.c.kind != "work", ~_IS_CHECKED, ~IS_OF_A_FROZEN_BATCH),
            sa.and_(views.c.kind == "work", queue.c.is_open, ~HAS_ANSWERED),
        ),
    )
    .order_by(views.c.leased_at, views.c.id)
)
_LAST_KIND = (
    sa.select(views.c.kind)
    .where(views.c.labeler == ME, views.c.closed_at.is_not(None))
    .order_by(views.c.closed_at.desc(), views.c.leased_at.desc())
    .limit(1)
)


def is_nothing_left(connection: Connection, labeler: str) -> bool:
    """Whether a labeler holds nothing and no work is free for them."""
    terms = {"me": labeler, "now": clock.now(connection), "n": 1, "start": 0}
    return all(connection.execute(query, terms).first() is None for query in (_HELD, FREE_FROM))


class Chosen(NamedTuple):
    """A question that will be handed out."""

    kind: AssignmentKind
    comparison_id: str
    shown: Sequence[str] | None = None
    """Sample ids in order; None: in a random one."""


def claim(
    connection: Connection, labeler: str, *, n: int, rng: random.Random, policy: ClaimPolicy
) -> list[Assignment]:
    """Return up to `n` questions, all leased to the labeler now."""
    now = clock.now(connection)
    held = connection.execute(_HELD, {"me": labeler, "now": now}).mappings().all()[:n]
    chooser = _Chooser(connection, labeler, now, rng, policy, held)
    fresh = chooser.choose(n - len(held))
    asked = questions(
        connection, [row["comparison_id"] for row in held] + [each.comparison_id for each in fresh]
    )
    rows: list[Row] = []
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
        connection.execute(sa.insert(views), rows)
    given: list[Columns] = [*held, *rows]
    return [view_record(row, asked[row["comparison_id"]]) for row in given]


class _Chooser:
    """Chooses what one labeler is handed beside what they hold."""

    def __init__(
        self,
        connection: Connection,
        labeler: str,
        now: float,
        rng: random.Random,
        policy: ClaimPolicy,
        held: Sequence[Columns],
    ) -> None:
        self.connection = connection
        self.me = {"me": labeler}
        self.now = now
        self.rng = rng
        self.policy = policy
        self.taken = {row["comparison_id"] for row in held}
        self.n_training_held = sum(row["kind"] == "training" for row in held)
        self.last_kind: str | None = held[-1]["kind"] if held else None

    def choose(self, n: int) -> list[Chosen]:
        """Return up to n questions."""
        chosen = self.training(n) if n > 0 and self.policy.training_items > 0 else []
        work = self.work(n - len(chosen)) if n > len(chosen) else []
        while work and len(chosen) < n:
            other = self.instead_of_work()
            each = other if other is not None else Chosen("work", work.pop(0))
            if each.comparison_id not in self.taken:
                self.taken.add(each.comparison_id)
                self.last_kind = each.kind
                chosen.append(each)
        return chosen

    def work(self, n: int) -> list[str]:
        """Return up to n free questions."""
        terms = self.me | {"now": self.now, "n": n, "start": self.rng.randrange(PLACES)}
        found = list(self.connection.execute(FREE_FROM, terms).scalars())
        if len(found) < n:
            found += self.connection.execute(FREE_BEFORE, terms | {"n": n - len(found)}).scalars()
        return found

    def instead_of_work(self) -> Chosen | None:
        """Draw whether gold or a repeat comes in place of work."""
        draw = self.rng.random()
        if draw < self.policy.gold_share:
            return None if self._last_kind() == "gold" else self.gold()
        if draw < self.policy.gold_share + self.policy.repeat_share:
            return self.repeat()
        return None

    def training(self, n: int) -> list[Chosen]:
        """Return up to n training questions that the labeler has not answered."""
        query = sa.select(checks.c.comparison_id)
        query = query.where(checks.c.labeler == ME, checks.c.kind == "training")
        done = set(self.connection.execute(query, self.me).scalars())
        n = min(n, self.policy.training_items - len(done) - self.n_training_held)
        pool = [i for i in self._pool(is_training=True) if i not in done | self.taken]
        drawn = self.rng.sample(pool, max(0, min(n, len(pool))))
        self.taken.update(drawn)
        return [Chosen("training", comparison_id) for comparison_id in drawn]

    def gold(self) -> Chosen | None:
        """Return a silent gold question that the labeler has not answered in any form."""
        pool = [i for i in self._pool(is_training=False) if i not in self.taken]
        return Chosen("gold", self.rng.choice(pool)) if pool else None

    def _pool(self, *, is_training: bool) -> list[str]:
        answered = sa.select(checks.c.comparison_id)
        answered = answered.where(checks.c.labeler == ME, checks.c.ended_by.is_(None))
        labeled = sa.select(labels.c.sequence).where(
            labels.c.comparison_id == gold.c.comparison_id,
            labels.c.labeler == ME,
            labels.c.ended_by.is_(None),
        )
        query = sa.select(gold.c.comparison_id).where(
            gold.c.ended_by.is_(None),
            gold.c.is_training.is_(is_training),
            gold.c.comparison_id.not_in(answered),
            ~labeled.exists(),
        )
        return list(self.connection.execute(query.order_by(gold.c.sequence), self.me).scalars())

    def repeat(self) -> Chosen | None:
        """Return work that the labeler answered a while ago, in the same or the reverse order."""
        until = self.now - self.policy.repeat_after_seconds
        own = sa.and_(
            views.c.labeler == ME,
            views.c.closed_at <= until,
            views.c.comparison_id.not_in(self.taken),
        )
        first = self.connection.execute(
            sa.select(sa.func.min(views.c.closed_at)).where(own), self.me
        ).scalar()
        if first is None:
            return None
        start = self.rng.uniform(first, until)
        for part in (views.c.closed_at >= start, views.c.closed_at < start):
            query = _repeatable().where(own, part).order_by(views.c.closed_at).limit(1)
            row = self.connection.execute(query, self.me).first()
            if row is not None:
                shown = json.loads(row.shown)
                is_reversed = self.rng.random() < 0.5
                return Chosen("repeat", row.comparison_id, shown[::-1] if is_reversed else shown)
        return None

    def _last_kind(self) -> str | None:
        if self.last_kind is None:
            self.last_kind = self.connection.execute(_LAST_KIND, self.me).scalar()
        return self.last_kind


def _repeatable() -> sa.Select[tuple[str, str]]:
    """Views whose answer counts still and whose question was not repeated yet."""
    repeated = sa.select(checks.c.sequence).where(
        checks.c.labeler == ME,
        checks.c.comparison_id == views.c.comparison_id,
        checks.c.kind == "repeat",
    )
    return (
        sa.select(views.c.comparison_id, views.c.shown)
        .join(labels, labels.c.id == views.c.answer_id)
        .where(
            views.c.kind == "work",
            labels.c.ended_by.is_(None),
            labels.c.answer.in_(WITH_PREFERENCE),
            ~repeated.exists(),
        )
    )
