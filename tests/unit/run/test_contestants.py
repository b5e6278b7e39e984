"""Which models of a run have the figures that are wanted."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from prefloop.run.contestants import Contestants
from prefloop.settings.evaluation import EvaluationConfig

EARLIER = Path(__file__).parents[1] / "figures" / "earlier_run"


@pytest.mark.parametrize(
    ("judges", "is_evaluated"), [(["lexicon"], True), (["lexicon", "length"], False)]
)
def test_a_judge_that_is_added_to_a_run_of_version_0_1_is_asked(
    tmp_path: Path, judges: list[str], is_evaluated: bool
) -> None:
    shutil.copytree(EARLIER / "evaluation", tmp_path / "evaluation")
    updates = SimpleNamespace(name_of=lambda number: "policy/update-6", rounds_of=lambda name: [0])
    contestants = Contestants(
        config=EvaluationConfig(judges=judges, prompts=1),
        models=cast(Any, SimpleNamespace(canonical=lambda name: name)),
        updates=cast(Any, updates),
        folder=tmp_path,
        last_round=0,
        n_held_out=24,
    )
    assert contestants.is_evaluated(0) is is_evaluated
