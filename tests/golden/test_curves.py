"""PPO gives the curves that it gave before methods had a seam."""

import json
from pathlib import Path
from typing import Any

import pytest

from prefloop.progress import Silent
from prefloop.run.loop import run
from prefloop.run_file import parse_run
from tests.tolerances import CURVE, CURVE_KL

CURVES = sorted((Path(__file__).parent / "curves").glob("*.json"))


OF_KL = ("policy/kl", "policy/kl_increase")


def is_close(name: str, found: Any, expected: Any) -> bool:
    if not isinstance(expected, float):
        return bool(found == expected)
    allowed = CURVE_KL if name in OF_KL else CURVE
    return bool(found == pytest.approx(expected, rel=allowed["rtol"], abs=allowed["atol"]))


def test_there_are_curves() -> None:
    assert [path.stem for path in CURVES] == ["ppo_all_layers", "ppo_top_layer"]


@pytest.mark.parametrize("path", CURVES, ids=lambda path: path.stem)
def test_the_curve_did_not_move(path: Path, tmp_path: Path) -> None:
    curve = json.loads(path.read_text(encoding="utf-8"))
    run(parse_run(curve["settings"], path.name), tmp_path, Silent(), until="policy")
    lines = (tmp_path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(curve["metrics"])
    for line, expected in zip(map(json.loads, lines), curve["metrics"], strict=True):
        moved = {
            name: (line.get(name), value)
            for name, value in expected.items()
            if not is_close(name, line.get(name), value)
        }
        assert moved == {}, f"{line['stage']} update {line['update']}"
