"""A run's store that is lost, emptied or exchanged is named, and no run begins again beside it."""

import shutil
from pathlib import Path

import pytest

from prefloop.doctor.foundations import check_store
from prefloop.errors import StoreError
from prefloop.run_file import parse_run
from prefloop.run_history import HISTORY, last_record, read_history, record_stage
from prefloop.run_store import open_run_store
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store
from tests.postgres import Cluster
from tests.unit.store.records_for_tests import fill, label
from tests.unit.store.sql_for_tests import change

WAY_OUT = "prefloop store restore"


def config_of(place: str | None = None) -> RunConfig:
    return parse_run({"task": "sentiment", "store": place}, "run.yaml")


def note(folder: Path, store: Store, stage: str = "comparisons") -> None:
    head = store.ledger_head()
    record_stage(
        folder, stage=stage, round_number=0, update=0, events=head.n_events, head=head.hash
    )


@pytest.fixture
def run(sqlite_path: Path) -> Path:
    """A run with labels and nothing else, and a history that knows them."""
    folder = sqlite_path.parent
    with Store.open(sqlite_path) as store:
        fill(store)
        store.add_labels([label(0), label(1, question=1)])
        note(folder, store)
    return folder


def test_whoever_only_reads_is_told_that_a_run_has_not_begun(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"has not begun: .* Begin it with `prefloop run"):
        open_run_store(config_of(), tmp_path, read_only=True)
    assert not list(tmp_path.iterdir())


def refusal(folder: Path, place: str | None = None) -> str:
    """Why the store is not opened; the doctor says the same."""
    with pytest.raises(StoreError) as refused:
        open_run_store(config_of(place), folder)
    [result] = check_store(config_of(place), folder)
    assert (result.status, result.message) == ("bad", str(refused.value))
    return str(refused.value)


def test_a_store_as_it_was_is_opened_and_may_have_grown(run: Path) -> None:
    with open_run_store(config_of(), run) as store:
        store.add_label(label(7, question=2))
    with open_run_store(config_of(), run, read_only=True) as store:
        assert len(store.labels()) == 3
    assert [r.status for r in check_store(config_of(), run)] == ["ok", "ok"]


def test_a_run_that_has_not_begun_gets_a_store(tmp_path: Path) -> None:
    assert [r.status for r in check_store(config_of(), tmp_path)] == ["later"]
    with open_run_store(config_of(), tmp_path) as store:
        assert store.ledger_head().n_events == 0


def test_a_deleted_database_is_named_and_not_made_again(run: Path) -> None:
    (run / "prefloop.db").unlink()
    told = refusal(run)
    assert told.startswith(f"{run / 'prefloop.db'} is gone") and WAY_OUT in told
    assert "samples, labels and verdicts that were stored are lost" in told
    assert not (run / "prefloop.db").exists()


def test_an_emptied_file_is_no_new_store(run: Path) -> None:
    (run / "prefloop.db").write_bytes(b"")
    assert "is empty" in refusal(run)
    assert (run / "prefloop.db").stat().st_size == 0


def test_a_new_database_in_its_place_is_noticed(run: Path, sqlite_template: Path) -> None:
    shutil.copy(sqlite_template, run / "prefloop.db")
    told = refusal(run)
    assert "holds 0 events, and held 5 at the end of comparisons, round 0" in told
    assert WAY_OUT in told


def test_the_emptied_tables_of_a_server_are_noticed(run: Path, postgres: Cluster) -> None:
    with postgres.new_database() as url:
        secret = url.replace("postgres@", "postgres:hush-hush@")
        told = refusal(run, secret)
        assert "holds 0 events, and held 5" in told and "hush" not in told


def test_another_store_of_the_same_length_is_noticed(run: Path, sqlite_template: Path) -> None:
    """Wrong twin: comparing numbers of events alone."""
    shutil.copy(sqlite_template, run / "prefloop.db")
    with Store.open(run / "prefloop.db") as store:
        for number in range(9):
            store.add_event("note", {"number": number})
    told = refusal(run)
    assert "is not the store that" in told and "its event 5 is not the one" in told


def test_a_ledger_that_was_cut_off_is_noticed(run: Path) -> None:
    with Store.open(run / "prefloop.db") as store:
        for statement in (
            "DELETE FROM labels WHERE sequence = 5",
            "DELETE FROM events WHERE sequence = 5",
            "UPDATE ledger_head SET sequence = 4, hash = (SELECT max(hash) FROM events "
            "WHERE sequence = 4)",
        ):
            change(store, statement)
        assert store.verify_chain() == 4, "by itself it is in order"
    assert "holds 4 events, and held 5" in refusal(run)


def test_models_of_version_01_beside_an_empty_database_are_noticed(
    tmp_path: Path, sqlite_path: Path
) -> None:
    """It kept no history; what lies in the folder speaks for itself."""
    with open_run_store(config_of(), tmp_path):
        pass
    (tmp_path / "policy" / "round-0").mkdir(parents=True)
    assert "holds no prompts" in refusal(tmp_path)
    with Store.open(sqlite_path) as store:
        fill(store)
    open_run_store(config_of(), tmp_path).close()
    sqlite_path.unlink()
    assert "is gone" in refusal(tmp_path)


def test_a_history_grows_only_when_something_has_changed(run: Path) -> None:
    with Store.open(run / "prefloop.db") as store:
        note(run, store, "rewards")
        assert [r.stage for r in read_history(run)] == ["comparisons"]
        (run / "evaluation").mkdir()
        (run / "evaluation" / "reference.json").touch()
        note(run, store, "evaluation")
        store.add_label(label(9))
        note(run, store, "comparisons")
    assert [(r.stage, r.events, r.made) for r in read_history(run)] == [
        ("comparisons", 5, ()),
        ("evaluation", 5, ("evaluation/reference.json",)),
        ("comparisons", 6, ("evaluation/reference.json",)),
    ]
    assert last_record(run) == read_history(run)[-1]


def test_a_damaged_history_is_named(run: Path) -> None:
    with (run / HISTORY).open("a") as file:
        file.write('{"stage": "policy"}\n')
    with pytest.raises(Exception, match=r"history\.jsonl, line 2 is no record of a stage"):
        open_run_store(config_of(), run)
