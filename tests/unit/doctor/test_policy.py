"""What the doctor says of a policy that lives at its cap."""

from types import SimpleNamespace
from typing import Any

import pytest

from prefloop.doctor.policy import check_policy
from prefloop.run_file import parse_run
from prefloop.settings.run import RunConfig


def _config(kl: dict[str, float]) -> RunConfig:
    return parse_run({"task": {"name": "sentiment"}, "policy": {"kl": kl}}, "run.yaml")


def _line(update: int, *, weight: float | None) -> dict[str, Any]:
    flag = {} if weight is None else {"policy/kl_cap_weight": weight}
    return {"stage": "policy", "update": update, "policy/kl": 0.0, "policy/score": 1.0, **flag}


@pytest.mark.parametrize(
    ("newest", "status", "mean"),
    [([0, 1, 0, 0], "ok", "0.25"), ([1, 1, 0, 1], "warn", "0.75"), ([1, 1, 1, 1], "bad", "1.00")],
)
def test_the_weight_of_the_way_back_is_looked_at(
    newest: list[float], status: str, mean: str
) -> None:
    config = _config({"cap": 9.0})
    lines = [_line(u, weight=0.0) for u in range(1, 13)]
    lines += [_line(13 + i, weight=float(flag)) for i, flag in enumerate(newest)]
    findings = check_policy(config, SimpleNamespace(metrics=lines))  # type: ignore[arg-type]
    (finding,) = [f for f in findings if f.check == "KL held by its cap"]
    assert finding.status == status
    assert f"policy.kl.cap 9; the way back weighs {mean} of 1 in the mean." in finding.told
    assert bool(finding.action) == (status != "ok")


@pytest.mark.parametrize("weight", [0.0, None])
def test_without_a_cap_or_in_an_old_run_nothing_is_said(weight: float | None) -> None:
    cap = {"cap": 9.0} if weight is None else {}
    config = _config(cap)
    run = SimpleNamespace(metrics=[_line(1, weight=weight)])
    findings = check_policy(config, run)  # type: ignore[arg-type]
    assert "KL held by its cap" not in [f.check for f in findings]
    assert "KL near its target" in [f.check for f in findings]
