"""Settings of `report` change how much the report shows, and what an hour is said to cost."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefloop.report.build import build_report
from prefloop.store.store import Store
from tests.unit.report.fake_run import fake_config, make_run
from tests.wiring.runs import assembled, save_model, small_run, write_passages
from tests.wiring.wires import Observations, Wire, covers

PAIRS, WAGE, COST, CURRENCY = "pairs", "wage", "cost", "currency"

WIRES = [
    Wire(setting="report.pairs", value=5, changes={PAIRS}),
    Wire(setting="report.hourly_wage", value=30.0, changes={WAGE, COST}),
    Wire(setting="report.currency", value="CHF", changes={CURRENCY}),
]
BASE = {"pairs": 3, "hourly_wage": 15.0, "currency": "USD"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Store]]:
    """A run with labels and an evaluation."""
    folder = make_run(tmp_path_factory.mktemp("report") / "run", rounds=1, n_held_out=12)
    with Store.open(folder / "prefloop.db") as store:
        yield folder, store


def observe(finished: tuple[Path, Store], **settings: object) -> Observations:
    page = build_report(*finished, fake_config(report={**BASE, **settings})).read_text("utf-8")
    said = re.search(r"took [^:]*: (\S+)\s(\S+) at (\S+)\s(\S+) an hour", page)
    assert said is not None
    cost, currency, wage, again = said.groups() if said[1][0].isdigit() else _turned(said)
    assert currency == again and f"Cost ({currency})" in page
    return {
        PAIRS: page.count('<article class="pair">'),
        COST: float(cost.replace(",", "")),
        WAGE: float(wage),
        CURRENCY: currency,
    }


def _turned(said: re.Match[str]) -> tuple[str, str, str, str]:
    """Return amounts before currencies."""
    return said[2], said[1], said[4], said[3]


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_setting_changes_this_and_nothing_else(wire: Wire, finished: tuple[Path, Store]) -> None:
    name = wire.setting.removeprefix("report.")
    before, after = observe(finished), observe(finished, **{name: wire.value})
    assert {key for key in before if before[key] != after[key]} == wire.changes


def test_the_numbers_are_those_of_the_settings(finished: tuple[Path, Store]) -> None:
    seen = observe(finished, pairs=5, hourly_wage=30.0, currency="CHF")
    seconds = sum(label.seconds for label in finished[1].labels())
    assert seen[COST] == pytest.approx(seconds / 3600 * 30.0, abs=0.006)
    assert (seen[PAIRS], seen[WAGE], seen[CURRENCY]) == (5, 30.0, "CHF")


@covers("report.trackers")
def test_lines_of_a_run_go_to_the_trackers_that_it_names(tmp_path: Path) -> None:
    settings = small_run(save_model(tmp_path / "model"), write_passages(tmp_path / "text.jsonl"))
    opened = {}
    for name in ("tensorboard", "none"):
        folder = tmp_path / name
        folder.mkdir()
        named = {"report.trackers": [name] if name == "tensorboard" else []}
        with assembled({**settings, **named}, folder) as stages, stages.monitor.keepalive():
            stages.metrics.write({"stage": "policy", "round": 0, "update": 1, "policy/kl": 0.5})
        opened[name] = (folder / "tensorboard").is_dir()
    assert opened == {"tensorboard": True, "none": False}
