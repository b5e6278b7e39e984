"""What the doctor says of a policy that lives at its cap."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from prefloop.doctor.policy import check_policy
from prefloop.figures.metrics_line import MetricsLine
from prefloop.run_file import parse_run
from prefloop.run_folder import RunFigures
from prefloop.settings.run import RunConfig


def _config(kl: dict[str, float]) -> RunConfig:
    return parse_run({"task": {"name": "sentiment"}, "policy": {"kl": kl}}, "run.yaml")


def _line(update: int, *, weight: float | None = None, **more: float) -> MetricsLine:
    values = {"policy/kl": 0.0, "policy/score": 1.0}
    if weight is not None:
        values["policy/kl_cap_weight"] = weight
    values |= {f"policy/{name}": value for name, value in more.items()}
    return MetricsLine(stage="policy", round=0, update=update, values=values)


def _run(lines: Sequence[MetricsLine]) -> RunFigures:
    return RunFigures(name="run", metrics=tuple(lines), evaluations=(), trusts=())


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
    results = check_policy(config, _run(lines))
    (result,) = [f for f in results if f.check == "KL held by its cap"]
    assert result.status == status
    assert (
        f"policy.kl.cap 9; the pull towards the reference has a mean weight of {mean} of 1."
        in result.message
    )
    assert bool(result.action) == (status != "ok")


@pytest.mark.parametrize("weight", [0.0, None])
def test_without_a_cap_or_in_an_old_run_nothing_is_said(weight: float | None) -> None:
    cap = {"cap": 9.0} if weight is None else {}
    config = _config(cap)
    run = _run([_line(1, weight=weight)])
    results = check_policy(config, run)
    assert "KL held by its cap" not in [f.check for f in results]
    assert "KL near its target" in [f.check for f in results]


def test_a_method_is_named_and_checked_by_what_it_measures() -> None:
    lines = [replace(_line(u), method="rloo") for u in range(1, 13)]
    checks = {result.check: result for result in check_policy(_config({}), _run(lines))}
    assert checks["training"].message == "RLOO made 12 updates, the newest in round 0."
    assert "explained variance" not in checks
    assert "clip fraction" not in checks
    lines = [_line(u, explained_variance=-2.0, clip_fraction=0.1) for u in range(1, 13)]
    checks = {result.check: result for result in check_policy(_config({}), _run(lines))}
    assert checks["explained variance"].status == "bad"
    assert "policy.options.vf_coef" in checks["explained variance"].action
    assert checks["clip fraction"].status == "ok"


def test_before_the_first_update_the_chosen_method_is_named() -> None:
    config = parse_run({"policy": {"method": "rloo"}}, "run.yaml")
    (result,) = check_policy(config, _run([]))
    assert (result.status, result.message) == ("later", "RLOO has not made an update yet.")
