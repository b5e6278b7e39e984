"""Who is given the questions of a batch: whoever is free, some people, or people with shares.

batch_assigned  the batch is for these people from this event on; without any, for whoever is free

With shares everybody named is given at most that part of the answers that the batch wants, and what
the shares leave is for all others together, as is the part of somebody who is locked out, excluded
or has failed the introduction. Enforced where questions are handed out; what somebody has on screen
stays theirs, and every answer is stored.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import StoreError
from prefloop.label_types.answers import PREFERENCES
from prefloop.store.core.database import Database
from prefloop.store.core.insertion import refuse
from prefloop.store.core.ledger import append
from prefloop.store.core.tables import labels
from prefloop.store.core.team_tables import assignments, batch_shares, batches, people, queue
from prefloop.store.labeling.assignments import is_leased
from prefloop.store.labeling.recount import EXCLUDED
from prefloop.store.people.people import find_named

ASSIGNED = "batch_assigned"

PeopleShares = Mapping[str, float | None]
"""Labelers, each with their part of the answers; None for each: any number."""

_OPEN = (
    sa.select(batch_shares.c.round, batch_shares.c.labeler, batch_shares.c.share)
    .join(batches, batches.c.round == batch_shares.c.round)
    .join(people, people.c.name == batch_shares.c.labeler)
    .where(
        batches.c.frozen_at.is_(None),
        # Nobody would ever answer what is for these alone.
        people.c.disabled_at.is_(None),
        people.c.name.not_in(EXCLUDED),
        sa.func.coalesce(people.c.qualification, "") != "failed",
    )
    .order_by(batch_shares.c.round, batch_shares.c.labeler)
)


class BatchShares:
    """For whom each batch of questions is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def assign(self, round: int, shares: PeopleShares, by: str) -> None:
        """Give a batch to some people, or with no one named to whoever is free.

        It replaces what was said of the batch before.
        """
        with self._database.writing() as connection:
            _require_open(connection, round)
            _refuse_bad(connection, round, shares)
            content = {"round": round, "shares": dict(shares), "by": by}
            event = append(connection, [(ASSIGNED, content)])[0]
            connection.execute(sa.delete(batch_shares).where(batch_shares.c.round == round))
            rows = [
                {"round": round, "labeler": name, "share": share, "sequence": event.sequence}
                for name, share in shares.items()
            ]
            if rows:
                connection.execute(sa.insert(batch_shares), rows)

    def read(self, texts: Sequence[str]) -> dict[str, float | None]:
        """Return shares that were written as `ann` or `ann=0.5`.

        A name may itself hold an equals sign.
        """
        found: dict[str, float | None] = {}
        with self._database.reading() as connection:
            for text in texts:
                name, share = _read_share(connection, text)
                if name in found:
                    raise StoreError(f"{name} stands there twice. Give each name once.")
                found[name] = share
        return found

    def of(self, round: int) -> dict[str, float | None]:
        """Return for whom a batch is; empty: for whoever is free."""
        query = sa.select(batch_shares.c.labeler, batch_shares.c.share)
        query = query.where(batch_shares.c.round == round).order_by(batch_shares.c.labeler)
        with self._database.reading() as connection:
            return {row.labeler: row.share for row in connection.execute(query)}


def shared_rounds(connection: Connection) -> dict[int, dict[str, float | None]]:
    """Return for whom the open batches are that are not for whoever is free.

    Without those who can answer nothing: they would keep their batches from everybody else.
    """
    shared: dict[int, dict[str, float | None]] = {}
    for row in connection.execute(_OPEN):
        shared.setdefault(row.round, {})[row.labeler] = row.share
    return shared


def _read_share(connection: Connection, text: str) -> tuple[str, float | None]:
    head, equals, tail = text.rpartition("=")
    person = find_named(connection, text)
    if person is not None or not equals:
        return (text if person is None else person["name"]), None
    try:
        share = float(tail)
    except ValueError:
        raise StoreError(
            f"{text!r} is no name with a share: {tail!r} is no number. Write it as ann=0.5."
        ) from None
    person = find_named(connection, head.strip())
    return (head.strip() if person is None else person["name"]), share


def closed_rounds(
    connection: Connection,
    labeler: str,
    *,
    now: float | None,
    shared: Mapping[int, PeopleShares] | None = None,
) -> list[int]:
    """Return the open batches of which a labeler is given nothing more.

    What they and others hold at `now` counts; None: answers alone. `shared` spares a look-up.
    """
    known = shared_rounds(connection) if shared is None else shared
    return [
        number
        for number, shares in known.items()
        if _is_closed(connection, number, shares, labeler, now)
    ]


def quotas(shares: PeopleShares, wanted: int) -> dict[str, int]:
    """Return how many of the answers wanted are each labeler's, to the nearest whole sum.

    >>> quotas({"ann": 0.5, "bob": 0.25}, 10)
    {'ann': 5, 'bob': 3}
    """
    known = {name: share for name, share in shares.items() if share is not None}
    ends = [math.floor(wanted * end + 0.5) for end in accumulate(known.values())]
    starts = [0, *ends[:-1]]
    return {name: end - start for name, start, end in zip(known, starts, ends, strict=True)}


def _is_closed(
    connection: Connection, round: int, shares: PeopleShares, labeler: str, now: float | None
) -> bool:
    if any(share is None for share in shares.values()):
        return labeler not in shares
    query = sa.select(sa.func.coalesce(sa.func.sum(queue.c.wanted), 0))
    wanted = int(connection.execute(query.where(queue.c.round == round)).scalar_one())
    limits = quotas(shares, wanted)
    if labeler in limits:
        return _n_taken(connection, round, [labeler], now) >= limits[labeler]
    rest = wanted - sum(limits.values())
    return rest <= 0 or _n_taken(connection, round, list(limits), now, but=True) >= rest


def _n_taken(
    connection: Connection,
    round: int,
    names: Collection[str],
    now: float | None,
    *,
    but: bool = False,
) -> int:
    """Count the answers that these labelers (or all others) gave and have on screen.

    No more per question than it wants, the first ones: a late answer to a question that has all of
    them fills no place in the batch, and would leave another question that nobody is given.
    """
    n = 0
    for table, *conditions in _taken(now):
        is_theirs = table.c.labeler.not_in(names) if but else table.c.labeler.in_(names)
        query = sa.select(sa.func.count()).select_from(
            table.join(queue, queue.c.comparison_id == table.c.comparison_id)
        )
        query = query.where(queue.c.round == round, is_theirs, *conditions)
        n += connection.execute(query).scalar_one()
    return n


def _taken(now: float | None) -> list[tuple[sa.Table, *tuple[sa.ColumnElement[bool], ...]]]:
    earlier = labels.alias("earlier_label")
    n_earlier = (
        sa.select(sa.func.count())
        .where(earlier.c.comparison_id == labels.c.comparison_id, _counts(earlier))
        .where(earlier.c.sequence < labels.c.sequence)
        .correlate(labels)
        .scalar_subquery()
    )
    is_wanted = sa.or_(queue.c.answered <= queue.c.wanted, n_earlier < queue.c.wanted)
    answered = (labels, _counts(labels), is_wanted)
    if now is None:
        return [answered]
    is_counted = assignments.c.labeler.not_in(EXCLUDED)
    held = (assignments, assignments.c.kind == "regular", is_leased(sa.literal(now)), is_counted)
    return [answered, held]


def _counts(table: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(
        table.c.ended_by.is_(None),
        table.c.answer.in_(PREFERENCES),
        table.c.labeler.not_in(EXCLUDED),
    )


def _require_open(connection: Connection, round: int) -> None:
    query = sa.select(batches.c.frozen_at).where(batches.c.round == round)
    found = connection.execute(query).first()
    if found is None:
        known = connection.execute(sa.select(batches.c.round).order_by(batches.c.round)).scalars()
        listed = ", ".join(map(str, known)) or "none yet"
        raise StoreError(f"There is no batch {round}. Batches: {listed}.")
    if found.frozen_at is not None:
        raise StoreError(f"Batch {round} is closed: nobody is asked its questions any more.")


def _refuse_bad(connection: Connection, round: int, shares: PeopleShares) -> None:
    problems = []
    rows = connection.execute(sa.select(people.c.name, people.c.role, people.c.disabled_at))
    known = {row.name: row for row in rows}
    for name, share in shares.items():
        row = known.get(name)
        if row is None:
            problems.append(f"there is nobody called {name!r}; add them first")
        elif row.role == "viewer" or row.disabled_at is not None:
            why = "is a viewer" if row.role == "viewer" else "is locked out"
            problems.append(f"{name} {why} and answers nothing")
        if share is not None and not 0 < share <= 1:
            problems.append(f"{name} has the share {share}; give more than 0, at most 1")
    given = [share for share in shares.values() if share is not None]
    if given and len(given) < len(shares):
        problems.append("some have a share and some have none; give one to everybody or nobody")
    if sum(given) > 1 + 1e-9:
        problems.append(f"the shares add up to {sum(given):g}; give at most 1")
    refuse(f"The assignment of batch {round}", problems)
