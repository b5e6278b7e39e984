"""The instructions to labelers: every version, and who has read which."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import StoreError
from prefloop.store.core import clock, ledger
from prefloop.store.core.database import Database
from prefloop.store.core.rows import RowMapping
from prefloop.store.core.team_rows import instructions_record
from prefloop.store.core.team_tables import instructions, people
from prefloop.store.people.people import known_person
from prefloop.teamwork import Instructions

PUBLISHED = "instructions_published"


class InstructionsBook:
    """The versions of the instructions. A published version never changes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def current(self) -> Instructions:
        """Return the version that was published last."""
        versions = self.all()
        if not versions:
            raise StoreError(
                "No instructions were published yet. "
                "`prefloop run` publishes the task's instructions."
            )
        return versions[-1]

    def all(self) -> list[Instructions]:
        """Return every version, in the order in which they were published."""
        query = sa.select(instructions).order_by(instructions.c.number)
        with self._database.reading() as connection:
            return [instructions_record(row) for row in connection.execute(query).mappings()]

    def by_version(self, version: str) -> Instructions | None:
        """Return this version."""
        with self._database.reading() as connection:
            row = _find(connection, version)
        return None if row is None else instructions_record(row)

    def publish(
        self, version: str, question: str, text: str, is_major: bool, by: str
    ) -> Instructions:
        """Publish a version and return it. Labels name it, so its text cannot change later."""
        if not version.strip() or not version.isprintable():
            raise StoreError(f"The instructions need a version, such as 2; got {version!r}.")
        with self._database.writing() as connection:
            stored = _find(connection, version)
            if stored is None:
                return _insert(connection, version, question, text, is_major, by)
        if (stored["question"], stored["text"]) != (question, text):
            raise StoreError(
                f"Version {version} of the instructions is published with other words, and labels "
                "may name it. Raise task.instructions_version."
            )
        return instructions_record(stored)

    def acknowledge(self, person_id: str, version: str) -> None:
        """Record that a person has read a version; an older one than before changes nothing."""
        with self._database.writing() as connection:
            person = known_person(connection, person_id)
            read = _find(connection, version)
            if read is None:
                raise StoreError(f"There is no version {version!r} of the instructions to read.")
            before = _find(connection, person["read_instructions"] or "")
            if before is None or before["number"] < read["number"]:
                query = sa.update(people).where(people.c.id == person_id)
                connection.execute(query.values(read_instructions=version))

    def acknowledged(self, person_id: str) -> str | None:
        """Return the newest version that a person has read."""
        with self._database.reading() as connection:
            version: str | None = known_person(connection, person_id)["read_instructions"]
        return version


def _find(connection: Connection, version: str) -> RowMapping | None:
    query = sa.select(instructions).where(instructions.c.version == version)
    return connection.execute(query).mappings().first()


def _insert(
    connection: Connection, version: str, question: str, text: str, is_major: bool, by: str
) -> Instructions:
    content = {
        "version": version,
        "question": question,
        "text": text,
        "is_major": is_major,
        "created_by": by,
    }
    ledger.append(connection, [(PUBLISHED, content)])
    row = content | {"created_at": clock.now(connection)}
    connection.execute(sa.insert(instructions).values(row))
    return instructions_record(row)
