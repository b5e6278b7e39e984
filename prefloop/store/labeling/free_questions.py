"""Which questions of the queue are free for a labeler, as conditions on its rows.

A comparison is free for a labeler while it is open, they have neither answered it (also not as
gold) nor hold it, and its answers plus the leases of others are fewer than wanted. A question for
verdicts is free only for those whom `independence.py` lets judge, and what is on hold (`holds.py`)
is handed to nobody, in no form.
"""

import random
from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.store.core import clock
from prefloop.store.core.tables import labels
from prefloop.store.core.team_tables import assignments, batches, quality_checks, queue
from prefloop.store.labeling.assignments import is_leased
from prefloop.store.labeling.independence import holds_prompt, may_answer
from prefloop.store.labeling.recount import EXCLUDED
from prefloop.store.labeling.shares import PeopleShares, closed_rounds, shared_rounds
from prefloop.teamwork import LIVE

POSITIONS = 2**31
"""A comparison's position in the queue is an integer from 0 to this, exclusive."""

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

IS_NOT_CLOSED = queue.c.round.not_in(sa.bindparam("closed", expanding=True))
"""Whether the comparison's batch is for the labeler: `closed` are those that are not, as
`shares.py` says."""

_FREE = sa.select(queue.c.comparison_id).where(IS_FREE, IS_NOT_CLOSED)
_FREE = _FREE.order_by(queue.c.position).limit(1)
_START = sa.bindparam("start", type_=sa.Integer)
FREE_FROM = _FREE.where(queue.c.position >= _START)
FREE_BEFORE = _FREE.where(queue.c.position < _START)
FREE_LIVE = _FREE.where(queue.c.round == LIVE)

MOST_AT_ONCE = 3
"""Comparisons that one statement draws."""
FREE_FROM_EACH = sa.select(
    *(
        sa.select(queue.c.comparison_id)
        .where(IS_FREE, queue.c.position >= sa.bindparam(f"start{i}", type_=sa.Integer))
        .order_by(queue.c.position)
        .limit(1)
        .scalar_subquery()
        for i in range(MOST_AT_ONCE)
    )
)
"""Each may be NULL, and two the same."""

# An alias: queries that use the condition may join the batches too.
_ANY = batches.alias("any_batch")
IS_OF_A_FROZEN_BATCH = sa.and_(
    sa.select(_ANY.c.round).where(_ANY.c.frozen_at.is_not(None)).exists(),
    sa.or_(
        ~sa.select(_ANY.c.round).where(_ANY.c.frozen_at.is_(None)).exists(),
        assignments.c.handed_after
        < sa.select(sa.func.max(_ANY.c.frozen_sequence)).scalar_subquery(),
    ),
)
"""Whether a quality check was handed out among regular assignments of a closed batch: it must look
like them. By the order of the ledger: a clock that is set back changes nothing."""


class OpenBatches(NamedTuple):
    """What a draw must know of the batches whose questions are asked."""

    rounds: frozenset[int]
    shared: Mapping[int, PeopleShares]
    """Those that are not for whoever is free."""

    @property
    def are_free_together(self) -> bool:
        """Whether what is free stays so when others are handed to the same labeler.

        Shares count what was handed out, and of questions for verdicts and live ones nobody is
        given two on a prompt: there each must be stored before the next is drawn.
        """
        return not self.shared and all(number >= 0 for number in self.rounds)


def open_batches(connection: Connection) -> OpenBatches:
    """Return the batches whose questions are asked."""
    query = sa.select(batches.c.round).where(batches.c.frozen_at.is_(None))
    rounds = frozenset(connection.execute(query).scalars())
    return OpenBatches(rounds, shared_rounds(connection))


def draw_free(
    connection: Connection,
    labeler: str,
    now: float,
    rng: random.Random,
    open_now: OpenBatches,
    *,
    n: int,
    is_first: bool,
) -> list[str]:
    """Return up to n comparisons that are free for a labeler, also together; none if none is.

    There may be more: hand these out and draw again. The first of a claim is a live question, if
    one is free: few wait for long.

    Each draw begins at a random position of the index. Questions that were drawn together from one
    position on would come together again for whoever gave them back, and a silent gold question
    between them would not.
    """
    closed = closed_rounds(connection, labeler, now=now, shared=open_now.shared)
    terms = {"me": labeler, "now": now, "start": rng.randrange(POSITIONS), "closed": closed}
    is_live_first = is_first and LIVE in open_now.rounds
    for query in (*([FREE_LIVE] if is_live_first else []), FREE_FROM, FREE_BEFORE):
        found = connection.execute(query, terms).scalar()
        if found is not None:
            n_more = min(n - 1, MOST_AT_ONCE) if open_now.are_free_together else 0
            return list(dict.fromkeys([found, *_draw_more(connection, terms, rng, n_more)]))
    return []


def _draw_more(
    connection: Connection, terms: Mapping[str, Any], rng: random.Random, n: int
) -> list[str]:
    """Return up to n free comparisons; fewer where a draw comes to the end of the queue."""
    if n < 1:
        return []
    starts = {f"start{i}": rng.randrange(POSITIONS) for i in range(MOST_AT_ONCE)}
    found = connection.execute(FREE_FROM_EACH, {**terms, **starts}).one()
    return [comparison_id for comparison_id in found[:n] if comparison_id is not None]


def is_any_free(connection: Connection, labeler: str) -> bool:
    """Whether a comparison is free for a labeler."""
    now = clock.now(connection)
    closed = closed_rounds(connection, labeler, now=now)
    terms = {"me": labeler, "now": now, "start": 0, "closed": closed}
    return connection.execute(FREE_FROM, terms).first() is not None
