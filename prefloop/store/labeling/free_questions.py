"""Which questions of the queue are free for a labeler, as conditions on its rows.

A comparison is free for a labeler while it is open, they have neither answered it (also not as
gold) nor hold it, and its answers plus the leases of others are fewer than wanted. A question for
verdicts is free only for those whom `independence.py` lets judge, and what is on hold (`holds.py`)
is handed to nobody, in no form.
"""

import random
from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.store.core import clock
from prefloop.store.core.tables import labels
from prefloop.store.core.team_tables import assignments, batches, quality_checks, queue
from prefloop.store.labeling.assignments import is_leased
from prefloop.store.labeling.independence import holds_prompt, may_answer
from prefloop.store.labeling.recount import EXCLUDED
from prefloop.store.labeling.shares import PeopleShares, closed_rounds
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


def draw_free(
    connection: Connection,
    labeler: str,
    now: float,
    rng: random.Random,
    shared: Mapping[int, PeopleShares],
    *,
    is_first: bool,
) -> str | None:
    """Return a comparison that is free for a labeler; None if none is.

    `shared` are the batches that are not for whoever is free. The first of a claim is a live
    question, if one is free: few wait for long.

    Each draw begins at a random position of the index. Questions that were drawn together from one
    position on would come together again for whoever gave them back, and a silent gold question
    between them would not.
    """
    closed = closed_rounds(connection, labeler, now=now, shared=shared)
    terms = {"me": labeler, "now": now, "start": rng.randrange(POSITIONS), "closed": closed}
    for query in (*([FREE_LIVE] if is_first else []), FREE_FROM, FREE_BEFORE):
        found = connection.execute(query, terms).scalar()
        if found is not None:
            return str(found)
    return None


def is_any_free(connection: Connection, labeler: str) -> bool:
    """Whether a comparison is free for a labeler."""
    now = clock.now(connection)
    closed = closed_rounds(connection, labeler, now=now)
    terms = {"me": labeler, "now": now, "start": 0, "closed": closed}
    return connection.execute(FREE_FROM, terms).first() is not None
