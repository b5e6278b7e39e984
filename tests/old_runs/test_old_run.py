"""A finished run of version 0.1, made before the layout and the names changed, still works.

Everything that looks at it reads it as it is, and `prefloop run` goes on with another round.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from prefloop.metrics import MetricsLog
from prefloop.models import sources
from prefloop.store.store import Store
from tests.e2e.command import Command
from tests.old_runs.archive import unpack

HERE = Path(__file__).parent
BASE_WEIGHTS = Path(sources.BUILTIN) / "tiny" / "model.safetensors"
EXPECTED: dict[str, Any] = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))
ANOTHER_ROUND = ("rounds=2", "policy.episodes=96", "comparisons.labels=60")
"""Six more updates of eight episodes, and the labels that the first round did not ask for."""


@pytest.fixture
def prefloop(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The `prefloop` command."""
    return Command(monkeypatch, capsys)


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run, byte for byte as version 0.1 left it; copy it before changing anything."""
    folder = tmp_path_factory.mktemp("old") / "old_run"
    unpack(HERE / "old_run.tar.xz", folder, BASE_WEIGHTS)
    return folder


@pytest.fixture
def run(unpacked: Path, tmp_path: Path) -> Path:
    """The run, to be changed."""
    return Path(shutil.copytree(unpacked, tmp_path / "old_run"))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def contents(run: Path) -> dict[str, Any]:
    """Return what the run's store holds."""
    with Store.open(run / "prefloop.db") as store:
        store.verify_chain()
        return {
            "prompts": len(store.prompts()),
            "samples": len(store.samples()),
            "comparisons": len(store.comparisons()),
            "labels": len(store.labels()),
            "verdicts": len(store.verdicts()),
            "events": len(store.events()),
            "ledger_hash": store.events()[-1].hash,
        }


def test_the_store_is_upgraded_and_holds_what_it_held(run: Path) -> None:
    found = contents(run)
    assert found == {name: EXPECTED[name] for name in found}


def test_show_reads_it(prefloop: Command, run: Path) -> None:
    pairs = prefloop.done("show", run, "-n", 3, "--json").json()
    assert len(pairs) == 3
    assert all(pair["before"] and pair["after"] for pair in pairs)
    assert "before" in prefloop.done("show", run).out


def test_report_is_written_again(prefloop: Command, run: Path) -> None:
    report = Path(prefloop.done("report", run, "--json").json()["report"])
    text = report.read_text(encoding="utf-8").replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "Not shown: with the held-out judge (a list of rated words), the tuned model" in text
    assert "came out ahead on 52 % of 24 held-out prompts" in text


def test_export_gives_its_labels(prefloop: Command, run: Path, tmp_path: Path) -> None:
    told = prefloop.done("export", run, tmp_path / "raw.jsonl", "--format", "raw", "--json").json()
    assert told["labels"] == EXPECTED["labels"]


def test_doctor_looks_it_over(prefloop: Command, run: Path) -> None:
    checks = prefloop.done("doctor", run, "--json").json()
    assert checks


def test_running_it_again_changes_neither_models_nor_figures(prefloop: Command, run: Path) -> None:
    told = prefloop.done("run", run, "--json").json()
    assert told["verdict"] == EXPECTED["verdict"], "in the words of today"
    for stage in ("policy", "rewards"):
        assert sha256(run / stage / "round-0" / "model.safetensors") == EXPECTED[f"{stage}_sha256"]
    found = contents(run)
    assert found == {name: EXPECTED[name] for name in found}


def test_it_goes_on_with_another_round(prefloop: Command, run: Path) -> None:
    told = prefloop.done("run", run, *ANOTHER_ROUND, "--json")
    assert "from here on" in told.err
    assert "taste" not in told.err, "old names of settings are no changes"
    lines = [x for x in MetricsLog(run / "metrics.jsonl").lines() if x["stage"] == "policy"]
    assert [(x["round"], x["update"]) for x in lines] == [
        *((0, u) for u in range(1, 7)),
        *((1, u) for u in range(7, 13)),
    ]
    assert sha256(run / "policy" / "round-0" / "model.safetensors") == EXPECTED["policy_sha256"]
    assert (run / "policy" / "round-1" / "model.safetensors").is_file()
    with Store.open(run / "prefloop.db") as store:
        assert len(store.comparisons(round=1, split="train")) == 20
        asked = {s.model for s in store.samples(purpose="labels") if s.round == 1}
        evaluated = {s.model for s in store.samples(purpose="evaluation")}
        store.verify_chain()
    assert asked == {"policy/update-6"}
    assert {"reference", "policy/update-12"} <= evaluated
    assert told.json()["verdict"] != EXPECTED["verdict"]
