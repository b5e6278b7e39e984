"""`accelerate launch -m prefloop run`: two processes make the run of one, and one may be killed."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from prefloop.progress import StopPoint
from prefloop.run.monitor import RunMonitor
from tests.architecture.source import ROOT
from tests.e2e.command import Command
from tests.e2e.small_run import finish, make_run
from tests.unit.processes.launching import environment, free_port

STATED = {"stage", "round", "update", "episodes", "labels", "method"}


SHARDED = ("--use_fsdp", "--fsdp_version", "2")


def launch(run: Path, *how: str) -> subprocess.Popen[str]:
    """Start `prefloop run` in two processes on CPUs; `how` are options of Accelerate's."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "accelerate.commands.launch", *(how or ("--multi_gpu",))),
            *("--num_processes", "2", "--main_process_port", str(free_port())),
            *("-m", "prefloop", "run", str(run)),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def rank_of(process: psutil.Process) -> str | None:
    """Return the rank that a launcher gave a process; None if it gave none, or it has ended."""
    with suppress(psutil.Error):
        rank: str | None = process.environ().get("RANK")
        return rank
    return None


def metrics(run: Path) -> list[dict[str, Any]]:
    """Return the lines of a run's metrics that are whole."""
    path = run / "metrics.jsonl"
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def n_updates(run: Path) -> int:
    """Return the updates of the policy that a run has made."""
    return sum(line["stage"] == "policy" for line in metrics(run))


def require_run_of_one(run: Path, finished: Path) -> None:
    """Fail unless the run has the metrics of one that one process made, but for rounding."""
    own, other = metrics(run), metrics(finished)
    assert [line["update"] for line in own] == [line["update"] for line in other]
    for line, expected in zip(own, other, strict=True):
        assert {k: line.get(k) for k in STATED} == {k: expected.get(k) for k in STATED}
        numbers = {k: v for k, v in expected.items() if isinstance(v, float)}
        assert {k: line[k] for k in numbers} == pytest.approx(numbers, rel=2e-3, abs=2e-3)


def kill_helper(run: Path, launcher: subprocess.Popen[str]) -> str:
    """Kill process 1 after two updates of the policy; return what the run says then."""
    while not metrics(run) and launcher.poll() is None:
        time.sleep(0.02)
    # Found before it is to die: the updates that are left would not wait for the search.
    started = psutil.Process(launcher.pid).children(recursive=True)
    (helper,) = (process for process in started if rank_of(process) == "1")
    while n_updates(run) < 2 and launcher.poll() is None:
        time.sleep(0.02)
    helper.send_signal(signal.SIGKILL)
    said = launcher.communicate(timeout=120)[0]
    assert launcher.returncode != 0
    assert n_updates(run) < 6, "it was killed on the way"
    assert list((run / "checkpoints" / "policy").glob("checkpoint-*"))
    return " ".join(said.split())


GOES_ON = "run the same command again, with as many processes as you like"


def test_a_killed_process_ends_the_run_which_one_process_finishes(
    gpt2_folder: Path, finished_run: Path, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run", gpt2_folder, rounds=1)
    assert GOES_ON in kill_helper(run, launch(run))
    finish(run)
    require_run_of_one(run, finished_run)


@pytest.mark.slow
def test_sharded_processes_make_the_run_of_one_though_one_of_them_is_killed(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    runs = [
        make_run(tmp_path / name, gpt2_folder, rounds=1, models={"adapter": "none"})
        for name in ("two", "one")
    ]
    run, finished = runs
    assert GOES_ON in kill_helper(run, launch(run, *SHARDED))
    launcher = launch(run, *SHARDED)
    said = launcher.communicate(timeout=300)[0]
    assert launcher.returncode == 0, said
    assert "The policy continues from update" in said
    assert (run / "report" / "index.html").exists()
    finish(finished)
    require_run_of_one(run, finished)


@pytest.mark.slow
def test_adapters_are_refused_where_models_are_to_be_sharded(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    launcher = launch(make_run(tmp_path / "run", gpt2_folder, rounds=1), *SHARDED)
    said = " ".join(launcher.communicate(timeout=120)[0].split())
    assert launcher.returncode != 0
    assert "models.adapter is lora" in said and "Set models.adapter: none" in said


def test_two_processes_finish_what_one_began(
    prefloop: Command,
    gpt2_folder: Path,
    finished_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = make_run(tmp_path / "run", gpt2_folder, rounds=1)

    def stop_early(monitor: RunMonitor, point: StopPoint) -> None:
        if point == "between policy updates" and n_updates(run) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunMonitor, "check_stop", stop_early)
        assert prefloop("run", run).code == 130
    assert n_updates(run) == 2
    launcher = launch(run)
    said = launcher.communicate(timeout=300)[0]
    assert launcher.returncode == 0, said
    assert said.count("The policy continues from update 2.") == 1, "one process talks"
    assert (run / "report" / "index.html").exists()
    require_run_of_one(run, finished_run)


def test_a_launcher_that_names_no_peers_is_refused_before_anything_is_made(
    prefloop: Command, gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path / "run", gpt2_folder)
    before = sorted(run.iterdir())
    monkeypatch.setenv("WORLD_SIZE", "2")
    said = prefloop.refused("run", run)
    assert "WORLD_SIZE is 2" in said and "RANK" in said and "accelerate launch" in said
    assert sorted(run.iterdir()) == before


def test_a_verb_that_does_not_train_refuses_several_processes(
    prefloop: Command, finished_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(0, 3, 29500).items():
        monkeypatch.setenv(name, value)
    said = prefloop.refused("doctor", finished_run)
    assert "prefloop doctor works in one process, and 3 were started" in said
