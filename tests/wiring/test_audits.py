"""Settings of `audits` change what is looked at and when it warns, and no figure besides."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prefloop.audits.findings import beside_reward_model
from prefloop.audits.labels import audit_labels, audit_scorers
from prefloop.figures.label_audit import LabelAuditFigures
from prefloop.figures.trust import ValidationFigures
from prefloop.progress import Silent
from prefloop.rewards.trust import validation_figures
from prefloop.run_file import parse_run
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store
from tests.unit.audits.worlds import World, fill
from tests.wiring.wires import Observations, Wire

SHORTCUTS, ENOUGH, UNASKED, BESIDE = "shortcuts", "enough", "unasked", "beside the reward model"

WIRES = [
    Wire(setting="audits.scorers", value=["imagery"], changes={SHORTCUTS}),
    Wire(setting="audits.least_choices", value=500, changes={SHORTCUTS, ENOUGH, UNASKED, BESIDE}),
    Wire(setting="audits.shortcut_skill", value=0.9, changes={UNASKED}),
    Wire(setting="audits.reward_share", value=0.0, changes={BESIDE}),
]
BASE = {"scorers": [], "least_choices": 100, "shortcut_skill": 0.2, "reward_share": 1.0}


def config(**audits: Any) -> RunConfig:
    raw = {"task": "summarization", "comparisons": {"labelers": "people"}}
    return parse_run({**raw, "audits": {**BASE, **audits}}, "run.yaml")


@pytest.fixture
def observe(new_folder: Callable[[], Path]) -> Callable[..., Observations]:
    """What is seen of an audit with these settings."""

    def observe(**audits: Any) -> Observations:
        settings, folder = config(**audits), new_folder()
        with Store.open(folder / "prefloop.db") as store:
            fill(store, World(n_questions=200, weights={"copied_sentences": 2.0}))
            figures = audit_labels(
                store, settings, folder, Silent(), scorers=audit_scorers(settings)
            )
        return _seen(figures, settings)

    return observe


def _seen(figures: LabelAuditFigures, settings: RunConfig) -> Observations:
    beside = beside_reward_model(figures, _measured(), settings)
    return {
        SHORTCUTS: {s.name for s in figures.shortcuts},
        ENOUGH: "shortcuts" not in figures.left_out,
        UNASKED: figures.findings[0].status,
        BESIDE: beside.status if beside else None,
    }


def _measured() -> ValidationFigures:
    """Return the figures of a reward model that is right in nine of ten."""
    targets = np.tile(np.eye(4)[0], (100, 1))
    scores = np.where(np.arange(100)[:, None] < 90, targets, 1.0 - targets)
    return validation_figures(scores, targets, np.ones((100, 4)), ceiling=None)


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_setting_changes_this_and_nothing_else(
    wire: Wire, observe: Callable[..., Observations]
) -> None:
    before = observe()
    after = observe(**{wire.setting.removeprefix("audits."): wire.value})
    assert {name for name in before if before[name] != after[name]} == wire.changes
