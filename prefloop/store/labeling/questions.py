"""Comparisons and the order of their samples, in two tables."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.label_types.best_of_k.type import BEST_OF_K
from prefloop.label_types.types import type_problems
from prefloop.records import Comparison
from prefloop.store.core.insertion import (
    chunks,
    insert_rows,
    new_rows,
    prompts_of_samples,
    refuse,
    require_known,
    rows_where,
)
from prefloop.store.core.row_digests import append_digest, last_stored
from prefloop.store.core.rows import (
    RowDict,
    comparison_record,
    comparison_row,
    comparison_sample_rows,
)
from prefloop.store.core.tables import comparison_samples, comparisons, prompts
from prefloop.store.labeling.independence import HELD_OUT


def insert_comparisons(connection: Connection, records: Sequence[Comparison]) -> int:
    """Insert the new comparisons; return how many there were."""
    rows = [comparison_row(record) for record in records]
    require_known(connection, prompts, rows, "prompt_id", "prompt")
    owners = prompts_of_samples(connection, [i for r in records for i in r.sample_ids])
    refuse(
        "What was to be stored as comparisons",
        [problem for record in records for problem in comparison_problems(record, owners)],
    )
    stored = comparisons_by_id(connection, [record.id for record in records])
    fresh = new_rows("comparison", _whole(records), {r["id"]: r for r in _whole(stored.values())})
    fresh_ids = {row["id"] for row in fresh}
    after = last_stored(connection, comparisons)
    insert_rows(connection, comparisons, "comparison", [r for r in rows if r["id"] in fresh_ids])
    new = {record.id: record for record in records if record.id in fresh_ids}
    members = [row for record in new.values() for row in comparison_sample_rows(record)]
    if members:
        connection.execute(sa.insert(comparison_samples), members)
    append_digest(connection, comparisons, after=after)
    return len(fresh)


def comparison_problems(comparison: Comparison, owners: dict[str, str]) -> list[str]:
    """Return what is wrong with a comparison; `owners` has the prompt of each stored sample."""
    name, ids = f"comparison {comparison.id}", comparison.sample_ids
    problems = []
    if len(ids) < 2:
        problems.append(f"{name} has {len(ids)} samples; it takes two to choose")
    if len(set(ids)) < len(ids):
        problems.append(f"{name} has the same sample twice")
    for sample_id in dict.fromkeys(ids):
        owner = owners.get(sample_id)
        if owner is None:
            problems.append(f"{name} names an unknown sample {sample_id}; add it first")
        elif owner != comparison.prompt_id:
            problems.append(
                f"{name} is about prompt {comparison.prompt_id}, "
                f"but its sample {sample_id} answers prompt {owner}"
            )
    problems += type_problems(comparison)
    probability = comparison.selection_probability
    if not (math.isfinite(probability) and 0 < probability <= 1):
        problems.append(f"{name} has selection probability {probability}; it lies in (0, 1]")
    return problems


def select_comparisons(
    connection: Connection, *, round: int | None, split: str | None
) -> list[Comparison]:
    """Return the comparisons of a round and split, in the order in which they were added.

    Questions for verdicts are not among them.
    """
    conditions: list[sa.ColumnElement[bool]] = [comparisons.c.split != HELD_OUT]
    if round is not None:
        conditions.append(comparisons.c.round == round)
    if split is not None:
        conditions.append(comparisons.c.split == split)
    rows = connection.execute(
        sa.select(comparisons).where(*conditions).order_by(comparisons.c.number)
    ).mappings()
    members = connection.execute(
        sa.select(comparison_samples.c.comparison_id, comparison_samples.c.sample_id)
        .join(comparisons, comparisons.c.id == comparison_samples.c.comparison_id)
        .where(*conditions)
        .order_by(comparison_samples.c.comparison_id, comparison_samples.c.position)
    )
    sample_ids = _gathered(members)
    return [comparison_record(row, sample_ids[row["id"]]) for row in rows]


def comparisons_by_id(connection: Connection, ids: Iterable[str]) -> dict[str, Comparison]:
    """Return the stored ones of these comparisons, by id."""
    wanted = list(dict.fromkeys(ids))
    rows = rows_where(connection, comparisons, "id", wanted)
    sample_ids: dict[str, list[str]] = {}
    for chunk in chunks(wanted):
        query = sa.select(comparison_samples.c.comparison_id, comparison_samples.c.sample_id)
        query = query.where(comparison_samples.c.comparison_id.in_(chunk))
        query = query.order_by(comparison_samples.c.comparison_id, comparison_samples.c.position)
        sample_ids |= _gathered(connection.execute(query))
    return {row["id"]: comparison_record(row, sample_ids[row["id"]]) for row in rows}


def _gathered(members: Iterable[Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for comparison_id, sample_id in members:
        found.setdefault(comparison_id, []).append(sample_id)
    return found


def _whole(records: Iterable[Comparison]) -> list[RowDict]:
    """Rows with their samples, to compare whole records."""
    return [comparison_row(record) | {"sample_ids": record.sample_ids} for record in records]


def is_asked_like(comparison_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a row of `comparisons` is asked like another, and for the same.

    A choice of four among pairs, or a question for labels among those for verdicts, would be known
    as a check.
    """
    this = comparisons.alias("asked_comparison")
    query = sa.select(this.c.id).where(
        this.c.id == comparison_id,
        _type(this) == _type(comparisons),
        (this.c.split == HELD_OUT) == (comparisons.c.split == HELD_OUT),
    )
    return query.correlate(comparisons).exists()


def _type(table: sa.FromClause) -> sa.ColumnElement[str]:
    return sa.func.coalesce(table.c.label_type, BEST_OF_K.name)
