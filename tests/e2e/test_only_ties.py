"""Labelers who prefer nothing: a run says so at every stage, and goes on."""

from pathlib import Path

import pytest

from prefloop.run_folder import read_reward_audit, read_run_folder
from tests.e2e.command import Command
from tests.e2e.small_run import finish, make_run


@pytest.mark.slow
def test_a_run_of_ties_ends_and_claims_nothing(
    prefloop: Command, gpt2_folder: Path, tmp_path: Path
) -> None:
    run = make_run(
        tmp_path / "run",
        gpt2_folder,
        rounds=1,
        comparisons={
            "labels": 24,
            "validation_labels": 80,
            "synthetic": {"scorers": {"sentiment": 1.0}, "tie_margin": 1e6},
        },
        policy={"episodes": 32},
    )
    file = run / "run.yaml"
    file.write_text(file.read_text().replace("validation_share: 0.2", "validation_share: 0.4"))
    finish(run)
    validation = read_run_folder(run).trusts[0].figures.validation
    assert validation is not None and validation.prefers_nothing
    figures = read_reward_audit(run, 0)
    assert figures is not None and (figures.questions, figures.ties) == (0, 40)
    told = prefloop.done("audit", "rewards", run).out
    assert "in none of 40 validation questions" in told and "calibration error" not in told
    assert "none of 104 labels chooses a sample" in prefloop.done("audit", "labels", run).out
    assert "are all ties, “all bad”" in prefloop("doctor", run).out
