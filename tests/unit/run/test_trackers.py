"""Trackers get every line with its step, TensorBoard for real; one that fails stops nothing."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, get_args

import pytest
from accelerate.tracking import LOGGER_TYPE_TO_CLASS

from prefloop.errors import SettingsError
from prefloop.metrics import MetricsLog
from prefloop.run.trackers import Trackers
from prefloop.run_file import parse_run
from prefloop.settings.report import Tracker

Lines = dict[str, list[tuple[int, float]]]


def trackers_of(
    folder: Path, *names: str, say: Callable[[str], None] = lambda text: None
) -> tuple[MetricsLog, Trackers]:
    config = parse_run({"report": {"trackers": list(names)}}, "run.yaml")
    trackers = Trackers(config, folder, say)
    return MetricsLog(folder / "metrics.jsonl", trackers), trackers


def line(update: int, kl: float, stage: str = "policy") -> dict[str, Any]:
    return {"stage": stage, "round": 0, "update": update, f"{stage}/{KL[stage]}": kl}


KL = {"policy": "kl", "rewards": "loss"}


def read_tensorboard(folder: Path) -> Lines:
    """Return what TensorBoard itself reads: by tag, the steps and values."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return {
        tag: [(e.step, round(e.value, 4)) for e in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def test_tensorboard_has_every_line_under_its_number(tmp_path: Path) -> None:
    metrics, trackers = trackers_of(tmp_path, "tensorboard")
    metrics.write(line(1, 0.7, "rewards"))
    metrics.write(line(1, 0.5) | {"episodes": 8})
    metrics.write(line(2, 0.25) | {"episodes": 16})
    trackers.finish()
    found = read_tensorboard(tmp_path)
    assert found["rewards/loss"] == [(1, 0.7)]
    assert found["policy/kl"] == [(2, 0.5), (3, 0.25)]
    assert found["policy/update"] == [(2, 1.0), (3, 2.0)]
    assert found["policy/episodes"] == [(2, 8.0), (3, 16.0)]


def test_a_resumed_run_continues_and_shows_what_came_again_once(tmp_path: Path) -> None:
    metrics, _ = trackers_of(tmp_path, "tensorboard")
    for update, kl in ((1, 0.1), (2, 0.2), (3, 0.3)):
        metrics.write(line(update, kl))
    # The process dies: update 1 was its last checkpoint, so updates 2 and 3 come again.
    metrics, trackers = trackers_of(tmp_path, "tensorboard")
    metrics.forget_after("policy", 1)
    for update, kl in ((2, 0.25), (3, 0.35), (4, 0.45)):
        metrics.write(line(update, kl))
    trackers.finish()
    assert read_tensorboard(tmp_path)["policy/kl"] == [(1, 0.1), (2, 0.25), (3, 0.35), (4, 0.45)]


def test_without_trackers_nothing_is_opened(tmp_path: Path) -> None:
    metrics, trackers = trackers_of(tmp_path)
    metrics.write(line(1, 0.1))
    trackers.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]


class Recorded:
    """A tracker that keeps what it is given, and can fail."""

    requires_logging_directory = False
    made: ClassVar[list["Recorded"]] = []
    fails_at: int | None = None

    def __init__(self, project: str, **kwargs: Any) -> None:
        self.project, self.kwargs, self.steps = project, kwargs, list[int]()
        self.settings: dict[str, Any] = {}
        self.is_finished = False
        Recorded.made.append(self)

    def start(self) -> None:
        """Begin."""

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        self.settings = values

    def log(self, values: dict[str, Any], step: int) -> None:
        if step == self.fails_at:
            raise ConnectionError("no route to host")
        self.steps.append(step)

    def finish(self) -> None:
        self.is_finished = True


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Recorded]:
    """What stands for wandb and mlflow."""
    monkeypatch.setattr(Recorded, "made", [])
    for name in ("wandb", "mlflow"):
        monkeypatch.setitem(LOGGER_TYPE_TO_CLASS, name, Recorded)
    return Recorded.made


def test_one_run_of_wandb_goes_on_after_a_restart(tmp_path: Path, recorded: list[Recorded]) -> None:
    folder = tmp_path / "my-run"
    for update in (1, 2):
        metrics, trackers = trackers_of(folder, "wandb")
        metrics.write(line(update, 0.1))
        trackers.finish()
    first, again = recorded
    assert first.project == "prefloop" and first.kwargs == again.kwargs
    assert first.kwargs["name"] == "my-run" and first.kwargs["resume"] == "allow"
    assert (first.steps, again.steps) == ([1], [2])
    assert first.settings["policy.kl.coef"] == 0.05 and again.settings == {}
    assert first.is_finished and again.is_finished
    private = ("store", "comparisons.people")
    assert not [name for name in first.settings if name.startswith(private)]


def test_one_that_is_not_reachable_is_named_once_and_the_others_go_on(
    tmp_path: Path, recorded: list[Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    metrics, trackers = trackers_of(tmp_path, "wandb", "mlflow", say=said.append)
    metrics.write(line(1, 0.1))
    monkeypatch.setattr(recorded[0], "fails_at", 2, raising=False)
    for update in (2, 3):
        metrics.write(line(update, 0.1))
    trackers.finish()
    assert said == [
        "report.trackers: wandb failed (ConnectionError: no route to host). Is its server "
        "reachable, are you logged in? The run goes on without it; metrics.jsonl holds every "
        "number."
    ]
    assert (recorded[0].steps, recorded[1].steps) == ([1], [1, 2, 3])
    assert recorded[0].is_finished, "what it holds is kept"
    assert len(metrics.lines()) == 3


def test_one_that_is_not_installed_is_named_once_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    said: list[str] = []
    metrics, trackers = trackers_of(tmp_path, "wandb", say=said.append)
    for update in (1, 2):
        metrics.write(line(update, 0.1))
    trackers.finish()
    (text,) = said
    assert text.startswith("report.trackers: wandb is not installed")
    assert "`pip install wandb`" in text and "The run goes on without it" in text
    assert len(metrics.lines()) == 2


def test_the_names_are_those_of_accelerate_and_others_are_refused() -> None:
    assert set(get_args(Tracker)) == set(LOGGER_TYPE_TO_CLASS)
    with pytest.raises(SettingsError, match=r"report\.trackers\.0: .*'tensorboard'.*got 'tensor'"):
        parse_run({"report": {"trackers": ["tensor"]}}, "run.yaml")
