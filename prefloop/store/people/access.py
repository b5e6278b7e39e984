"""Invite codes, passwords, sessions and API tokens.

A wrong, a used and an expired code give the same result, and so do an unknown name, a wrong
password and a disabled account.
"""

import uuid
from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import DiskError, StoreError
from prefloop.store.core import clock
from prefloop.store.core.database import Database
from prefloop.store.core.rows import RowMapping
from prefloop.store.core.team_rows import person_record
from prefloop.store.core.team_tables import api_tokens, invites, people, sessions
from prefloop.store.people.codes import digest, new_code, new_secret, plain_code
from prefloop.store.people.passwords import is_password
from prefloop.store.people.people import end_all, find_named, find_person, known_person
from prefloop.teamwork import Person, Session
from prefloop.text.decoding import text_fault

DAY_SECONDS = 24 * 3600.0
IDLE_SECONDS = 7 * DAY_SECONDS
"""A session ends after this time without use."""

ABSOLUTE_SECONDS = 30 * DAY_SECONDS
"""A session ends when it is this old, used or not."""

TOUCH_SECONDS = 60.0
"""Resolution of a session's last use: a finer one would need a write per request."""


class Access:
    """Codes, passwords, sessions and tokens of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def invite(self, person_id: str, valid_hours: float = 72) -> str:
        """Return a code with which a person logs in once; earlier codes that are unused end.

        Only its hash is stored: show it now.
        """
        if not 0 < valid_hours <= 24 * 90:
            raise StoreError(f"A code is valid for up to 90 days; {valid_hours} hours are not.")
        code = new_code()
        with self._database.writing() as connection:
            _require_enabled(connection, person_id)
            now = clock.now(connection)
            end_all(connection, invites.c.used_at, person_id, now)
            connection.execute(
                sa.insert(invites).values(
                    code_hash=digest(plain_code(code)),
                    person_id=person_id,
                    created_at=now,
                    expires_at=now + valid_hours * 3600,
                )
            )
        return code

    def end_code(self, person_id: str) -> None:
        """End the code that a person has not used yet, if there is one."""
        with self._database.writing() as connection:
            known_person(connection, person_id)
            end_all(connection, invites.c.used_at, person_id)

    def open_codes(self) -> dict[str, float]:
        """Return when the unused code of each person expires, by the person's id."""
        with self._database.reading() as connection:
            now = clock.now(connection)
            query = sa.select(invites.c.person_id, invites.c.expires_at).where(
                invites.c.used_at.is_(None), invites.c.expires_at > now
            )
            # A store of an earlier version may hold several; the last to expire counts.
            rows = connection.execute(query.order_by(invites.c.expires_at))
            return {row.person_id: row.expires_at for row in rows}

    def log_in_with_code(self, code: str) -> tuple[str, Session] | None:
        """Return the secret of the cookie and a new session; the code is used up."""
        is_this = invites.c.code_hash == digest(plain_code(code))
        # Looked up first: a guess must not block writers.
        with self._database.reading() as connection:
            if connection.execute(sa.select(invites.c.person_id).where(is_this)).first() is None:
                return None
        with self._database.writing() as connection:
            now = clock.now(connection)
            is_good = sa.and_(is_this, invites.c.used_at.is_(None), invites.c.expires_at > now)
            query = sa.select(invites.c.person_id).where(is_good)
            person_id = connection.execute(query).scalar_one_or_none()
            if person_id is None or _enabled(connection, person_id) is None:
                return None
            connection.execute(sa.update(invites).where(is_good).values(used_at=now))
            return _begin(connection, known_person(connection, person_id), now)

    def log_in_with_password(self, name: str, password: str) -> tuple[str, Session] | None:
        """Return the secret of the cookie and a new session, if name and password match."""
        with self._database.reading() as connection:
            row = find_named(connection, name)
        can_enter = row is not None and row["disabled_at"] is None
        known_hash = row["password_hash"] if row is not None and can_enter else None
        if not is_password(known_hash, password) or row is None:
            return None
        with self._database.writing() as connection:
            # The password may have been changed, or the account disabled, meanwhile.
            person = _enabled(connection, row["id"])
            if person is None or person["password_hash"] != known_hash:
                return None
            return _begin(connection, person, clock.now(connection))

    def session(self, secret: str) -> Session | None:
        """Return the session of a cookie, unless it has ended or the account is disabled."""
        is_this = sessions.c.secret_hash == digest(secret)
        with self._database.reading() as connection:
            now = clock.now(connection)
            found = _live_session(connection, is_this, now)
            person = None if found is None else _enabled(connection, found["person_id"])
        if found is None or person is None:
            return None
        if now - found["seen_at"] >= TOUCH_SECONDS:
            query = sa.update(sessions).where(is_this, sessions.c.ended_at.is_(None))
            # On a full disk people must still be able to read, the owner above all.
            with suppress(DiskError), self._database.writing() as connection:
                connection.execute(query.values(seen_at=now))
        return Session(
            person=person_record(person), csrf=found["csrf"], expires_at=found["expires_at"]
        )

    def log_out(self, secret: str) -> None:
        """End the session of a cookie, if there is one."""
        query = sa.update(sessions).where(
            sessions.c.secret_hash == digest(secret), sessions.c.ended_at.is_(None)
        )
        with self._database.writing() as connection:
            connection.execute(query.values(ended_at=clock.now(connection)))

    def new_token(self, person_id: str, name: str) -> tuple[str, str]:
        """Return the id and the secret of a new API token. Only a hash of the secret is stored."""
        if not name.strip() or len(name) > 64:
            raise StoreError("Give the token a name of up to 64 characters: what it is for.")
        if (fault := text_fault(name)) is not None:
            raise StoreError(f"The token's name {fault}.")
        token_id, secret = uuid.uuid4().hex, f"prefloop_{new_secret()}"
        with self._database.writing() as connection:
            _require_enabled(connection, person_id)
            if known_person(connection, person_id)["role"] == "viewer":
                raise StoreError("A viewer cannot label: give the token to a labeler or an owner.")
            connection.execute(
                sa.insert(api_tokens).values(
                    secret_hash=digest(secret),
                    id=token_id,
                    person_id=person_id,
                    name=name.strip(),
                    created_at=clock.now(connection),
                )
            )
        return token_id, secret

    def by_token(self, secret: str) -> Person | None:
        """Return the person of a token, unless it was revoked or the account is disabled."""
        query = (
            sa.select(people)
            .join(api_tokens, api_tokens.c.person_id == people.c.id)
            .where(
                api_tokens.c.secret_hash == digest(secret),
                api_tokens.c.revoked_at.is_(None),
                people.c.disabled_at.is_(None),
            )
        )
        with self._database.reading() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else person_record(row)

    def revoke_token(self, token_id: str) -> None:
        """Revoke a token; one that was revoked before stays so."""
        query = sa.update(api_tokens).where(
            api_tokens.c.id == token_id, api_tokens.c.revoked_at.is_(None)
        )
        with self._database.writing() as connection:
            connection.execute(query.values(revoked_at=clock.now(connection)))

    def tokens(self, person_id: str) -> list[tuple[str, str, float, float | None]]:
        """Return id, name, creation and revocation time of a person's tokens, oldest first."""
        columns = (
            api_tokens.c.id,
            api_tokens.c.name,
            api_tokens.c.created_at,
            api_tokens.c.revoked_at,
        )
        query = sa.select(*columns).where(api_tokens.c.person_id == person_id)
        query = query.order_by(api_tokens.c.created_at, api_tokens.c.id)
        with self._database.reading() as connection:
            return [tuple(row) for row in connection.execute(query)]


def _enabled(connection: Connection, person_id: str) -> RowMapping | None:
    is_enabled = sa.and_(people.c.id == person_id, people.c.disabled_at.is_(None))
    return find_person(connection, is_enabled)


def _require_enabled(connection: Connection, person_id: str) -> None:
    row = known_person(connection, person_id)
    if row["disabled_at"] is not None:
        raise StoreError(f"The account of {row['name']} is disabled. Enable it first.")


def _live_session(
    connection: Connection, is_this: sa.ColumnElement[bool], now: float
) -> RowMapping | None:
    query = sa.select(sessions).where(
        is_this,
        sessions.c.ended_at.is_(None),
        sessions.c.expires_at > now,
        sessions.c.seen_at > now - IDLE_SECONDS,
    )
    return connection.execute(query).mappings().first()


def _begin(connection: Connection, person: RowMapping, now: float) -> tuple[str, Session]:
    """Start a session, and delete those that ended long ago."""
    connection.execute(sa.delete(sessions).where(sessions.c.expires_at < now - ABSOLUTE_SECONDS))
    secret, csrf, expires_at = new_secret(), new_secret(), now + ABSOLUTE_SECONDS
    connection.execute(
        sa.insert(sessions).values(
            secret_hash=digest(secret),
            person_id=person["id"],
            csrf=csrf,
            created_at=now,
            seen_at=now,
            expires_at=expires_at,
        )
    )
    return secret, Session(person=person_record(person), csrf=csrf, expires_at=expires_at)
