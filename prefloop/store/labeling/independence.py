"""Who may be given a question for verdicts: people who gave no label for training, if enough are.

Where there are fewer than ENOUGH_INDEPENDENT, everybody is asked, and the figures say so. Nobody is
asked about a prompt twice: other contests show the same text of the baseline, and so betray it.
Live questions are for everybody, and as rarely about a prompt twice.
"""

from typing import Final

import sqlalchemy as sa

from prefloop.store.core.tables import comparisons, labels
from prefloop.store.core.team_tables import adjudications, assignments, people, queue
from prefloop.store.labeling.assignments import is_leased
from prefloop.store.labeling.recount import EXCLUDED
from prefloop.teamwork import LIVE

HELD_OUT: Final = "held_out"
"""The split of comparisons whose answers are verdicts: no label is given to them."""

ENOUGH_INDEPENDENT = 3
"""From so many people on, only those who gave no label for training are asked for verdicts: three
can answer every question that wants the majority of three."""


def has_trained(labeler: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a reward model may have learned from a labeler's label or verdict.

    Verdicts are those of owners on questions. Also what was withdrawn counts: a round may have been
    trained on it before.
    """
    given, asked = labels.alias("given_label"), comparisons.alias("labeled_comparison")
    query = (
        sa.select(given.c.sequence)
        .join(asked, asked.c.id == given.c.comparison_id)
        .where(given.c.labeler == labeler, asked.c.split != HELD_OUT)
    )
    decided = adjudications.alias("owners_verdict")
    decisions = sa.select(decided.c.sequence).where(decided.c.decided_by == labeler)
    return sa.or_(
        query.correlate_except(given, asked).exists(),
        decisions.correlate_except(decided).exists(),
    )


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
    is_trusted = sa.or_(
        queue.c.round == LIVE, ~has_trained(labeler), _N_INDEPENDENT < ENOUGH_INDEPENDENT
    )
    return sa.or_(is_for_labels, sa.and_(is_trusted, ~_has_seen_prompt(labels, labeler)))


def holds_prompt(labeler: sa.ColumnElement[str], now: sa.ColumnElement[float]) -> sa.Exists:
    """Return the condition that a labeler holds another question for verdicts on the prompt."""
    return _has_seen_prompt(assignments, labeler, is_leased(now))


def _has_seen_prompt(
    table: sa.Table, labeler: sa.ColumnElement[str], *more: sa.ColumnElement[bool]
) -> sa.Exists:
    """Whether a row of the labeler is about another question for verdicts on the queue's prompt."""
    this, other = comparisons.alias("this_question"), comparisons.alias("seen_question")
    query = (
        sa.select(other.c.id)
        .join(table, table.c.comparison_id == other.c.id)
        .join(this, this.c.prompt_id == other.c.prompt_id)
        .where(
            this.c.id == queue.c.comparison_id,
            this.c.split == HELD_OUT,
            other.c.split == HELD_OUT,
            other.c.id != this.c.id,
            table.c.labeler == labeler,
            *more,
        )
    )
    return query.correlate_except(this, other, table).exists()
