"""A store that an earlier prefloop made is brought up to date, and nothing in it is lost."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prefloop.progress import Silent
from prefloop.store.store import Store
from prefloop.store.upkeep.backup import restore
from prefloop.store.upkeep.integrity import check_integrity
from tests.unit.store.old_schema_for_tests import (
    NEWEST,
    OLD,
    Rows,
    make_old,
    schema_of,
    sorted_rows,
)


@pytest.fixture(params=OLD)
def revision(request: pytest.FixtureRequest) -> str:
    return str(request.param)


TABLES = {
    "views": "assignments",
    "checks": "quality_checks",
    "rules": "exclusions",
    "cords": "stop_requests",
}
COLUMNS = {"introduction": "qualification", "place": "position", "beat_at": "heartbeat_at"}
KINDS = {"work": "regular", "repeat": "retest"}


def upgraded(held: Rows, revision: str) -> Rows:
    """Return what a store that held these rows must hold after the upgrade."""
    held = held if revision >= "0004" else _with_notes(held, revision)
    held = held if revision >= "0005" else _with_work(held)
    verdicts = held.get("adjudications", [])
    return held | {"adjudications": [row | {"details": None} for row in verdicts]}


def _with_work(held: Rows) -> Rows:
    """Return the rows of schema 0004 as 0005 has them."""
    frozen = [row for row in held.get("batches", []) if row["frozen_at"] is not None]
    return held | {
        "assignments": [
            row
            | {
                "worked_seconds": None,
                "handed_after": max(
                    (b["frozen_sequence"] for b in frozen if b["frozen_at"] < row["handed_at"]),
                    default=0,
                ),
            }
            for row in held.get("assignments", [])
        ],
        "tallies": [row | {"sequence": 0} for row in held.get("tallies", [])],
    }


def _with_notes(held: Rows, revision: str) -> Rows:
    """Return the rows of earlier schemas as 0004 has them."""
    written = {e["sequence"]: json.loads(e["payload"]) for e in held["events"]}
    if revision >= "0003":
        checks = held["quality_checks"]
        return held | {"quality_checks": [_with_note(row, written) for row in checks]}
    models = {row["id"]: row["model"] for row in held["samples"]}
    renamed = {
        TABLES.get(name, name): [row_of_today(row) for row in rows] for name, rows in held.items()
    }
    checks = renamed.get("quality_checks", [])
    renamed["quality_checks"] = [_with_note(row, written) for row in checks]
    # What the ledger says is what it always said.
    renamed["events"] = held["events"]
    return renamed | {
        "comparisons": [row | {"label_type": None} for row in held["comparisons"]],
        "labels": [row | {"details": None} for row in held["labels"]],
        "verdicts": [verdict_of_today(row, models) for row in held["verdicts"]],
    }


def _with_note(row: dict[str, Any], written: dict[int, Any]) -> dict[str, Any]:
    return row | {"note": written[row["sequence"]]["note"], "details": None}


def row_of_today(row: dict[str, Any]) -> dict[str, Any]:
    kind = {"kind": KINDS.get(row["kind"], row["kind"])} if "kind" in row else {}
    return {COLUMNS.get(name, name): value for name, value in row.items()} | kind


def verdict_of_today(row: dict[str, Any], models: dict[str, str]) -> dict[str, Any]:
    same = {name: row[name] for name in ("number", "id", "prompt_id", "judge", "outcome")}
    mine, theirs = row["policy_sample_id"], row["reference_sample_id"]
    return same | {
        "model": models[mine],
        "baseline": models[theirs],
        "sample_id": mine,
        "baseline_sample_id": theirs,
        "score": row["policy_score"],
        "baseline_score": row["reference_score"],
    }


def assert_holds(place: str | Path, expected: Rows) -> None:
    revision, found = schema_of(place)
    assert revision == NEWEST
    assert same_rows(found, expected)


def same_rows(found: Rows, expected: Rows) -> bool:
    """Whether a store holds these rows, and no row in any other table."""
    for name in found.keys() | expected.keys():
        assert sorted_rows(found.get(name, [])) == sorted_rows(expected.get(name, [])), name
    return True


def test_every_row_of_an_old_store_is_there_after_the_upgrade(
    empty_place: str | Path, revision: str
) -> None:
    expected = upgraded(make_old(empty_place, revision), revision)
    Store.open(empty_place).close()
    assert_holds(empty_place, expected)
    found = check_integrity(empty_place, Silent())
    assert found.problems == ()
    # Before 0003 no event covered these.
    tables = ("prompts", "samples", "comparisons", "verdicts") if revision < "0003" else ()
    assert found.n_without_hash == {name: len(expected[name]) for name in tables}


def test_an_upgraded_store_is_one_to_work_with(empty_place: str | Path, revision: str) -> None:
    held = make_old(empty_place, revision)
    with Store.open(empty_place) as store:
        assert store.verify_chain() == len(held["events"])
        found = store.verdicts(model="policy/round-0", baseline="reference", judge="lexicon")
        assert [(v.id, v.outcome) for v in found] == [
            ("verdict-1", 1.0),
            ("verdict-2", 0.5),
            ("verdict-3", 0.0),
        ]
        store.add_verdicts([replace(found[0], id="new", score=None, baseline_score=None)])
        assert store.verdicts()[-1].score is None
        labels = store.labels()
        store.withdraw_label(labels[0].id)
        store.add_label(replace(labels[0], id="again"))
        before = store.labels()
        assert len(before) == len(labels)
        assert store.rebuild_labels() == len(held["labels"]) + 1
        assert store.labels() == before
        store.people.add("zoe", "owner")
        store.scores.add("lexicon", "f", {"policy-0": 1.5})


def test_a_backup_of_an_old_store_is_restored(
    empty_place: str | Path, tmp_path: Path, revision: str
) -> None:
    expected = upgraded(make_old(tmp_path / "backup.db", revision), revision)
    restore(tmp_path / "backup.db", empty_place, Silent())
    assert_holds(empty_place, expected)


def test_an_old_store_is_upgraded_before_it_is_read(empty_place: str | Path, revision: str) -> None:
    held = make_old(empty_place, revision)
    with Store.open(empty_place, read_only=True) as store:
        live = [row for row in held["labels"] if row["ended_by"] is None]
        assert len(store.labels()) == len(live) > 2
