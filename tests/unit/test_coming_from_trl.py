"""What docs/coming-from-trl.md says of prefloop is so."""

import re
import runpy
from pathlib import Path

import pytest

from prefloop.metrics import METRICS
from prefloop.registry import METHODS
from prefloop.run_folder import read_run_folder
from tests.architecture.source import ROOT

PAGE = (ROOT / "docs" / "coming-from-trl.md").read_text(encoding="utf-8")


def test_the_metrics_of_the_table_exist_and_none_of_training_is_left_out() -> None:
    named = set(re.findall(r"^\| `((?:policy|rewards)/\w+)` \|", PAGE, re.MULTILINE))
    shipped = ("a2po", "best_of_n", "dpo", "ppo", "rloo")
    of_methods = {key for name in shipped for key in METHODS.load(name).metrics}
    assert named - set(METRICS) - of_methods == set()
    assert of_methods - named == set()


def test_the_job_of_the_page_runs_as_printed(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = re.findall(r"```python\n(import prefloop\n.*?)```", PAGE, re.DOTALL)
    assert len(ours) == 1
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "job.py"
    script.write_text(ours[0].replace('"gpt2"', repr(str(gpt2_folder))), encoding="utf-8")
    runpy.run_path(str(script), run_name="__main__")
    run = read_run_folder(tmp_path / "my-run")
    assert run.methods == ("rloo",) and run.episodes() == 128
    assert (tmp_path / "my-policy" / "model.safetensors").is_file()
