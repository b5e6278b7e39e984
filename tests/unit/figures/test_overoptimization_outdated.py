"""An audit of over-optimization is shown as long as the newest policy is one that it looked at."""

from pathlib import Path

import pytest

from prefloop.figures.overoptimization import OverOptimizationFigures
from prefloop.figures.reading import read_evaluation
from prefloop.figures.record import to_json
from prefloop.run_folder import evaluation_path, overoptimization_path, read_run_folder

EVALUATION = (Path(__file__).parent / "earlier_run" / "evaluation" / "round-0.json").read_text(
    encoding="utf-8"
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that follows a scorer, audited after its first round."""
    evaluate(tmp_path, "policy/update-4", 0)
    figures = OverOptimizationFigures(
        proxy="length",
        reward_model=None,
        policies=("policy/update-2", "policy/update-4"),
        curves=(),
        left_out={},
        notes=(),
        findings=(),
    )
    overoptimization_path(tmp_path).parent.mkdir()
    overoptimization_path(tmp_path).write_text(to_json(figures))
    return tmp_path


def evaluate(run: Path, model: str, round_number: int | None) -> None:
    figures = read_evaluation(EVALUATION, "round-0.json")
    path = evaluation_path(run, model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_json(figures.model_copy(update={"model": model, "round": round_number})))


def test_it_is_shown_for_the_policies_that_it_looked_at(run: Path) -> None:
    assert read_run_folder(run).overoptimization is not None
    evaluate(run, "policy/update-3", None)
    assert read_run_folder(run).overoptimization is not None, "an earlier one is no news"


def test_more_rounds_outdate_it(run: Path) -> None:
    evaluate(run, "policy/update-8", 1)
    assert read_run_folder(run).overoptimization is None


def test_a_roll_back_outdates_it(run: Path) -> None:
    evaluation_path(run, "policy/update-4").unlink()  # As a roll back does.
    evaluate(run, "policy/update-4-branch-1", 0)
    assert read_run_folder(run).overoptimization is None
