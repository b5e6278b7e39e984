"""Which judges a run refuses before it does its work."""

from pathlib import Path

import pytest

from prefloop.errors import SettingsError
from prefloop.run.evaluating import refuse_own_reward_models
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
