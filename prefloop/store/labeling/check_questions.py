"""Which gold, training and retest questions a labeler may be given.

A silent gold question that was handed out is spent for its labeler, answered or not: if it came
again after it was given back, whoever gives questions back would learn which are gold.
"""

import json
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.label_types.answers import PREFERENCES
from prefloop.store.core.insertion import padded
from prefloop.store.core.tables import comparisons, labels
from prefloop.store.core.team_tables import assignments, gold, quality_checks
from prefloop.store.labeling.free_questions import ME
from prefloop.store.labeling.questions import is_asked_like
from prefloop.store.labeling.recount import ON_HOLD

_OWN_ASSIGNMENT = (
    sa.select(assignments.c.id)
    .where(assignments.c.comparison_id == gold.c.comparison_id, assignments.c.labeler == ME)
    .correlate(gold)
)
_IS_HELD = _OWN_ASSIGNMENT.where(assignments.c.closed_at.is_(None)).exists()
_IS_GIVEN_BACK = _OWN_ASSIGNMENT.where(
    assignments.c.closed_at.is_not(None), assignments.c.answer_id.is_(None)
).exists()


def _answered(table: sa.Table, is_mine: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Whether the labeler ever answered the gold question in a table, also if they withdrew it."""
    query = sa.select(table.c.sequence).where(table.c.comparison_id == gold.c.comparison_id)
    return query.where(is_mine).correlate(gold).exists()


_IS_CHECKED = _answered(quality_checks, quality_checks.c.labeler == ME)
_IS_LABELED = _answered(labels, sa.func.coalesce(labels.c.labeler, "") == ME)
"""In a form that the index of labelers does not fit: by it each question would pass all that they
ever answered. The index of questions finds the few answers to one."""
_IS_SPENT = sa.or_(_IS_CHECKED, _IS_LABELED, _IS_HELD, _IS_GIVEN_BACK)
_REGULAR = sa.bindparam("regular", type_=sa.Text)
_SOME: sa.BindParameter[str] = sa.bindparam("some", expanding=True)
FIRST_LOOK = 4
"""Gold questions of which the first statement says which are spent; each other looks at twice as
many; mostly the first few have one."""
MOST_LOOKED_AT = 64
"""In one statement. Asked about hundreds, PostgreSQL reads all labels to know which are spent."""

# Built once: building a query takes longer than running it.
_IS_SILENT = sa.and_(gold.c.ended_by.is_(None), gold.c.is_training.is_(False))
_ALL_SILENT = sa.select(gold.c.comparison_id).where(_IS_SILENT).order_by(gold.c.sequence)
_UNSPENT_SILENT = (
    sa.select(gold.c.comparison_id)
    .join(comparisons, comparisons.c.id == gold.c.comparison_id)
    .where(
        _IS_SILENT,
        gold.c.comparison_id.in_(_SOME),
        # Else PostgreSQL, which takes those that are asked alike for few, begins with all of them.
        comparisons.c.id.in_(_SOME),
        gold.c.comparison_id.not_in(ON_HOLD),
        ~_IS_SPENT,
        is_asked_like(_REGULAR),
    )
)
_ALL_TRAINING = (
    sa.select(gold.c.comparison_id)
    .where(gold.c.ended_by.is_(None), gold.c.is_training)
    .order_by(gold.c.sequence)
)
_UNSPENT_TRAINING = sa.select(gold.c.comparison_id).where(
    gold.c.ended_by.is_(None),
    gold.c.is_training,
    gold.c.comparison_id.in_(_SOME),
    gold.c.comparison_id.not_in(ON_HOLD),
    ~_IS_CHECKED,
    ~_IS_LABELED,
)
_TRAINED = sa.select(quality_checks.c.comparison_id).where(
    quality_checks.c.labeler == ME, quality_checks.c.kind == "training"
)


_OWN = sa.and_(
    assignments.c.labeler == ME,
    assignments.c.closed_at <= sa.bindparam("until", type_=sa.Double),
    assignments.c.comparison_id.not_in(sa.bindparam("taken", expanding=True)),
    assignments.c.comparison_id.not_in(ON_HOLD),
)
_FIRST_CLOSED = sa.select(sa.func.min(assignments.c.closed_at)).where(_OWN)
_RETESTED = sa.select(quality_checks.c.sequence).where(
    quality_checks.c.labeler == ME,
    quality_checks.c.comparison_id == assignments.c.comparison_id,
    quality_checks.c.kind == "retest",
)
_RETESTABLE = (
    sa.select(assignments.c.comparison_id, assignments.c.shown)
    .join(labels, labels.c.id == assignments.c.answer_id)
    .join(comparisons, comparisons.c.id == assignments.c.comparison_id)
    .where(
        is_asked_like(_REGULAR),
        assignments.c.kind == "regular",
        labels.c.ended_by.is_(None),
        labels.c.answer.in_(PREFERENCES),
        ~_RETESTED.exists(),
        _OWN,
    )
    .order_by(assignments.c.closed_at)
    .limit(1)
)
"""Assignments with a live answer whose comparison, like the regular one, was not retested yet."""
_START = sa.bindparam("start", type_=sa.Double)
_RETEST_FROM = _RETESTABLE.where(assignments.c.closed_at >= _START)
_RETEST_BEFORE = _RETESTABLE.where(assignments.c.closed_at < _START)


def draw_gold(
    connection: Connection,
    labeler: str,
    regular: str,
    rng: random.Random,
    *,
    taken: Collection[str],
) -> str | None:
    """Return a silent gold question like a regular one that the labeler was never handed.

    Nor is about to be: not one of those `taken`.
    """
    every = map(str, connection.execute(_ALL_SILENT).scalars())
    pool = [comparison_id for comparison_id in every if comparison_id not in taken]
    rng.shuffle(pool)
    terms = {"me": labeler, "regular": regular}
    return next(_unspent(connection, _UNSPENT_SILENT, terms, pool), None)


def draw_training(
    connection: Connection,
    labeler: str,
    rng: random.Random,
    *,
    items: int,
    held: Collection[str],
    n: int,
) -> list[str]:
    """Return up to n training questions that the labeler has not answered, of `items` in all."""
    done = set(map(str, connection.execute(_TRAINED, {"me": labeler}).scalars()))
    n = min(n, items - len(done) - len(held))
    if n <= 0:
        return []
    every = map(str, connection.execute(_ALL_TRAINING).scalars())
    taken = {*done, *held}
    pool = [comparison_id for comparison_id in every if comparison_id not in taken]
    rng.shuffle(pool)
    return list(islice(_unspent(connection, _UNSPENT_TRAINING, {"me": labeler}, pool), n))


def _unspent(
    connection: Connection, query: sa.Select[Any], terms: Mapping[str, str], pool: Sequence[str]
) -> Iterator[str]:
    """Yield those of a pool that a query finds among `some`, looking at few while that does."""
    first, n = 0, FIRST_LOOK
    while some := pool[first : first + n]:
        found = set(connection.execute(query, {**terms, "some": padded(some)}).scalars())
        yield from (name for name in some if name in found)
        first, n = first + n, min(2 * n, MOST_LOOKED_AT)


def draw_retest(
    connection: Connection,
    labeler: str,
    regular: str,
    rng: random.Random,
    *,
    until: float,
    taken: Collection[str],
) -> tuple[str, list[str]] | None:
    """Return a comparison like a regular one that the labeler answered before a time.

    With its samples, in the same or reverse order.
    """
    terms = {"me": labeler, "regular": regular, "until": until, "taken": padded(list(taken))}
    first_closed = connection.execute(_FIRST_CLOSED, terms).scalar()
    if first_closed is None:
        return None
    terms["start"] = rng.uniform(first_closed, until)
    for query in (_RETEST_FROM, _RETEST_BEFORE):
        row = connection.execute(query, terms).first()
        if row is not None:
            shown = json.loads(row.shown)
            return row.comparison_id, shown[::-1] if rng.random() < 0.5 else shown
    return None
