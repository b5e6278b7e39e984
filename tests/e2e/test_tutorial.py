"""The tutorial's commands do what the tutorial says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

TUTORIAL = ROOT / "docs" / "tutorial.md"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    """Return the tutorial's code blocks: language and text."""
    return FENCE.findall(TUTORIAL.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Type the tutorial into a shell, in an empty folder; return the folder and what was shown."""
    folder = tmp_path_factory.mktemp("tutorial")
    script = "set -euo pipefail\n" + "\n".join(text for _, text in blocks())
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shown = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stdout
    return folder / "first", shown.stdout


def test_every_block_is_a_command() -> None:
    assert {language for language, _ in blocks()} == {"sh"}
    assert len(blocks()) >= 8


def test_a_misspelt_setting_is_told(done: tuple[Path, str]) -> None:
    _, shown = done
    assert "policy.epoch: no such setting. Did you mean epochs?" in shown
    assert "left with exit code 2" in shown


def test_labels_are_in_the_database(done: tuple[Path, str]) -> None:
    _, shown = done
    assert "60 answers: best" in shown
    assert re.search(r"^chosen: +\S", shown, re.MULTILINE)


def test_training_went_as_told(done: tuple[Path, str]) -> None:
    _, shown = done
    assert len(re.findall(r"^rewards \d+ loss", shown, re.MULTILINE)) == 6
    kls = re.findall(r"^policy \d+ score \S+ KL in nats (\S+)$", shown, re.MULTILINE)
    assert len(kls) == 2
    assert float(kls[0]) == pytest.approx(0.0, abs=1e-3)


def test_the_verdict_claims_nothing(done: tuple[Path, str]) -> None:
    _, shown = done
    low, high = re.findall(r"95 % interval (\S+) to (\S+)$", shown, re.MULTILINE)[0]
    assert float(low) <= 0.5 <= float(high)


def test_the_report_and_both_models_are_there(done: tuple[Path, str]) -> None:
    folder, shown = done
    assert (folder / "report" / "index.html").stat().st_size > 10_000
    assert (folder / "policy" / "round-0" / "model.safetensors").is_file()
    assert re.search(r"^score: -?\d", shown, re.MULTILINE)
    assert "The sun came out." in shown
