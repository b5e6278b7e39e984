"""The benchmark of the labeling server runs, and does not flatter."""

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from prefloop.store.core.database import KEPT_CONNECTIONS
from tests.faults.server_process import ROOT

if TYPE_CHECKING:
    from bench.server_memory import Watch


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
    # What `prefloop serve` sets for its memory holds in the process that is measured.
    assert figures["server_rss_mib"]["heaps"] == 1
    assert figures["server_rss_mib"]["connections"] >= KEPT_CONNECTIONS


def test_percentiles_are_of_what_was_seen() -> None:
    from bench.labeling_server import milliseconds

    seconds = [each / 1000 for each in range(1, 101)]
    assert milliseconds(seconds) == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}
    assert milliseconds([]) == {}


def held_for_an_hour(mib_per_minute: float) -> "Watch":
    """A server that takes 30 MiB in its first ten minutes, and then so much a minute."""
    from bench.server_memory import Resident, Watch

    watch = Watch(1, Path("none"), 1.0)
    for second in range(0, 3601, 10):
        later = max(0, second - 600) / 60
        own = 100 + min(second, 600) / 20 + later * mib_per_minute
        watch.samples.append((float(second), Resident(own + 20, own, 15.0, 5.0)))
    return watch


def test_growth_is_what_comes_after_the_first_ten_minutes() -> None:
    from bench.server_memory import verdict

    # 49 minutes lie between the middles of the eleventh and the last one.
    steady, leaking = held_for_an_hour(0.02), held_for_an_hour(0.1)
    grown = leaking.growth()
    assert grown is not None
    assert (grown.total, grown.own, grown.files) == pytest.approx((4.9, 4.9, 0.0))
    assert "grew by 4.90 MiB (own memory +4.90, files +0.00" in verdict(leaking)
    assert "is MISSED. Its own memory's growth is within the" in verdict(leaking)
    assert "is met. Its own memory's growth is within the" in verdict(steady)
    assert verdict(held_for_an_hour(0.2)).endswith("when full: something else grows.")
    assert [row[:2] for row in steady.by_minute()[:2]] == [[0, 120], [1, 123]]
    steady.samples = steady.samples[:70]
    assert steady.growth() is None
    assert verdict(steady) == ""


def test_a_soak_is_of_the_labelers_and_the_rate_that_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench import labeling_server

    monkeypatch.setattr(sys, "argv", ["labeling_server.py", "--soak", "3600"])
    options = labeling_server.parse()
    options.questions = 150
    ((name, load, people),) = labeling_server.prepare(tmp_path / "prefloop.db", options)
    assert (name, len(people), load.seconds) == ("soak", 32, 3600)
    # 300 answers a minute.
    assert 60 * len(people) / load.pause_seconds == pytest.approx(300)
