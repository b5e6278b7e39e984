"""What the doctor says of reward models and evaluations, from typed figures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prefloop.doctor.judgment import check_evaluation
from prefloop.doctor.rewards import check_rewards
from prefloop.figures.check_result import CheckResult
from prefloop.figures.reading import read_evaluation, read_trust
from prefloop.figures.text import share_interval
from prefloop.figures.trust import TrustFigures
from prefloop.rewards.trust import validation_figures
from prefloop.run_file import parse_run
from prefloop.run_folder import EvaluationFile, RunFigures, TrustFile
from tests.unit.figures.test_reading import EVALUATION, TRUST

CONFIG = parse_run({}, "run.yaml")


def _run(trust: TrustFigures | None = None, **win_rate: Any) -> RunFigures:
    figures = read_evaluation(EVALUATION, "a.json")
    if win_rate:
        assert figures.win_rate is not None
        rate = figures.win_rate.rate.model_copy(
            update={k: v for k, v in win_rate.items() if k in ("low", "high")}
        )
        others = {k: v for k, v in win_rate.items() if k not in ("low", "high")}
        judge = figures.win_rate.model_copy(update={"rate": rate, **others})
        figures = figures.model_copy(update={"win_rates": (judge,)})
    return RunFigures(
        name="run",
        metrics=(),
        evaluations=(EvaluationFile(path="a.json", figures=figures),),
        trusts=() if trust is None else (TrustFile(round=0, path="t.json", figures=trust),),
    )


def _by_check(results: list[CheckResult]) -> dict[str, CheckResult]:
    return {result.check: result for result in results}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run folder whose last policy is there."""
    (tmp_path / "policy" / "round-0").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("low", "high", "status"), [(0.51, 0.7, "ok"), (0.34, 0.7, "warn"), (0.2, 0.49, "bad")]
)
def test_the_verdict_is_as_good_as_its_interval(
    folder: Path, low: float, high: float, status: str
) -> None:
    run = _run(low=low, high=high, fingerprint="f")
    checks = _by_check(check_evaluation(CONFIG, run, folder))
    assert checks["judge prefers the policy"].status == status
    assert checks["judge is independent"].status == "ok"


def test_version_0_1_did_not_check_that_its_judge_was_independent(folder: Path) -> None:
    result = _by_check(check_evaluation(CONFIG, _run(), folder))["judge is independent"]
    assert result.status == "warn"
    assert "was not checked by version 0.1" in result.message
    assert "Delete a.json" in result.action


def test_a_judge_that_shares_a_source_is_a_warning(folder: Path) -> None:
    run = _run(low=0.6, high=0.8, shared_sources=("person:ann",))
    result = _by_check(check_evaluation(CONFIG, run, folder))["judge is independent"]
    assert result.status == "warn"
    assert "lexicon shares person:ann" in result.message


def test_an_evaluation_that_is_not_there_yet_is_no_fault(folder: Path, tmp_path: Path) -> None:
    nothing = RunFigures(name="run", metrics=(), evaluations=(), trusts=())
    (judged,) = check_evaluation(CONFIG, nothing, folder)
    assert (judged.check, judged.status) == ("judged", "warn")
    assert f"prefloop evaluation {folder}" in judged.action
    (later,) = check_evaluation(CONFIG, nothing, tmp_path / "elsewhere")
    assert later.status == "later"


def test_the_reward_model_is_held_against_chance(folder: Path) -> None:
    trust = read_trust(TRUST, "trust.json")
    assert trust.validation is not None
    accuracy = trust.validation.accuracy.model_copy(update={"value": 0.4, "low": 0.2504})
    validation = trust.validation.model_copy(update={"accuracy": accuracy})
    better = trust.model_copy(update={"validation": validation})
    for figures, status in ((trust, "warn"), (better, "ok")):
        result = _by_check(check_rewards(CONFIG, _run(figures)))["better than chance"]
        assert result.status == status
    interval = share_interval(accuracy.low, accuracy.high, apart_from=(0.25,))
    assert f"95 % interval {interval}" in result.message, "and it does not seem to hold chance"


def test_where_all_answers_are_ties_nothing_is_said_of_accuracy_and_length() -> None:
    ties = validation_figures(np.eye(4)[[0] * 60], np.full((60, 4), 0.25), np.ones((60, 4)))
    trust = read_trust(TRUST, "trust.json").model_copy(update={"validation": ties})
    results = _by_check(check_rewards(CONFIG, _run(trust)))
    assert "better than length" not in results
    found = results["better than chance"]
    assert found.status == "warn" and "task.question" in found.action
    assert "The answers to 60 validation questions are all ties, “all bad”" in found.message


def test_what_to_delete_is_what_training_reads() -> None:
    raw = json.loads(TRUST) | {"reference_mean": 0.4}
    trust = read_trust(json.dumps(raw), "trust.json")
    result = _by_check(check_rewards(CONFIG, _run(trust)))["normalized on the reference"]
    assert result.status == "bad"
    assert "rewards/round-0 and checkpoints/rewards-0" in result.action


def test_where_a_scorer_is_followed_no_reward_model_is_missed() -> None:
    config = parse_run({"policy": {"reward": "sentiment"}}, "run.yaml")
    (result,) = check_rewards(config, _run())
    assert result.status == "ok"
    assert "follows the scorer sentiment" in result.message
