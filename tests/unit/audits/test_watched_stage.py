"""The policy stage under watch: what its lines hold, and that a resumed run is watched the same."""

import math
from pathlib import Path
from typing import Any

import pytest

from prefloop.audits.watch import UpdateWatch
from prefloop.errors import DivergedError
from prefloop.metrics import METRICS, MetricsLog
from prefloop.policy.stage import PolicyStage
from prefloop.progress import Silent
from prefloop.run_file import parse_run
from prefloop.scorers.build import build_scorer
from tests.stages_for_tests import PROMPTS, trainer_on

REFERENCE = ["It was a cold day.", "He went home."] * 20
WATCHED = {"score_sd", "score_drift", "duplicates", "top_opening", "distinct_2", "entropy"}
WATCHED |= {"held_out_score", "drift_length"}


def stage_in(run: Path, model: Path) -> PolicyStage:
    trainer = trainer_on(model, batch_size=4, episodes=32, epochs=1, checkpoint_every=2)
    stage = PolicyStage(trainer, MetricsLog(run / "metrics.jsonl"), run=run, progress=Silent())
    stage.watch = UpdateWatch(
        parse_run({}, "run.yaml"),
        reference_texts=lambda: REFERENCE,
        say=lambda _: None,
        ask_stop=lambda _: None,
        held_out=build_scorer("length", {}),
    )
    return stage


def test_a_resumed_run_writes_the_lines_of_a_straight_one(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    straight = stage_in(tmp_path / "straight", gpt2_folder)
    straight.train_round(0, 6, PROMPTS)
    stage_in(tmp_path / "run", gpt2_folder).train(0, 3, PROMPTS)
    # The process dies in the next update: its line is there, its checkpoint is not.
    torn = stage_in(tmp_path / "run", gpt2_folder)
    torn.metrics.write({"stage": "policy", "round": 0, "update": 4})
    resumed = stage_in(tmp_path / "run", gpt2_folder)
    resumed.restore()
    resumed.train_round(0, 6, PROMPTS)
    assert resumed.metrics.lines() == straight.metrics.lines()
    for line in straight.metrics.lines():
        assert {f"policy/{name}" for name in WATCHED} <= set(line)
        assert line["risen_words"][0].keys() == {"phrase", "share", "baseline_share", "q"}
    assert {f"policy/{name}" for name in WATCHED} <= set(METRICS)


def test_a_rollback_is_watched_from_where_it_leads(gpt2_folder: Path, tmp_path: Path) -> None:
    """The words of updates that were taken back are not in the window any more."""
    stage = stage_in(tmp_path, gpt2_folder)
    stage.train_round(0, 4, PROMPTS)
    window = stage.watch.state()
    stage.roll_back(2, request="r", label_cutoff=0)
    assert stage.watch.state()["updates"] == 2 < window["updates"]
    assert [line["update"] for line in stage.metrics.lines()] == [1, 2]


def test_a_metric_that_is_not_finite_ends_the_run(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_in(tmp_path, gpt2_folder)
    step = stage.trainer.step

    def diverging(prompts: Any) -> dict[str, float]:
        return {**step(prompts), "policy/explained_variance": math.nan}

    monkeypatch.setattr(stage.trainer, "step", diverging)
    with pytest.raises(DivergedError, match="policy/explained_variance became nan"):
        stage.train_round(0, 1, PROMPTS)
    assert stage.metrics.lines() == []
