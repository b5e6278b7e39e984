"""People and their roles."""

import unicodedata
import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import StoreError
from prefloop.store.core import clock
from prefloop.store.core.database import Database
from prefloop.store.core.rewriting import erased
from prefloop.store.core.rows import RowMapping
from prefloop.store.core.team_rows import person_record
from prefloop.store.core.team_tables import api_tokens, invites, people, sessions
from prefloop.store.people.identity import erase, refuse_signed, rename
from prefloop.store.people.passwords import hash_password
from prefloop.teamwork import Person, Role
from prefloop.text.decoding import text_fault
from prefloop.text.looks import look_alike
from prefloop.text.normal_form import normal_form, typed_form

ROLES: Sequence[Role] = ("owner", "labeler", "viewer")
LONGEST_NAME = 64


class People:
    """The people of a store. A person is an id; labels are signed with the name of today."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, role: Role) -> Person:
        """Return the new person; a name in use, in any case, is refused."""
        name = _checked_name(name)
        if role not in ROLES:
            raise StoreError(f"{role!r} is no role. Give one of {', '.join(ROLES)}.")
        with self._database.writing() as connection:
            _refuse_taken(connection, name)
            row = {
                "id": uuid.uuid4().hex,
                "name": name,
                "role": role,
                "created_at": clock.now(connection),
                "disabled_at": None,
                "qualification": None,
            }
            connection.execute(sa.insert(people).values(row))
            return person_record(row)

    def all(self) -> list[Person]:
        """Return all people, disabled ones included, in the order in which they were added."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(people).order_by(people.c.number)).mappings()
            return [person_record(row) for row in rows]

    def by_id(self, person_id: str) -> Person | None:
        """Return the person with this id."""
        with self._database.reading() as connection:
            row = find_person(connection, people.c.id == person_id)
        return None if row is None else person_record(row)

    def by_name(self, name: str) -> Person | None:
        """Return the person with this name, in whatever characters it is typed."""
        with self._database.reading() as connection:
            row = find_named(connection, name)
        return None if row is None else person_record(row)

    def disable(self, person_id: str) -> None:
        """Disable an account: its sessions, tokens and unused codes end at once.

        The labels stay. The last owner cannot be disabled.
        """
        with self._database.writing() as connection:
            row = known_person(connection, person_id)
            if row["disabled_at"] is not None:
                return
            if row["role"] == "owner" and _n_owners(connection) == 1:
                raise StoreError(
                    f"{row['name']} is the last owner who can log in. Add another owner first."
                )
            _lock_out(connection, person_id, clock.now(connection))

    def rename(self, person_id: str, name: str) -> Person:
        """Change a name, in the ledger and in all tables; its hashes stay, see `rewriting.py`.

        A name in use, one that looks like it, and one that answers are signed with are refused.
        """
        name = _checked_name(name)
        with self._database.writing() as connection:
            row = known_person(connection, person_id)
            _refuse_erased(connection, person_id)
            if row["name"] != name:
                _refuse_taken(connection, name, except_for=row["name"])
                refuse_signed(connection, name)
                rename(connection, person_id, row["name"], name)
            return person_record(known_person(connection, person_id))

    def erase(self, person_id: str) -> Person:
        """Disable an account for good, and take its name and what it wrote out of the store.

        The answers stay, without notes, and so do the hashes of the ledger. The last owner cannot
        be erased. Copies that were made before (backups, exports, reports) are not reached. Erased
        again, what was written about the person since is taken out as well.
        """
        self.disable(person_id)
        with self._database.writing() as connection:
            row = known_person(connection, person_id)
            erase(connection, person_id, row["name"])
            return person_record(known_person(connection, person_id))

    def erased(self) -> set[str]:
        """Return the ids of the people who were erased."""
        with self._database.reading() as connection:
            return erased(connection)

    def enable(self, person_id: str) -> None:
        """Enable an account again; the person needs a new code, or their password."""
        with self._database.writing() as connection:
            known_person(connection, person_id)
            _refuse_erased(connection, person_id)
            query = sa.update(people).where(people.c.id == person_id)
            connection.execute(query.values(disabled_at=None))

    def set_password(self, person_id: str, password: str) -> None:
        """Set a person's password; it replaces an earlier one and ends the person's sessions."""
        # Hashing takes time by design: it runs outside the transaction.
        password_hash = hash_password(password)
        with self._database.writing() as connection:
            known_person(connection, person_id)
            query = sa.update(people).where(people.c.id == person_id)
            connection.execute(query.values(password_hash=password_hash))
            end_all(connection, sessions.c.ended_at, person_id)

    def has_owner_password(self) -> bool:
        """Whether an owner with an enabled account has a password."""
        query = sa.select(people.c.id).where(
            people.c.role == "owner",
            people.c.disabled_at.is_(None),
            people.c.password_hash.is_not(None),
        )
        with self._database.reading() as connection:
            return connection.execute(query.limit(1)).first() is not None


def find_person(connection: Connection, condition: sa.ColumnElement[bool]) -> RowMapping | None:
    """Return the row of the person who meets a condition, including the password hash."""
    return connection.execute(sa.select(people).where(condition)).mappings().first()


def find_named(connection: Connection, name: str) -> RowMapping | None:
    """Return the row of the person with this name; one of exactly these characters comes first."""
    if text_fault(name) is not None:
        return None  # no database could be asked for it
    forms = list(dict.fromkeys([name, unicodedata.normalize("NFC", name), typed_form(name)]))
    query = sa.select(people).where(people.c.name.in_(forms))
    rows = {row["name"]: row for row in connection.execute(query).mappings()}
    return next((rows[form] for form in forms if form in rows), None)


def end_all(
    connection: Connection,
    column: sa.Column[float | None],
    person_id: str,
    now: float | None = None,
) -> None:
    """End all of a person's sessions, tokens or codes: the column says when each ended."""
    table = column.table
    query = sa.update(table).where(table.c.person_id == person_id, column.is_(None))
    connection.execute(query.values({column: clock.now(connection) if now is None else now}))


def known_person(connection: Connection, person_id: str) -> RowMapping:
    """Return the row of a person; a StoreError if there is none."""
    row = find_person(connection, people.c.id == person_id)
    if row is None:
        raise StoreError(f"There is no person with the id {person_id}. Look at the list of people.")
    return row


def _checked_name(name: str) -> str:
    name = typed_form(name).strip()
    if not name:
        raise StoreError("A person needs a name; a pseudonym will do.")
    if len(name) > LONGEST_NAME:
        raise StoreError(
            f"A name has at most {LONGEST_NAME} characters; this one has {len(name)}. Shorten it."
        )
    if not name.isprintable():
        raise StoreError(
            f"The name {name!r} holds a character that cannot be printed. Leave it out."
        )
    return name


def _refuse_erased(connection: Connection, person_id: str) -> None:
    if person_id in erased(connection):
        raise StoreError("This person was erased, which is for good. Add a new person instead.")


def _refuse_taken(connection: Connection, name: str, *, except_for: str = "") -> None:
    """Refuse a name in use: names that differ only in case, form or look could be confused."""
    query = sa.select(people.c.name).where(people.c.name != except_for)
    for taken in connection.execute(query).scalars():
        if normal_form(typed_form(taken)) == normal_form(name):
            raise StoreError(f"The name {taken} is in use. Choose another name.")
        if look_alike(taken, name):
            raise StoreError(
                f"The name {name} looks like {taken}, which is in use. Choose another name."
            )


def _n_owners(connection: Connection) -> int:
    query = sa.select(sa.func.count()).select_from(people)
    query = query.where(people.c.role == "owner", people.c.disabled_at.is_(None))
    return connection.execute(query).scalar_one()


def _lock_out(connection: Connection, person_id: str, now: float) -> None:
    connection.execute(sa.update(people).where(people.c.id == person_id).values(disabled_at=now))
    for column in (sessions.c.ended_at, api_tokens.c.revoked_at, invites.c.used_at):
        end_all(connection, column, person_id, now)
