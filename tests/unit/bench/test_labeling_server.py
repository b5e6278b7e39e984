"""The benchmark of the labeling server runs, and does not flatter."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.server_process import ROOT


@pytest.fixture(autouse=True)
def bench_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "bench"))


def test_it_measures_a_real_server_and_looks_every_answer_up(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "bench" / "labeling_server.py"), "--json"]
    command += ["--seconds", "1", "--questions", "1500", "--clients", "2", "--processes", "1"]
    done = subprocess.run(
        [*command, "--folder", str(tmp_path)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    figures = json.loads(done.stdout[done.stdout.index("{") :])
    phases = [figures["answers alone"], figures["questions and answers"]]
    assert sum(each["answers"] for each in phases) == figures["confirmed"]
    assert figures["confirmed_and_lost"] == 0
    for each in phases:
        assert each["answers"] > 0
        assert each["refused"] == []
        assert each["answer_ms"]["p50"] <= each["answer_ms"]["p99"] <= each["answer_ms"]["max"]
    assert phases[1]["claim_ms"]["p50"] > 0
    assert figures["server_rss_mib"]["highest"] > 20


def test_percentiles_are_of_what_was_seen() -> None:
    from bench.labeling_server import milliseconds

    seconds = [each / 1000 for each in range(1, 101)]
    assert milliseconds(seconds) == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}
    assert milliseconds([]) == {}


def test_the_growth_of_memory_is_seen_after_the_first_half() -> None:
    from bench.labeling_server import Watch

    watch = Watch(1, Path("none"), 1.0)
    # Caches fill for half an hour; then 6 MiB an hour leak.
    watch.samples = [(float(s), 100 + min(s, 1800) / 60) for s in range(0, 1800, 60)]
    watch.samples += [(float(s), 130 + (s - 1800) / 600) for s in range(1800, 3600, 60)]
    assert watch.slope_mib_per_hour() == pytest.approx(6.0)
    watch.samples = watch.samples[:4]
    assert watch.slope_mib_per_hour() is None
