"""What `prefloop init` writes is short and means the defaults."""

from pathlib import Path

import pytest
import yaml

from prefloop.cli.new_run_file import new_run_file
from prefloop.run_file import load_run_file, parse_run
from prefloop.settings.run import RunConfig
from prefloop.settings.task_presets import preset_names

LIKED = {"synthetic": {"scorers": {"length": 1.0, "copying": -0.5}}}


def new(folder: Path, **raw: object) -> tuple[RunConfig, str, RunConfig]:
    """Return a run, its new run file, and the run that this file means."""
    meant = parse_run(raw, "run.yaml")
    path = folder / "run.yaml"
    path.write_text(new_run_file(meant), encoding="utf-8")
    return meant, path.read_text(encoding="utf-8"), load_run_file(path)


@pytest.mark.parametrize("task", preset_names())
@pytest.mark.parametrize("labelers", ["synthetic", "people", "none"])
def test_a_new_run_file_means_what_was_asked_for(tmp_path: Path, task: str, labelers: str) -> None:
    meant, text, read = new(
        tmp_path,
        task=task,
        models={"name": 'C:\\odd "name": #1'},
        prompts={"source": "élan: #2.txt"},
        comparisons={"labelers": labelers, **(LIKED if labelers == "synthetic" else {})},
    )
    assert read == meant
    assert len(text.splitlines()) < 90
    assert ("scorers:" in text) == (labelers == "synthetic")


def test_it_names_where_a_stop_may_be_if_a_recipe_says_so(tmp_path: Path) -> None:
    assert "stop_min: 8\n" in new(tmp_path, task="descriptiveness")[1]
    assert "stop_min:" not in new(tmp_path, task="sentiment")[1], "a chat's would be held to it"


def test_it_is_commented_and_its_texts_are_blocks(tmp_path: Path) -> None:
    meant, text, _ = new(tmp_path, task="summarization", comparisons={"labelers": "people"})
    assert "  instructions: |\n" in text
    assert all(f"    {line}\n" in text for line in meant.task.instructions.splitlines() if line)
    assert text.count("#") >= 15
    assert "options" not in text and "{}" not in text
    assert set(yaml.safe_load(text)) == {
        *("seed", "rounds", "recipe", "task", "models", "prompts"),
        *("comparisons", "policy", "evaluation"),
    }
