"""The audit of over-optimization draws of kept policies and leaves the run as it stands."""

from pathlib import Path

import pytest

from prefloop.progress import Silent
from prefloop.run.assemble import assemble
from prefloop.run.kept_policies import audit_kept_policies
from prefloop.run.loop import run_rounds
from prefloop.run.monitor import RunMonitor
from prefloop.run.rollback import resume
from prefloop.run.stops import StopRequestWatch
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store
from tests.unit.run.test_canaries import StandsStill
from tests.wiring.runs import save_model, small_run, write_passages
from tests.wiring.wires import run_with


@pytest.fixture
def made(tmp_path: Path) -> tuple[RunConfig, Path]:
    """A run of two updates of the policy, both kept."""
    base = small_run(save_model(tmp_path / "model"), write_passages(tmp_path / "passages.jsonl"))
    changes = {"policy.reward": "length", "policy.checkpoint_every": 1, "policy.keep_every": 1}
    config = run_with({**base, **changes, "audits.on_alarm": "roll_back"})
    with Store.open(tmp_path / "prefloop.db") as store:
        monitor = RunMonitor(store, Silent())
        stages = assemble(config, tmp_path, monitor, until="policy")
        resume(stages)
        run_rounds(stages)
        monitor.report("training the policy")  # With the checkpoints, among which owners choose.
        monitor.send()
    return config, tmp_path


@pytest.mark.parametrize("state", ["stopped", "roll back is owed"])
def test_a_stop_request_is_left_to_the_run(
    made: tuple[RunConfig, Path], state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, folder = made

    def wait(_watch: StopRequestWatch, _request: object) -> None:
        raise StandsStill

    monkeypatch.setattr(StopRequestWatch, "_wait_for_release", wait)
    with Store.open(folder / "prefloop.db") as store:
        request = store.stop_requests.pull("ann", "it swears", ())
        if state != "stopped":
            store.stop_requests.release(request.id, "ann", "the texts", "roll_back", 1)
        before = store.stop_requests.all()
    made_before = sorted(folder.glob("checkpoints/policy/*"))

    figures = audit_kept_policies(config, folder, Silent(), with_people=False)

    drawn = {point.name for curve in figures.curves for point in curve.points}
    assert {"policy/update-1", "policy/update-2"} <= drawn
    with Store.open(folder / "prefloop.db") as store:
        assert store.stop_requests.all() == before
        models = {sample.model for sample in store.samples(purpose="evaluation")}
    assert models >= {"reference", "policy/update-1", "policy/update-2"}
    assert sorted(folder.glob("checkpoints/policy/*")) == made_before
