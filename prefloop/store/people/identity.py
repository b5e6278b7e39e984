"""A person's name wherever it stands: changed, or taken out together with what they wrote.

A person is an id; the name is what their answers are signed with. It stands in the payloads of
events and in the tables that are made from them, and changes in all of them in one transaction.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import StoreError
from prefloop.store.core import clock, ledger
from prefloop.store.core.rewriting import rewrite_events
from prefloop.store.core.tables import labels, metadata
from prefloop.store.core.team_tables import (
    adjudications,
    api_tokens,
    assignments,
    exclusions,
    holds,
    people,
    quality_checks,
    stop_requests,
    tallies,
)

NAMES = frozenset(
    [
        *("labeler", "by", "created_by", "decided_by", "held_by", "pulled_by"),
        *("applied_by", "undone_by", "released_by"),
    ]
)
"""Fields of payloads, and columns of tables, that hold names of people."""

SHARES = "shares"
"""Field of payloads that holds a share by name."""

SOURCES, PERSON = "sources", "person:"
"""Field of payloads that lists what imported labels rest on, and how a person stands there."""

WORDS = ("note", "reason", "checked")
"""Fields of payloads that hold what somebody wrote freely."""

GONE = "(erased)"
"""What stands where somebody wrote something."""

_WRITTEN = (
    (labels, "labeler", "note"),
    (quality_checks, "labeler", "note"),
    (holds, "held_by", "reason"),
    (adjudications, "decided_by", "reason"),
    (exclusions, "labeler", "reason"),
    (exclusions, "applied_by", "reason"),
    (stop_requests, "pulled_by", "reason"),
    (stop_requests, "released_by", "checked"),
)
"""Table, who wrote it or whom it is about, and the column of the text."""


def rename(connection: Connection, person_id: str, name: str, new_name: str) -> None:
    """Change a name in the list of people, in all events and in all tables."""

    def changed(content: Mapping[str, Any]) -> Mapping[str, Any]:
        return {key: _renamed(key, value, name, new_name) for key, value in content.items()}

    rewrite_events(connection, ledger.RENAMED, person_id, [name, PERSON + name], changed)
    _rename_rows(connection, person_id, name, new_name)


def erase(connection: Connection, person_id: str, name: str) -> str:
    """Take a name and what was written under it out of everything; return what stands there now.

    Questions that the person held are free again. Answers stay, without their notes.
    """
    new_name = f"erased-{person_id[:8]}"

    def changed(content: Mapping[str, Any]) -> Mapping[str, Any]:
        if not any(_is_name(key, value, name) for key, value in content.items()):
            return content
        return {key: _without_words(key, value, name, new_name) for key, value in content.items()}

    rewrite_events(connection, ledger.ERASED, person_id, [name, PERSON + name], changed)
    for table, column, text in _WRITTEN:
        is_theirs = sa.and_(table.c[column] == name, table.c[text] != "")
        connection.execute(sa.update(table).where(is_theirs).values({text: GONE}))
    is_held = sa.and_(assignments.c.labeler == name, assignments.c.closed_at.is_(None))
    connection.execute(
        sa.update(assignments).where(is_held).values(closed_at=clock.now(connection))
    )
    tokens = sa.update(api_tokens).where(api_tokens.c.person_id == person_id)
    connection.execute(tokens.values(name=GONE))
    _rename_rows(connection, person_id, name, new_name)
    this = people.c.id == person_id
    connection.execute(sa.update(people).where(this).values(password_hash=None))
    return new_name


def refuse_signed(connection: Connection, name: str) -> None:
    """Refuse a name that answers are signed with already: two people's would become one's."""
    for column in (labels.c.labeler, quality_checks.c.labeler, assignments.c.labeler):
        if connection.execute(sa.select(column).where(column == name).limit(1)).first():
            raise StoreError(
                f"Answers are signed with the name {name} already, of an import perhaps, and would "
                "become this person's. Choose another name."
            )


def _is_name(key: str, value: Any, name: str) -> bool:
    if key == SOURCES:
        return PERSON + name in value
    return (key in NAMES and value == name) or (key == SHARES and name in value)


def _renamed(key: str, value: Any, name: str, new_name: str) -> Any:
    if not _is_name(key, value, name):
        return value
    if key == SOURCES:
        return [PERSON + new_name if each == PERSON + name else each for each in value]
    if key == SHARES:
        return {new_name if who == name else who: share for who, share in value.items()}
    return new_name


def _without_words(key: str, value: Any, name: str, new_name: str) -> Any:
    if key in WORDS and value:
        return GONE
    return _renamed(key, value, name, new_name)


def _rename_rows(connection: Connection, person_id: str, name: str, new_name: str) -> None:
    _count_as_changed(connection, name)
    for table in metadata.sorted_tables:
        for column in [column for column in table.columns if column.name in NAMES]:
            query = sa.update(table).where(column == name)
            connection.execute(query.values({column: new_name}))
    this = people.c.id == person_id
    connection.execute(sa.update(people).where(this).values(name=new_name))


def _count_as_changed(connection: Connection, name: str) -> None:
    """Let every process that keeps sums by name read the hours of this labeler again."""
    rewriting = ledger.head(connection).n_events
    query = sa.update(tallies).where(tallies.c.labeler == name)
    connection.execute(query.values(sequence=rewriting))
