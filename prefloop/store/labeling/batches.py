"""Batches: the comparisons of one round for people, opened, counted and frozen."""

import hashlib
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import StoreError
from prefloop.store.core import clock
from prefloop.store.core.insertion import chunks, refuse, require_known, rows_where
from prefloop.store.core.ledger import append
from prefloop.store.core.rows import RowDict, RowMapping
from prefloop.store.core.tables import comparisons, labels
from prefloop.store.core.team_tables import assignments, batches, people, queue
from prefloop.store.labeling.free_questions import POSITIONS, has_answered
from prefloop.store.labeling.independence import may_answer
from prefloop.store.labeling.recount import ADJUDICATED, EXCLUDED, ON_HOLD, recount
from prefloop.store.labeling.shares import closed_rounds
from prefloop.teamwork import LIVE, Batch

FROZEN = "batch_frozen"

RATE_SECONDS = 600.0
"""Answers per minute are a mean over this time."""

_IS_HELD_BACK = sa.and_(
    queue.c.answered < queue.c.wanted,
    queue.c.comparison_id.in_(ON_HOLD),
    queue.c.comparison_id.not_in(ADJUDICATED),
)
"""Whether a question of the queue waits for an owner, and would be asked after a release."""


def open_batch(connection: Connection, round: int, questions: Sequence[tuple[str, int]]) -> None:
    """Add the new ones of the (comparison, overlap) pairs to the queue of a round."""
    batch = _find(connection, round)
    if batch is not None and batch["frozen_at"] is not None:
        raise StoreError(
            f"The batch of round {round} is frozen: its reward model may have been trained. "
            "Ask these questions in the next round."
        )
    if batch is None:
        row = {"round": round, "opened_at": clock.now(connection)}
        connection.execute(sa.insert(batches).values(row))
    _refuse_impossible(round, questions)
    rows = [_row(round, name, wanted) for name, wanted in dict(questions).items()]
    require_known(connection, comparisons, rows, "comparison_id", "comparison")
    names = [row["comparison_id"] for row in rows]
    stored = {r["comparison_id"]: r for r in rows_where(connection, queue, "comparison_id", names)}
    _refuse_elsewhere(round, stored.values())
    new = [row for row in rows if row["comparison_id"] not in stored]
    if new:
        connection.execute(sa.insert(queue), new)
    _want(connection, [row for row in rows if row["comparison_id"] in stored], stored)
    recount(connection, names)


def batch_records(connection: Connection, round: int | None = None) -> list[Batch]:
    """Return all batches, or one, in the order in which they were opened."""
    # No more answers per comparison than were asked for: extra ones do not replace missing ones.
    counted = sa.case((queue.c.answered < queue.c.wanted, queue.c.answered), else_=queue.c.wanted)
    sums = sa.select(
        batches,
        sa.func.coalesce(sa.func.sum(queue.c.wanted), 0).label("wanted"),
        sa.func.coalesce(sa.func.sum(counted), 0).label("answered"),
    ).outerjoin(queue, queue.c.round == batches.c.round)
    if round is not None:
        sums = sums.where(batches.c.round == round)
    rows = connection.execute(
        sums.group_by(*batches.columns).order_by(batches.c.opened_at, batches.c.round)
    ).all()
    now = clock.now(connection)
    recent = _n_recent(connection, now) if any(row.answered for row in rows) else {}
    return [
        Batch(
            round=row.round,
            opened_at=row.opened_at,
            frozen_at=row.frozen_at,
            frozen_sequence=row.frozen_sequence,
            wanted=int(row.wanted),
            answered=int(row.answered),
            per_minute=_per_minute(recent.get(row.round, 0), now - row.opened_at)
            if row.answered
            else None,
        )
        for row in rows
    ]


def newest_batch(connection: Connection) -> Batch | None:
    """Return the batch that was opened last."""
    query = sa.select(batches.c.round).order_by(batches.c.opened_at.desc(), batches.c.round.desc())
    newest = connection.execute(query.limit(1)).scalar()
    return None if newest is None else batch_records(connection, newest)[0]


def ask_only(connection: Connection, round: int, comparison_ids: Iterable[str]) -> None:
    """Close all comparisons of a round's batch except these.

    Answers to the others stay stored, but no longer count towards the batch.
    """
    kept = set(comparison_ids)
    query = sa.select(queue.c.comparison_id).where(queue.c.round == round)
    others = [name for name in connection.execute(query).scalars() if name not in kept]
    for chunk in chunks(others):
        changed = sa.update(queue).where(queue.c.comparison_id.in_(chunk))
        connection.execute(changed.values(wanted=0, is_open=False))


def is_exhausted(connection: Connection, round: int) -> bool:
    """Whether no labeler has a comparison of this round left.

    False while there are no labelers whose answers count: some are still to be added. And while an
    owner is still to look at a question on hold that somebody could answer: one labeler's flags
    must not end a batch.
    """
    if connection.execute(sa.select(people.c.id).where(_labels_here()).limit(1)).first() is None:
        return False
    return not (
        labelers_with_open_comparisons(connection, round)
        # Live questions are replaced by others: those on hold need no owner to go on.
        or (round != LIVE and _labelers(connection, round, _IS_HELD_BACK))
    )


def n_on_hold(connection: Connection, round: int) -> int:
    """Return how many questions of a round are on hold and lack answers."""
    query = sa.select(sa.func.count()).select_from(queue)
    return int(connection.execute(query.where(queue.c.round == round, _IS_HELD_BACK)).scalar_one())


def labelers_with_open_comparisons(connection: Connection, round: int) -> list[str]:
    """Return the names of the labelers with comparisons of this round left, in order.

    Not those for whom the batch is not, or who have answered their share of it.
    """
    return _labelers(connection, round, queue.c.is_open)


def _labelers(connection: Connection, round: int, is_left: sa.ColumnElement[bool]) -> list[str]:
    """Return who could answer such questions of a round, in order."""
    left = sa.select(queue.c.comparison_id).where(
        queue.c.round == round,
        is_left,
        ~has_answered(people.c.name),
        may_answer(people.c.name),
    )
    query = sa.select(people.c.name).where(_labels_here(), left.exists())
    names = connection.execute(query.order_by(people.c.name)).scalars().all()
    return [name for name in names if round not in closed_rounds(connection, name, now=None)]


def _labels_here() -> sa.ColumnElement[bool]:
    """Labelers whose answers count; owners only if they have answered before."""
    has_labeled = sa.select(labels.c.sequence).where(labels.c.labeler == people.c.name).exists()
    is_labeler = sa.or_(people.c.role == "labeler", sa.and_(people.c.role == "owner", has_labeled))
    return sa.and_(
        people.c.disabled_at.is_(None),
        is_labeler,
        people.c.name.not_in(EXCLUDED),
        sa.func.coalesce(people.c.qualification, "") != "failed",
    )


def freeze(connection: Connection, round: int) -> int:
    """Close a round's batch; return the sequence number of its event."""
    batch = _find(connection, round)
    if batch is None:
        raise StoreError(f"There is no batch of round {round} to freeze. Open it first.")
    if batch["frozen_sequence"] is not None:
        return int(batch["frozen_sequence"])
    event = append(connection, [(FROZEN, {"round": round})])[0]
    frozen = {"frozen_at": clock.now(connection), "frozen_sequence": event.sequence}
    connection.execute(sa.update(batches).where(batches.c.round == round).values(frozen))
    connection.execute(sa.update(queue).where(queue.c.round == round).values(is_open=False))
    return event.sequence


def _find(connection: Connection, round: int) -> RowMapping | None:
    query = sa.select(batches).where(batches.c.round == round)
    return connection.execute(query).mappings().first()


def _row(round: int, comparison_id: str, wanted: int) -> RowDict:
    # A hash of the id, so that a comparison keeps its position.
    position = int.from_bytes(hashlib.sha256(comparison_id.encode()).digest()[:4]) % POSITIONS
    return {
        "comparison_id": comparison_id,
        "round": round,
        "position": position,
        "wanted": wanted,
        "answered": 0,
        "is_open": True,
    }


def _want(connection: Connection, rows: Sequence[RowDict], stored: dict[str, RowMapping]) -> None:
    """Update the overlap where it has changed."""
    changes = [
        {"name": row["comparison_id"], "n": row["wanted"]}
        for row in rows
        if stored[row["comparison_id"]]["wanted"] != row["wanted"]
    ]
    if changes:
        query = sa.update(queue).where(queue.c.comparison_id == sa.bindparam("name"))
        connection.execute(query.values(wanted=sa.bindparam("n")), changes)


def _refuse_impossible(round: int, questions: Sequence[tuple[str, int]]) -> None:
    refuse(
        f"The batch of round {round}",
        [
            f"comparison {name} is to be answered by {wanted} people; give 1 or more"
            for name, wanted in questions
            if wanted < 1
        ],
    )


def _refuse_elsewhere(round: int, stored: Iterable[RowMapping]) -> None:
    refuse(
        f"The batch of round {round}",
        [
            f"comparison {row['comparison_id']} is asked in round {row['round']} already"
            for row in stored
            if row["round"] != round
        ],
    )


def _n_recent(connection: Connection, now: float) -> dict[int, int]:
    query = sa.select(queue.c.round, sa.func.count().label("n")).select_from(assignments)
    query = query.join(queue, queue.c.comparison_id == assignments.c.comparison_id).where(
        # Answers in the future came before the clock was set back.
        assignments.c.closed_at.between(now - RATE_SECONDS, now),
        assignments.c.answer_id.is_not(None),
        assignments.c.kind == "regular",
        assignments.c.labeler.not_in(EXCLUDED),
    )
    return {row.round: row.n for row in connection.execute(query.group_by(queue.c.round))}


def _per_minute(n: int, open_seconds: float) -> float:
    # A batch that was opened in the future was so before the clock was set back.
    seconds = open_seconds if open_seconds >= 0 else RATE_SECONDS
    return 60 * n / min(max(seconds, 60.0), RATE_SECONDS)
