"""A run whose reward model has three heads."""

from pathlib import Path

import pytest
from transformers import AutoModelForSequenceClassification

from prefloop.figures.reading import read_trust
from prefloop.run_folder import read_reward_audit, read_run_folder
from tests.e2e.command import Command
from tests.e2e.small_run import finish, make_run


def test_an_ensemble_goes_through_the_whole_loop(
    prefloop: Command, gpt2_folder: Path, tmp_path: Path
) -> None:
    few = {"rounds": 1, "policy": {"episodes": 32}}
    run = make_run(tmp_path / "run", gpt2_folder, rewards={"ensemble": 3}, **few)
    finish(run)
    folder = run / "rewards" / "round-0"
    figures = read_trust((folder / "trust.json").read_text(), "trust.json")
    assert figures.ensemble is not None and figures.ensemble.members == 3
    assert figures.reference_std == pytest.approx(1.0, abs=1e-3)
    assert AutoModelForSequenceClassification.from_pretrained(folder).config.num_labels == 1
    assert "the mean of 3 linear heads" in (folder / "README.md").read_text()
    spreads = [
        line.values["policy/ensemble_spread"]
        for line in read_run_folder(run).metrics
        if line.stage == "policy"
    ]
    assert len(spreads) == 2 and all(0.3 < spread < 3 for spread in spreads)
    audit = read_reward_audit(run, 0)
    assert audit is not None and audit.ensemble == figures.ensemble
    assert "3 members share one model" in prefloop.done("audit", "rewards", run).out
