"""What the doctor says of a policy that lives at its cap."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from prefloop.doctor.policy import check_policy
from prefloop.figures.metrics_line import MetricsLine
from prefloop.run_file import parse_run
from prefloop.run_folder import RunFigures
from prefloop.settings.run import RunConfig


def _config(kl: dict[str, float | None]) -> RunConfig:
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
    cap: dict[str, float | None] = {"cap": 9.0 if weight is None else None}
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


@pytest.mark.parametrize(
    ("kl", "control", "updates", "status"),
    [
        (0.2, "adaptive", 12, "warn"),
        (1.4, "adaptive", 12, "warn"),
        (1.6, "adaptive", 12, "ok"),
        (0.2, "adaptive", 7, "ok"),
        (0.2, "fixed", 12, "warn"),
        (0.6, "fixed", 12, "ok"),
        (9.1, "adaptive", 12, "warn"),
        (20.0, "adaptive", 12, "bad"),
        (20.0, "fixed", 12, "ok"),
    ],
)
def test_a_kl_is_warned_of_on_both_sides(
    kl: float, control: str, updates: int, status: str
) -> None:
    raw = {"policy": {"kl": {"control": control, "target": 6.0}}}
    run = _run([_line(u, kl=kl) for u in range(1, updates + 1)])
    results = {r.check: r for r in check_policy(parse_run(raw, "run.yaml"), run)}
    found = results["KL near its target"]
    assert found.status == status
    if status != "ok":
        assert ("raise policy.lr" in found.action) == (kl < 2)
        assert ("lower policy.lr" in found.action) == (kl > 2)


@pytest.mark.parametrize(("stop", "is_checked"), [(".", True), (None, False)])
def test_without_a_stop_rule_nothing_is_said_of_ends(stop: str | None, is_checked: bool) -> None:
    config = parse_run({"task": {"name": "sentiment", "stop": stop}}, "run.yaml")
    results = check_policy(config, _run([_line(1, ended=1.0)]))
    assert ("responses end" in [f.check for f in results]) == is_checked


def test_a_policy_that_is_sure_need_not_repeat_itself() -> None:
    """One that copies each prompt has as little entropy as one that says the same to all."""
    lines = [_line(u, entropy=0.7 if u < 5 else 0.05) for u in range(1, 13)]
    (found,) = [
        f for f in check_policy(_config({}), _run(lines)) if f.check == "entropy has not collapsed"
    ]
    assert found.status == "bad"
    assert "repeats itself" not in found.action and "copies, or says the same" in found.action
