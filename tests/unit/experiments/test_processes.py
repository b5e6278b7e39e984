"""Runs side by side: all of them, never more at once than asked, and what fails is said."""

import subprocess
import sys
from pathlib import Path

import pytest

from prefloop.cli.experiment import DEMO_RUN_FILE
from prefloop.errors import InputError
from prefloop.experiments import processes
from prefloop.experiments.members import Member, copying_settings, make_experiment
from prefloop.experiments.processes import LOG, run_side_by_side
from prefloop.progress import Silent
from prefloop.store.store import Store


@pytest.fixture
def members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Member]:
    """Four members whose processes do what `stand_in.py` in their folder says."""
    monkeypatch.setattr(processes, "POLL_SECONDS", 0.01)
    made = list(make_experiment(copying_settings(), DEMO_RUN_FILE, tmp_path).members[:4])
    for member in made:
        member.folder.mkdir(parents=True)
        (member.folder / "stand_in.py").write_text("")
    monkeypatch.setattr(processes, "_start", start)
    return made


def start(folder: Path, threads: int) -> "subprocess.Popen[bytes]":
    with (folder / LOG).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-S", str(folder / "stand_in.py")], stdout=log, stderr=log
        )


def test_every_member_runs(members: list[Member]) -> None:
    for member in members:
        (member.folder / "stand_in.py").write_text("print('done')")
    run_side_by_side(members, Silent(), jobs=2)
    assert [(m.folder / LOG).read_text() for m in members] == ["done\n"] * 4


def test_one_that_fails_is_named_with_the_end_of_its_log_and_the_others_end(
    members: list[Member],
) -> None:
    (members[0].folder / "stand_in.py").write_text("import time; time.sleep(60)")
    (members[1].folder / "stand_in.py").write_text("raise SystemExit('the disk is full')")
    with pytest.raises(InputError, match="ended with code 1") as told:
        run_side_by_side(members, Silent(), jobs=2)
    assert "the disk is full" in str(told.value)
    assert not (members[2].folder / LOG).exists(), "nothing is begun after a failure"


def test_one_that_waits_for_its_owner_is_named_with_the_reason(members: list[Member]) -> None:
    for member in members[:2]:
        (member.folder / "stand_in.py").write_text("import time; time.sleep(5)")
    with Store.open(members[1].folder / "prefloop.db") as store:
        request = store.stop_requests.pull("canary C4", "the chosen sample surely loses.", ())
        store.stop_requests.stopped(request.id, 7)
    with pytest.raises(InputError, match="canary C4 stopped it at update 7: the chosen") as told:
        run_side_by_side(members, Silent(), jobs=2)
    assert members[1].name in str(told.value)
    assert f"prefloop serve {members[1].folder}" in str(told.value)


def test_a_stop_on_its_way_to_a_safe_point_and_one_that_is_released_stop_nothing(
    members: list[Member],
) -> None:
    for member in members[:2]:
        (member.folder / "stand_in.py").write_text("import time; time.sleep(0.3)")
    with Store.open(members[0].folder / "prefloop.db") as store:
        store.stop_requests.pull("ann", "it swears", ())
    with Store.open(members[1].folder / "prefloop.db") as store:
        request = store.stop_requests.pull("ann", "it swears", ())
        store.stop_requests.stopped(request.id, 7)
        store.stop_requests.release(request.id, "olga", "ten samples", "resume")
    run_side_by_side(members, Silent(), jobs=2)
    assert all((member.folder / LOG).exists() for member in members)
