"""Who may be given a question for verdicts: people who gave no label for training, if enough are.

Where there are fewer than ENOUGH_INDEPENDENT, everybody is asked, and the figures say so.
"""

from typing import Final

import sqlalchemy as sa

from prefloop.store.core.tables import comparisons, labels
from prefloop.store.core.team_tables import people, queue
from prefloop.store.labeling.recount import EXCLUDED

HELD_OUT: Final = "held_out"
"""The split of comparisons whose answers are verdicts: no label is given to them."""

ENOUGH_INDEPENDENT = 3
"""From so many people on, only those who gave no label for training are asked for verdicts: three
can answer every question that wants the majority of three."""


def has_trained(labeler: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a labeler gave a label that a reward model may learn from."""
    given, asked = labels.alias("given_label"), comparisons.alias("labeled_comparison")
    query = (
        sa.select(given.c.sequence)
        .join(asked, asked.c.id == given.c.comparison_id)
        .where(given.c.labeler == labeler, given.c.ended_by.is_(None), asked.c.split != HELD_OUT)
    )
    return query.correlate_except(given, asked).exists()


def _is_independent(person: sa.FromClause) -> sa.ColumnElement[bool]:
    """Labelers with an account whose answers count, and who gave no label for training."""
    return sa.and_(
        person.c.role == "labeler",
        person.c.disabled_at.is_(None),
        person.c.name.not_in(EXCLUDED),
        sa.func.coalesce(person.c.qualification, "") != "failed",
        ~has_trained(person.c.name),
    )


IS_INDEPENDENT = _is_independent(people)
"""Whether a row of `people` is somebody who can judge without having labeled for training."""

_PERSON = people.alias("independent_person")
_N_INDEPENDENT = (
    sa.select(sa.func.count())
    .select_from(_PERSON)
    .where(_is_independent(_PERSON))
    .correlate(None)
    .scalar_subquery()
)


def may_answer(labeler: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Return the condition that the queue's comparison may be given to a labeler.

    Questions for labels, whose batches have no negative number, may be given to anybody.
    """
    is_for_labels = queue.c.round >= 0
    return sa.or_(is_for_labels, ~has_trained(labeler), _N_INDEPENDENT < ENOUGH_INDEPENDENT)
