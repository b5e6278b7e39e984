"""Stored assignments and answers that a group of submissions refers to, read in two queries."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.records import Label
from prefloop.store.core.insertion import padded
from prefloop.store.core.rows import RowDict, label_row
from prefloop.store.core.tables import comparisons, labels
from prefloop.store.core.team_tables import assignments, batches, quality_checks, queue
from prefloop.store.labeling.free_questions import IS_OF_A_FROZEN_BATCH
from prefloop.teamwork import Submission

AssignmentRow = sa.Row[*tuple[Any, ...]]
"""An assignment with the time at which the batch of its comparison was frozen, if it was."""

FIELDS = (
    *("id", "comparison_id", "labeler", "answer", "chosen", "shown", "seconds"),
    *("instructions", "ended_by"),
)
ASSIGNMENT_FIELDS = (
    *("id", "comparison_id", "labeler", "kind", "shown", "answer_id", "is_tallied"),
    *("handed_at", "leased_at", "leased_until"),
)
LABEL_FIELDS = ("note", "confidence", "details")
"""Compared for labels only: the table of quality checks has no confidence, and its older rows may
lack the rest."""


def _one_of(column: sa.Column[Any], name: str) -> sa.ColumnElement[bool]:
    return column.in_(sa.bindparam(name, expanding=True))


def _where_assigned(table: sa.Table) -> sa.FromClause:
    """Live answers to the assignments' comparisons by the assignments' labelers."""
    is_of_assignment = sa.and_(
        table.c.comparison_id == assignments.c.comparison_id,
        table.c.labeler == assignments.c.labeler,
        table.c.ended_by.is_(None),
    )
    return assignments.join(table, is_of_assignment)


_OTHER = assignments.alias("answered_assignment")
# One step in the index: the newest of the labeler's answers. Answers from before the clock was set
# back lie in the future and are passed over.
_LAST_ANSWER_AT = (
    sa.select(_OTHER.c.closed_at)
    .where(
        _OTHER.c.labeler == assignments.c.labeler,
        _OTHER.c.closed_at <= sa.bindparam("now", type_=sa.Double),
        _OTHER.c.answer_id.is_not(None),
    )
    .order_by(_OTHER.c.closed_at.desc())
    .limit(1)
    .correlate(assignments)
    .scalar_subquery()
)

# Built once: building a query takes longer than running it.
_ASSIGNMENTS = (
    sa.select(
        *(assignments.c[name] for name in ASSIGNMENT_FIELDS),
        batches.c.frozen_at,
        batches.c.round.label("batch"),
        comparisons.c.label_type,
        IS_OF_A_FROZEN_BATCH.label("is_of_a_frozen_batch"),
        _LAST_ANSWER_AT.label("last_answer_at"),
    )
    .join(comparisons, comparisons.c.id == assignments.c.comparison_id)
    .outerjoin(queue, queue.c.comparison_id == assignments.c.comparison_id)
    .outerjoin(batches, batches.c.round == queue.c.round)
    .where(_one_of(assignments.c.id, "assignment_ids"))
)
_LABEL = (
    sa.literal_column("'regular'").label("kind"),
    *(labels.c[name] for name in (*FIELDS, *LABEL_FIELDS)),
)
_CHECK = (
    quality_checks.c.kind,
    *(quality_checks.c[name] for name in FIELDS),
    sa.literal_column("''").label("note"),
    sa.cast(sa.null(), sa.Double).label("confidence"),
    sa.cast(sa.null(), sa.Text).label("details"),
)
_ANSWERS = sa.union_all(
    sa.select(*_LABEL).where(_one_of(labels.c.id, "ids")),
    sa.select(*_LABEL)
    .select_from(_where_assigned(labels))
    .where(_one_of(assignments.c.id, "assignment_ids")),
    sa.select(*_CHECK).where(_one_of(quality_checks.c.id, "ids")),
    sa.select(*_CHECK)
    .select_from(_where_assigned(quality_checks))
    .where(_one_of(assignments.c.id, "assignment_ids")),
)


def stored_assignments(
    connection: Connection, now: float, submissions: Sequence[Submission]
) -> dict[str, AssignmentRow]:
    """Return the assignments that the submissions answer, by id."""
    terms = {"assignment_ids": padded([each.assignment_id for each in submissions]), "now": now}
    return {row.id: row for row in connection.execute(_ASSIGNMENTS, terms)}


def stored_answers(connection: Connection, submissions: Sequence[Submission]) -> dict[str, RowDict]:
    """Return the answers with the submissions' ids, and the live ones to their assignments."""
    terms = {
        "ids": padded([each.label.id for each in submissions]),
        "assignment_ids": padded([each.assignment_id for each in submissions]),
    }
    return {row["id"]: dict(row) for row in connection.execute(_ANSWERS, terms).mappings()}


def is_same(label: Label, stored: RowDict) -> bool:
    """Whether an answer equals the stored one."""
    row = label_row(label)
    names = FIELDS if stored["kind"] != "regular" else (*FIELDS, *LABEL_FIELDS)
    return all(row[name] == stored[name] for name in names if name in row)
