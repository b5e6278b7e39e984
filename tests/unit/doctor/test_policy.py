"""What the doctor says of a policy that lives at its cap."""

from types import SimpleNamespace
from typing import Any

import pytest

from prefloop.config import RunConfig, parse_run
from prefloop.doctor.policy import check_policy


def _config(kl: dict[str, float]) -> RunConfig:
    return parse_run({"task": {"name": "sentiment"}, "policy": {"kl": kl}}, "run.yaml")


def _line(update: int, *, beyond: float | None) -> dict[str, Any]:
    flag = {} if beyond is None else {"policy/beyond_cap": beyond}
    return {"stage": "policy", "update": update, "policy/kl": 0.0, "policy/score": 1.0, **flag}


@pytest.mark.parametrize(
    ("newest", "status", "share"),
    [([0, 1, 0, 0], "ok", "25%"), ([1, 1, 0, 1], "warn", "75%"), ([1, 1, 1, 1], "bad", "100%")],
)
def test_updates_beyond_the_cap_are_counted(newest: list[int], status: str, share: str) -> None:
    config = _config({"cap": 9.0})
    lines = [_line(u, beyond=0.0) for u in range(1, 13)]
    lines += [_line(13 + i, beyond=float(flag)) for i, flag in enumerate(newest)]
    findings = check_policy(config, SimpleNamespace(metrics=lines))  # type: ignore[arg-type]
    (finding,) = [f for f in findings if f.check == "KL within its cap"]
    assert finding.status == status
    assert f"{share} of the newest updates began beyond policy.kl.cap 9." in finding.told
    assert bool(finding.action) == (status != "ok")


@pytest.mark.parametrize("beyond", [0.0, None])
def test_without_a_cap_or_in_an_old_run_nothing_is_said(beyond: float | None) -> None:
    cap = {"cap": 9.0} if beyond is None else {}
    config = _config(cap)
    run = SimpleNamespace(metrics=[_line(1, beyond=beyond)])
    findings = check_policy(config, run)  # type: ignore[arg-type]
    assert "KL within its cap" not in [f.check for f in findings]
    assert "KL near its target" in [f.check for f in findings]
