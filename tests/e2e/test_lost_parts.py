"""A finished run whose parts are deleted says so: on the command line, before it does anything."""

import shutil
from pathlib import Path

import pytest

from prefloop.run_history import read_history, record_stage
from prefloop.store.store import Store
from tests.e2e.command import Command


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def bad(prefloop: Command, run: Path) -> str:
    """What the doctor finds bad, or warns of, in the store and the run folder."""
    results = prefloop("doctor", run, "--json").json()["results"]
    of_folder = [r for r in results if r["stage"] in ("store", "run folder")]
    return "\n".join(r["message"] for r in of_folder if r["status"] in ("bad", "warn"))


def test_a_history_of_the_run_is_kept(run: Path) -> None:
    with Store.open(run / "prefloop.db") as store:
        head = store.ledger_head()
        chain = [event.hash for event in store.events()]
    records = read_history(run)
    stages = ["prompts", "samples", "rewards", "rewards", "policy", "evaluation"]
    assert [r.stage for r in records] == stages, "the audit of the reward model keeps its scores"
    assert (records[-1].events, records[-1].head) == (head.n_events, head.hash)
    assert all(chain[r.events - 1] == r.head for r in records)
    assert {"rewards/round-0", "policy/round-0", "checkpoints/policy"} <= {*records[-1].made}


def test_a_deleted_database_is_refused_until_a_backup_is_back(
    prefloop: Command, run: Path, tmp_path: Path
) -> None:
    prefloop.done("store", "backup", run, tmp_path / "backup.db")
    (run / "prefloop.db").unlink()
    for verb in ("run", "report"):
        told = prefloop.refused(verb, run)
        assert "prefloop.db is gone" in told and "prefloop store restore" in told
    assert "prefloop.db is gone" in bad(prefloop, run)
    assert not (run / "prefloop.db").exists()
    prefloop.done("store", "restore", run, tmp_path / "backup.db")
    prefloop.done("report", run)
    assert bad(prefloop, run) == ""


def test_a_run_goes_on_from_an_older_backup_that_was_put_back_knowingly(
    prefloop: Command, run: Path, tmp_path: Path
) -> None:
    prefloop.done("store", "backup", run, tmp_path / "backup.db")
    with Store.open(run / "prefloop.db") as store:
        store.add_event("note", {})
        head = store.ledger_head()
    record_stage(
        run, stage="evaluation", round_number=0, update=6, events=head.n_events, head=head.hash
    )
    shutil.copy(tmp_path / "backup.db", run / "prefloop.db")
    told = prefloop.refused("report", run)
    assert f"holds {head.n_events - 1} events, and held {head.n_events} at the end of" in told
    prefloop.done("store", "restore", run, tmp_path / "backup.db", "--force")
    assert read_history(run)[-1].stage == "restored"
    prefloop.done("report", run)


def test_lost_metrics_are_refused_and_lost_models_are_named(prefloop: Command, run: Path) -> None:
    whole = (run / "metrics.jsonl").read_text()
    (run / "metrics.jsonl").write_text("".join(whole.splitlines(keepends=True)[:-2]))
    told = prefloop.refused("run", run)
    assert "holds 4 of the 6 updates" in told and "update 5 to 6 are lost" in told
    assert "holds 4 of the 6 updates" in bad(prefloop, run)
    (run / "metrics.jsonl").write_text(whole)
    shutil.rmtree(run / "evaluation")
    assert "evaluation/policy/update-6.json was there at the end of" in bad(prefloop, run)
