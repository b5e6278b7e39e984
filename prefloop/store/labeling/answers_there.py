"""What is there already where answers come in: read in two questions for a whole group of them."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.records import Label
from prefloop.store.core.rows import Row, label_row
from prefloop.store.core.tables import labels
from prefloop.store.core.team_tables import batches, checks, queue, views
from prefloop.store.labeling.claims import IS_OF_A_FROZEN_BATCH
from prefloop.teamwork import Submission

HandedOut = sa.Row[*tuple[Any, ...]]
"""A view, with the moment at which its question's batch was frozen, if it has one."""

FIELDS = (
    *("id", "comparison_id", "labeler", "answer", "chosen", "shown", "seconds"),
    *("instructions", "ended_by"),
)
LABEL_FIELDS = ("note", "confidence")
"""Of a check, only the ledger has these."""


def _one_of(column: sa.Column[Any], name: str) -> sa.ColumnElement[bool]:
    return column.in_(sa.bindparam(name, expanding=True))


def _where_handed_out(table: sa.Table) -> sa.FromClause:
    """Live answers at the views' questions by the views' labelers."""
    is_there = sa.and_(
        table.c.comparison_id == views.c.comparison_id,
        table.c.labeler == views.c.labeler,
        table.c.ended_by.is_(None),
    )
    return views.join(table, is_there)


# Built once: building a question to the database takes longer than asking it.
_VIEWS = (
    sa.select(
        *(views.c.id, views.c.comparison_id, views.c.labeler, views.c.kind, views.c.shown),
        *(views.c.answer_id, views.c.is_tallied, batches.c.frozen_at),
        IS_OF_A_FROZEN_BATCH.label("is_of_a_frozen_batch"),
    )
    .outerjoin(queue, queue.c.comparison_id == views.c.comparison_id)
    .outerjoin(batches, batches.c.round == queue.c.round)
    .where(_one_of(views.c.id, "view_ids"))
)
_LABEL = (
    sa.literal_column("'work'").label("kind"),
    *(labels.c[name] for name in (*FIELDS, *LABEL_FIELDS)),
)
_CHECK = (
    checks.c.kind,
    *(checks.c[name] for name in FIELDS),
    sa.literal_column("''").label("note"),
    sa.cast(sa.null(), sa.Double).label("confidence"),
)
_ANSWERS = sa.union_all(
    sa.select(*_LABEL).where(_one_of(labels.c.id, "ids")),
    sa.select(*_LABEL)
    .select_from(_where_handed_out(labels))
    .where(_one_of(views.c.id, "view_ids")),
    sa.select(*_CHECK).where(_one_of(checks.c.id, "ids")),
    sa.select(*_CHECK)
    .select_from(_where_handed_out(checks))
    .where(_one_of(views.c.id, "view_ids")),
)


def views_there(connection: Connection, submissions: Sequence[Submission]) -> dict[str, HandedOut]:
    """Return the views that are answered, by id."""
    terms = {"view_ids": [each.view_id for each in submissions]}
    return {row.id: row for row in connection.execute(_VIEWS, terms)}


def answers_there(connection: Connection, submissions: Sequence[Submission]) -> dict[str, Row]:
    """Return answers under the submissions' ids, and those that are live where their views are."""
    terms = {
        "ids": [each.label.id for each in submissions],
        "view_ids": [each.view_id for each in submissions],
    }
    return {row["id"]: dict(row) for row in connection.execute(_ANSWERS, terms).mappings()}


def is_same(label: Label, there: Row) -> bool:
    """Whether an answer is the one that is there."""
    row = label_row(label)
    names = FIELDS if there["kind"] != "work" else (*FIELDS, *LABEL_FIELDS)
    return all(row[name] == there[name] for name in names if name in row)
