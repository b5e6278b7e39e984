"""Which judges a run refuses before it does its work."""

from pathlib import Path

import pytest

from prefloop.errors import InputError, SettingsError
from prefloop.run.evaluating import refuse_broken_judges, refuse_own_reward_models
from prefloop.run_file import as_yaml, parse_run


@pytest.mark.parametrize("kind", ["reward_model", "hf_classifier"])
def test_the_reward_model_of_the_run_is_no_judge_of_it(tmp_path: Path, kind: str) -> None:
    """Nothing is known of people while the run file is read."""
    run, folder = tmp_path / "run", tmp_path / "run" / "rewards" / "round-0"
    folder.mkdir(parents=True)
    config = parse_run(
        {
            "scorers": {"own": {"kind": kind, "folder": str(folder)}},
            "comparisons": {"labelers": "people"},
            "evaluation": {"judges": ["lexicon", "own"]},
        },
        "run.yaml",
    )
    (run / "run.resolved.yaml").write_text(as_yaml(config))
    with pytest.raises(SettingsError, match="it learned from the labels of this run"):
        refuse_own_reward_models(config, run)
    refuse_own_reward_models(config, tmp_path / "another")


@pytest.mark.parametrize(
    ("judge", "told"),
    [
        ({"kind": "hf_classifier", "folder": "gone"}, "model folder|no such folder|hub"),
        (
            {"kind": "function", "file": "gone.py"},
            "the file gone.py of the function score does not",
        ),
    ],
)
def test_a_judge_that_cannot_be_made_is_told_at_the_start(
    judge: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    if judge["kind"] == "hf_classifier":
        (tmp_path / "gone").mkdir()
    raw = {"scorers": {"mine": judge}, "evaluation": {"judges": ["lexicon", "mine"]}}
    with pytest.raises(InputError, match=told):
        refuse_broken_judges(parse_run(raw, "run.yaml"))


def test_a_judge_behind_an_endpoint_is_not_made_before_it_is_asked() -> None:
    """Its key may be needed only later."""
    entry = {
        "kind": "llm",
        "base_url": "http://127.0.0.1:9",
        "model": "m",
        "key_variable": "NO_SUCH_KEY",
    }
    raw = {"judges": {"model": entry}, "evaluation": {"judges": ["model"]}}
    refuse_broken_judges(parse_run(raw, "run.yaml"))
