"""`prefloop store migrate`, `backup`, `restore` and `verify`, as a user calls them."""

from pathlib import Path

import pytest

from prefloop.run_file import load_run_file
from prefloop.store.store import Store
from tests.e2e.command import Command
from tests.faults.answering import fill_every_table

RUN_FILE = """# My run.
task: sentiment
seed: 7  # lucky
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with answers."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.yaml").write_text(RUN_FILE)
    with Store.open(folder / "prefloop.db") as store:
        fill_every_table(store, n_answers=20)
    return folder


def n_events(place: str | Path) -> int:
    with Store.open(place) as store:
        return store.verify_chain()


def test_a_backup_and_back(prefloop: Command, run: Path, tmp_path: Path) -> None:
    before = n_events(run / "prefloop.db")
    file = tmp_path / "monday.db"
    told = prefloop.done("store", "backup", run, file).out
    assert told.startswith(f"{file} holds everything up to event {before}.\n")
    head = told.split("head of its ledger is ")[1].split()[0]
    assert "exists already" in prefloop.refused("store", "backup", run, file)
    found = prefloop.done("store", "verify", run, file, "--json").json()
    assert found == {
        "events": before,
        "head": head,
        "events_of_head": None,
        "problems": [],
        "without_hash": {},
    }
    (run / "prefloop.db").unlink()
    prefloop.done("store", "restore", run, file)
    assert n_events(run / "prefloop.db") == before


def test_a_newer_store_is_replaced_by_force_only(
    prefloop: Command, run: Path, tmp_path: Path
) -> None:
    file = tmp_path / "monday.db"
    prefloop.done("store", "backup", run, file, "--json").json()
    with Store.open(run / "prefloop.db") as store:
        store.add_event("note", {})
    told = prefloop.refused("store", "restore", run, file)
    assert "answers of people would be lost" in told
    outcome = prefloop.done("store", "restore", run, file, "--force")
    assert "is kept as" in outcome.err
    assert len(list(run.glob("prefloop.db.replaced-*"))) == 1


def test_to_postgresql_and_back(prefloop: Command, run: Path, postgres_url: str) -> None:
    before = n_events(run / "prefloop.db")
    outcome = prefloop.done("store", "migrate", run, postgres_url)
    assert "every row and the hash chain were compared" in outcome.out
    # The run file names the new place, and is otherwise as it was.
    text = (run / "run.yaml").read_text()
    assert text.startswith("store: ") and text.endswith(RUN_FILE)
    config = load_run_file(run / "run.yaml")
    assert config.store is not None and n_events(config.store) == before
    assert prefloop.done("store", "verify", run, "--json").json()["problems"] == []
    again = prefloop.done("store", "migrate", run, run / "again.db", "--json").json()
    assert again["labels"] > 0
    assert load_run_file(run / "run.yaml").store == str(run / "again.db")
    assert (run / "run.yaml").read_text().count("store:") == 1
    assert n_events(run / "again.db") == before


def test_a_path_as_it_was_typed_leads_there_from_everywhere(
    prefloop: Command, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong twin: a path from the current folder, read as one from the run folder later."""
    (run / "run.resolved.yaml").write_text("seed: 7\nstore: null\n")
    before = n_events(run / "prefloop.db")
    monkeypatch.chdir(tmp_path)
    for typed, written in (("new.db", str(tmp_path / "new.db")), ("run/in.db", "in.db")):
        prefloop.done("store", "migrate", "run", typed)
        for name in ("run.yaml", "run.resolved.yaml"):
            assert f'store: "{written}"\n' in (run / name).read_text()
        monkeypatch.chdir("/")
        found = prefloop.done("store", "verify", run, "--json").json()
        assert found["events"] >= before and found["problems"] == []
        monkeypatch.chdir(tmp_path)
    assert not (run / "new.db").exists()


def test_the_url_may_come_from_the_environment_and_its_password_is_told_nowhere(
    prefloop: Command, run: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = postgres_url.replace("postgres@", "postgres:hush-hush@")
    monkeypatch.setenv("PREFLOOP_STORE_URL", secret)
    (run / "run.resolved.yaml").write_text("seed: 7\nstore: null\n")
    outcome = prefloop.done("store", "migrate", run)
    assert "set PGPASSWORD" in outcome.out
    written = [outcome.out, outcome.err, (run / "run.yaml").read_text()]
    written.append((run / "run.resolved.yaml").read_text())
    assert [text for text in written if "hush" in text] == []
    assert written[3].startswith('seed: 7\nstore: "postgresql')
    with Store.open(run / "prefloop.db") as store, pytest.raises(Exception, match="moved") as told:
        store.add_event("note", {})
    assert "hush" not in str(told.value)


def test_a_refusal_does_not_tell_the_password(prefloop: Command, run: Path) -> None:
    url = "postgresql://ann:hush-hush@127.0.0.1:1/labels?connect_timeout=2"
    told = prefloop.refused("store", "migrate", run, url)
    assert "cannot be reached" in told
    assert "hush" not in told
    assert (run / "run.yaml").read_text() == RUN_FILE


def test_a_run_without_a_store_has_nothing_to_move_or_back_up(
    prefloop: Command, run: Path, tmp_path: Path
) -> None:
    (run / "prefloop.db").unlink()
    for arguments in (("migrate", run, tmp_path / "a.db"), ("backup", run, tmp_path / "a.db")):
        assert "there is no store here" in prefloop.refused("store", *arguments)
    assert not (run / "prefloop.db").exists() and not (tmp_path / "a.db").exists()


def test_what_is_damaged_is_told_with_code_2(prefloop: Command, run: Path) -> None:
    with Store.open(run / "prefloop.db") as store, store._database.writing() as connection:
        connection.exec_driver_sql("UPDATE labels SET note = 'x'")
    outcome = prefloop("store", "verify", run)
    assert outcome.code == 2
    assert "bad  rebuilt from the ledger, labels" in outcome.out
    assert prefloop("store", "verify", run, "--json").json()["problems"]


def test_an_intact_store_is_said_to_be_so(prefloop: Command, run: Path) -> None:
    told = prefloop.done("store", "verify", run).out
    assert "events in the ledger" in told
    assert "The store is intact" in told


def test_the_verbs_of_the_store_stand_in_its_help(prefloop: Command, run: Path) -> None:
    for arguments in (["--help"], []):
        shown = prefloop("store", *arguments)
        for verb in ("migrate", "backup", "restore", "verify"):
            assert verb in shown.out + shown.err
    assert "run.yaml does not exist" in prefloop.refused("store", "verify", run / "nowhere")


def test_the_comparisons_are_a_stage_like_any_other(prefloop: Command, run: Path) -> None:
    shown = prefloop("comparisons", "--help")
    assert "prefloop comparisons my-run" in shown.out
    assert "run.yaml does not exist" in prefloop.refused("comparisons", run / "nowhere")
    assert "run.yaml does not exist" in prefloop.refused("comparisons", "--json", run / "nowhere")


@pytest.mark.parametrize(
    "text", ["---\ntask: sentiment\n", "{task: sentiment}\n", "store:\n  prefloop.db\n"]
)
def test_a_run_file_that_could_not_name_the_new_store_is_told_before_anything_moves(
    prefloop: Command, run: Path, tmp_path: Path, text: str
) -> None:
    (run / "run.yaml").write_text(text)
    told = prefloop.refused("store", "migrate", run, tmp_path / "new.db")
    assert "no line of it can name the store" in told and "Nothing was moved" in told
    assert not (tmp_path / "new.db").exists() and (run / "run.yaml").read_text() == text
    (run / "run.yaml").write_text("\ufefftask: sentiment\n", encoding="utf-8")
    prefloop.done("store", "migrate", run, tmp_path / "new.db")
    assert load_run_file(run / "run.yaml").store == str(tmp_path / "new.db")
