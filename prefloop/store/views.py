"""Views: questions that were handed to a labeler, and whether they are leased still."""

import json
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.store.insertion import chunks, rows_where
from prefloop.store.rows import Columns
from prefloop.store.tables import comparisons, prompts, samples
from prefloop.store.team_tables import views
from prefloop.teamwork import ShownSample, View

CLOCK_SLACK_SECONDS = 60.0
"""A lease that begins later than this from now is older than a clock put back: it is over."""


def is_leased(now: sa.ColumnElement[float]) -> sa.ColumnElement[bool]:
    """Return the condition that nobody else is to be given a view's question now."""
    return sa.and_(
        views.c.closed_at.is_(None),
        views.c.leased_at <= now + CLOCK_SLACK_SECONDS,
        views.c.leased_until > now,
    )


def view_records(connection: Connection, rows: Sequence[Columns]) -> list[View]:
    """Return the views in rows, with their texts."""
    prompt_texts = _prompt_texts(connection, [row["comparison_id"] for row in rows])
    shown = {row["id"]: json.loads(row["shown"]) for row in rows}
    texts = _sample_texts(connection, [name for ids in shown.values() for name in ids])
    return [
        View(
            id=row["id"],
            comparison_id=row["comparison_id"],
            labeler=row["labeler"],
            kind=row["kind"],
            prompt=prompt_texts[row["comparison_id"]],
            samples=tuple(ShownSample(id=i, text=texts[i]) for i in shown[row["id"]]),
            leased_at=row["leased_at"],
            leased_until=row["leased_until"],
        )
        for row in rows
    ]


def find_view(connection: Connection, view_id: str) -> View | None:
    """Return the view with this id."""
    found = view_records(connection, rows_where(connection, views, "id", [view_id]))
    return found[0] if found else None


def _prompt_texts(connection: Connection, comparison_ids: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for chunk in chunks(comparison_ids):
        query = sa.select(comparisons.c.id, prompts.c.text)
        query = query.join(prompts, prompts.c.id == comparisons.c.prompt_id)
        query = query.where(comparisons.c.id.in_(chunk))
        found.update((row.id, row.text) for row in connection.execute(query))
    return found


def _sample_texts(connection: Connection, sample_ids: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for chunk in chunks(sample_ids):
        query = sa.select(samples.c.id, samples.c.text).where(samples.c.id.in_(chunk))
        found.update((row.id, row.text) for row in connection.execute(query))
    return found
