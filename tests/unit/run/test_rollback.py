"""Going back by rule: to the newest checkpoint from before the alarm, once a round."""

from pathlib import Path
from typing import Any

import pytest

from prefloop.audits.watch import WATCH
from prefloop.metrics import MetricsLog
from prefloop.policy.trainer import PolicyTrainer
from prefloop.progress import Silent
from prefloop.run.assemble import assemble
from prefloop.run.loop import run_rounds
from prefloop.run.monitor import RunMonitor
from prefloop.run.rollback import last_good, resume, roll_back
from prefloop.run.stages import Stages
from prefloop.run.stops import RollBack
from prefloop.settings.policy import PolicyConfig
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store
from prefloop.store.upkeep.backup import back_up
from prefloop.teamwork import StopRequest
from tests.unit.audits.rollouts import records
from tests.unit.run.doubles import RecordedProgress, release
from tests.unit.run.test_canaries import StandsStill, stand_still
from tests.wiring.runs import save_model, small_run, write_passages
from tests.wiring.wires import run_with

FALLING = [{"entropy": 2.0}] * 8 + [{"entropy": 0.9}] * 4 + [{"entropy": 0.2}] * 8
"""A warning at update 12, a stop at update 15."""


@pytest.mark.parametrize(
    ("n", "checkpoints", "good"),
    [
        (14, [0, 5, 10], None),
        (15, [0, 5, 10, 15], 5),
        (15, [0, 10, 15], 0),
        (15, [10, 15], None),
        (15, [], None),
    ],
)
def test_the_last_good_policy_is_from_before_what_the_alarm_is_about(
    n: int, checkpoints: list[int], good: int | None
) -> None:
    assert last_good(records(FALLING[:n]), PolicyConfig(), checkpoints) == good


def diverging(step: Any) -> Any:
    """Return a trainer's step whose second update is out of hand."""

    def stepped(trainer: PolicyTrainer, prompts: Any) -> dict[str, float]:
        line: dict[str, float] = step(trainer, prompts)
        return line | ({"policy/ratio_mean": 40.0} if trainer.update == 2 else {})

    return stepped


def run_of(folder: Path, on_alarm: str) -> RunConfig:
    """Return a run whose reward is known; `roll_back` lets it begin with a checkpoint."""
    model = save_model(folder / "model")
    base = small_run(model, write_passages(folder / "passages.jsonl"))
    changes = {"policy.reward": "length", "policy.episodes": 32, "policy.checkpoint_every": 1}
    return run_with({**base, **changes, "audits.on_alarm": on_alarm})


def run_with_alarm(
    folder: Path, on_alarm: str
) -> tuple[list[str], list[Any], list[dict[str, Any]]]:
    """Run until the run stands still; return what it said, its stop requests and its lines."""
    config, progress = run_of(folder, on_alarm), RecordedProgress()
    with Store.open(folder / "prefloop.db") as store:
        monitor = RunMonitor(store, progress, sleep=stand_still)
        stages = assemble(config, folder, monitor, until="policy")
        resume(stages)
        with pytest.raises(StandsStill):
            run_rounds(stages)
        return (
            progress.said,
            store.stop_requests.all(),
            MetricsLog(folder / "metrics.jsonl").lines(),
        )


def test_a_run_goes_back_once_by_itself_and_then_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PolicyTrainer, "step", diverging(PolicyTrainer.step))
    said, requests, lines = run_with_alarm(tmp_path, "roll_back")
    first, second = requests
    assert (first.pulled_by, first.released_by, first.action) == (WATCH, WATCH, "roll_back")
    assert (first.update, first.roll_back_to) == (2, 0)
    assert (second.pulled_by, second.update, second.released_by) == (WATCH, 2, None)
    assert "The policy continues from update 0." in said
    assert sum("ratio far from 1" in sentence for sentence in said) >= 2
    assert [line["update"] for line in lines] == [1, 2]


def test_with_stop_it_does_not_go_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PolicyTrainer, "step", diverging(PolicyTrainer.step))
    said, (request,), _ = run_with_alarm(tmp_path, "stop")
    assert (request.update, request.released_by) == (2, None)
    assert "The policy continues from update 0." not in said


def begun(config: RunConfig, folder: Path, store: Store) -> tuple[Stages, RecordedProgress]:
    """Return the stages of a run after its beginning, or after that of one more process."""
    progress = RecordedProgress()
    stages = assemble(config, folder, RunMonitor(store, progress, sleep=stand_still))
    resume(stages)
    return stages, progress


def go_back(store: Store) -> StopRequest:
    """Return a stop request that was released with the way back to the start."""
    store.updates.heartbeat(phase="x", round=0, done=0, total=0, checkpoints=(0,))
    request = store.stop_requests.pull("ann", "it swears", ())
    release(store, "roll_back", 0)
    return request


def test_a_policy_that_begins_with_a_store_owes_nothing_that_its_run_went_back_for(
    tmp_path: Path,
) -> None:
    """The run that methods take their labels from went back while they were collected."""
    shared, own = tmp_path / "labels", tmp_path / "ppo"
    shared.mkdir()
    config = run_of(shared, "roll_back")
    with Store.open(shared / "prefloop.db") as store:
        stages, _ = begun(config, shared, store)
        request = go_back(store)
        with pytest.raises(RollBack) as stop:
            stages.monitor.check_stop("between stages")
        roll_back(stages, stop.value.request)
        lineage = stages.policy.lineage
    back_up(shared / "prefloop.db", own / "prefloop.db", Silent())
    with Store.open(own / "prefloop.db") as store:
        for _ in ("the first process", "one that goes on"):
            stages, progress = begun(config, own, store)
            stages.monitor.check_stop("between stages")
        assert stages.policy.checkpoints == [0]
        assert progress.said.count("The policy continues from update 0.") == 1, "its own checkpoint"
        kept = stages.policy.lineage
        assert (kept.rolled_back_by, kept.branch) == (request.id, 0)
        assert kept.label_cutoff == lineage.label_cutoff > 0, "reward models learn from as much"
        go_back(store)
        stages, _ = begun(config, own, store)
        with pytest.raises(RollBack):
            stages.monitor.check_stop("between stages")
