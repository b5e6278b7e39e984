"""Whether the database keeps what it says it has kept: what the doctor reports, and when."""

from dataclasses import replace
from pathlib import Path

import pytest

from prefloop.doctor import foundations
from prefloop.doctor.foundations import check_database
from prefloop.figures.check_result import CheckResult
from prefloop.run_file import parse_run
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store
from prefloop.store.upkeep import conditions as module
from prefloop.store.upkeep.conditions import Conditions, can_lose_commits, conditions, file_system
from prefloop.store.upkeep.integrity import opened

GOOD = Conditions(
    program="SQLite 3.53.4",
    settings={"journal_mode": "wal", "synchronous": "2"},
    file_system="ext4",
)
SERVER = Conditions(
    program="PostgreSQL 16.2",
    settings={"synchronous_commit": "on", "fsync": "on", "full_page_writes": "on"},
)


def config_of(place: str | Path | None = None) -> RunConfig:
    return parse_run({"task": "sentiment", "store": place and str(place)}, "run.yaml")


def findings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: Conditions
) -> dict[str, list[CheckResult]]:
    """Return the findings, by status, of a store that stands on this."""
    Store.open(tmp_path / "prefloop.db").close()
    monkeypatch.setattr(foundations, "conditions", lambda _: found)
    by_status: dict[str, list[CheckResult]] = {}
    for each in check_database(config_of(), tmp_path):
        by_status.setdefault(each.status, []).append(each)
    return by_status


@pytest.mark.parametrize(
    ("version", "can"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 0), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 54, 1), False),
    ],
)
def test_the_versions_that_can_lose_a_commit(version: tuple[int, ...], can: bool) -> None:
    assert can_lose_commits(version) is can


def test_a_good_foundation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert findings(monkeypatch, tmp_path, GOOD).keys() == {"ok"}
    [server] = findings(monkeypatch, tmp_path, SERVER)["ok"]
    assert server.message == "PostgreSQL 16.2 forces every commit to the disk."


def test_an_affected_sqlite_is_told_with_what_is_done_about_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    affected = replace(GOOD, program="SQLite 3.40.1", can_lose_commits=True)
    message = findings(monkeypatch, tmp_path, affected)["ok"][0].message
    assert "SQLite 3.40.1 can lose a commit" in message
    assert "prefloop prevents it with a lock" in message
    without = replace(affected, has_writers_lock=False)
    [bad] = findings(monkeypatch, tmp_path, without)["bad"]
    assert "the lock that prevents this does not work here" in bad.message
    assert bad.action


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (
            replace(GOOD, settings={"journal_mode": "delete", "synchronous": "2"}),
            "journal_mode del",
        ),
        (replace(GOOD, settings={"journal_mode": "wal", "synchronous": "1"}), "synchronous 1"),
        (replace(GOOD, file_system="nfs4", is_network=True), "network file system (nfs4)"),
        (
            replace(SERVER, settings=SERVER.settings | {"synchronous_commit": "off"}),
            "prefloop turns it on for its own connections",
        ),
        (replace(SERVER, settings=SERVER.settings | {"fsync": "off"}), "a crash may lose"),
    ],
)
def test_a_poor_foundation_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: Conditions, message: str
) -> None:
    [warning] = findings(monkeypatch, tmp_path, found)["warn"]
    assert message in warning.message
    assert warning.action


def test_what_is_found_here(tmp_path: Path) -> None:
    path = tmp_path / "prefloop.db"
    Store.open(path).close()
    with opened(path) as database:
        found = conditions(database)
    assert found.settings == {"journal_mode": "wal", "synchronous": "2"}
    assert found.has_writers_lock
    assert found.file_system == file_system(tmp_path)
    assert not found.is_network


def test_a_server_of_postgresql_that_is_careless_is_found(postgres_url: str) -> None:
    """The tests' own does not force anything to the disk."""
    with opened(postgres_url) as database:
        found = conditions(database)
    assert found.program.startswith("PostgreSQL 1")
    assert found.settings == {
        "synchronous_commit": "on",
        "fsync": "off",
        "full_page_writes": "off",
    }


def test_the_file_system_is_that_of_the_nearest_mount(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = tmp_path / "my data" / "run"
    place.mkdir(parents=True)
    mounts = tmp_path / "mountinfo"
    escaped = str(place.parent).replace(" ", "\\040")
    mounts.write_text(
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        f"80 22 0:50 / {escaped} rw shared:9 - nfs4 server:/export rw\n"
    )
    monkeypatch.setattr(module, "MOUNTS", mounts)
    assert file_system(place / "prefloop.db") == "nfs4"
    assert file_system(tmp_path) == "ext4"
    monkeypatch.setattr(module, "MOUNTS", tmp_path / "nowhere")
    assert file_system(place) is None


def test_a_store_that_cannot_be_opened_is_bad(tmp_path: Path) -> None:
    (tmp_path / "prefloop.db").write_bytes(b"\xa5" * 9000)
    [bad] = check_database(config_of(), tmp_path)
    assert (bad.status, bad.stage) == ("bad", "store")
