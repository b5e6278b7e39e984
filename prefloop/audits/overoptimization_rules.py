"""What a curve of over-optimization may be read as: where to stop, or why nobody can say.

Shapes: P = prompts, J = points.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from prefloop.evaluation.estimates import estimate_figure
from prefloop.figures.check_result import CheckResult
from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.overoptimization import (
    CurveAnswer,
    OverOptimizationCurveFigures,
    OverOptimizationPointFigures,
)
from prefloop.figures.text import count, counted, fixed, plain
from prefloop.functional.overoptimization import (
    LEAST_POINTS,
    LEAST_PROMPTS,
    OverOptimization,
    over_optimization,
)
from prefloop.functional.statistics import clustered_mean
from prefloop.settings.comparisons import PEOPLE

CHECK = "over-optimization"
"""What the doctor calls it."""

MORE_SAMPLES = (
    "Set evaluation.frontier_prompts and evaluation.frontier_samples (16 or more) before the next "
    "run."
)
MORE_POLICIES = "Set policy.keep_every before the next run, so that it keeps more of them."
MORE_PROMPTS = (
    "Set evaluation.prompts, or prompts.held_out_share where there are no more, before the next "
    "run."
)
MORE_VERDICTS = (
    "People say it of models that an evaluation shows them: name kept policies in `prefloop "
    "evaluation --models`, with `people` among evaluation.judges."
)
NOT_MOVED = "The others have a KL of 0: training has not moved them, so they tell nothing of it."


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What a curve is made of: a row per prompt, a column per point, NaN where there is none."""

    kind: Literal["policies", "best of n"]
    judge: str
    names: tuple[str, ...]
    kls: NDArray[np.float64]
    gains: NDArray[np.float64]
    proxy: NDArray[np.float64]


def answered(curve: Curve, *, seed: int) -> OverOptimizationCurveFigures:
    """Return the figures of a curve, with where it is highest if that can be said."""
    points = _points(curve)
    fitted = _fit(curve, points, seed)
    answer, message = _answer(curve, points, fitted)
    return OverOptimizationCurveFigures(
        kind=curve.kind,
        judge=curve.judge,
        prompts=len(curve.gains),
        points=tuple(points),
        alpha=None if fitted is None else fitted.alpha,
        beta=None if fitted is None else fitted.beta,
        answer=answer,
        peak_kl=_peak(fitted, len(curve.gains)),
        message=message,
    )


def _points(curve: Curve) -> list[OverOptimizationPointFigures]:
    found = []
    for column, name in enumerate(curve.names):
        there = ~np.isnan(curve.gains[:, column])
        if there.any():
            rows = np.flatnonzero(there)
            gain = clustered_mean(curve.gains[there, column], rows.tolist())
            found.append(
                OverOptimizationPointFigures(
                    name=name,
                    kl_nats=max(0.0, float(curve.kls[there, column].mean())),
                    proxy=float(curve.proxy[there, column].mean()),
                    gain=estimate_figure(gain),
                )
            )
    return sorted(found, key=lambda point: point.kl_nats)


def _fit(
    curve: Curve, points: Sequence[OverOptimizationPointFigures], seed: int
) -> OverOptimization | None:
    """Return the fitted curve; None with too few points or prompts, or points at one KL."""
    if _n_moved(points) < LEAST_POINTS or len(curve.gains) < LEAST_PROMPTS:
        return None
    there = ~np.isnan(curve.gains).all(axis=0)
    form: Literal["best_of_n", "rl"] = "best_of_n" if curve.kind == "best of n" else "rl"
    try:
        return over_optimization(form, curve.kls[:, there], curve.gains[:, there], seed=seed)
    except ValueError:  # The points do not determine it.
        return None


def _n_moved(points: Sequence[OverOptimizationPointFigures]) -> int:
    """Return how many points lie above a KL of 0."""
    return sum(point.kl_nats > 0 for point in points)


def _peak(fitted: OverOptimization | None, n: int) -> EstimateFigure | None:
    if fitted is None or math.isinf(fitted.peak_kl):
        return None
    low, high = fitted.interval()
    return EstimateFigure(
        value=fitted.peak_kl,
        low=low if math.isfinite(low) else None,
        high=high if math.isfinite(high) else None,
        confidence=0.95,
        n=n,
        n_clusters=n,
        how="percentile interval, bootstrap over prompts",
    )


def _answer(
    curve: Curve, points: Sequence[OverOptimizationPointFigures], fitted: OverOptimization | None
) -> tuple[CurveAnswer, str]:
    """Return what may be said, and in a sentence why."""
    if fitted is None:
        return "too little", _too_little(curve, points)
    seen = f"{fixed(fitted.largest_kl)} nats, the largest KL seen"
    low, high = fitted.interval()
    if math.isinf(fitted.peak_kl):
        surely = f"; it surely rises up to {fixed(low)} nats" if 0 < low < math.inf else ""
        return "still rises", (
            f"the score of {curve.judge} still rises at {seen}{surely}. Where it turns does not "
            "lie within what was seen."
        )
    where = f"the score of {curve.judge} is highest at a KL of {fixed(fitted.peak_kl)} nats"
    if math.isinf(high):
        return "unsure", (
            f"{where} (95 % interval from {fixed(low)} to beyond what was seen). Up to {seen}, it "
            "is not sure that it turns."
        )
    where += f" (95 % interval {fixed(low)}–{fixed(high)})"
    smallest = min(point.kl_nats for point in points if point.kl_nats > 0)
    if fitted.peak_kl < smallest or round(fitted.peak_kl, 2) == 0.0:
        return "falls from the start", f"{where}, below all that was seen, and falls up to {seen}."
    return "stop here", f"{where} of {seen}."


def _too_little(curve: Curve, points: Sequence[OverOptimizationPointFigures]) -> str:
    n = _n_moved(points)
    if n >= LEAST_POINTS and len(curve.gains) >= LEAST_PROMPTS:
        return "all points lie at one KL, which determines no curve."
    noun = "policy" if n == 1 else "policies"
    there = (
        f"{count(n)} {noun}" if curve.kind == "policies" else f"{counted(n, 'size')} of best of n"
    )
    there += " at a KL above 0"
    return (
        f"{there} on {counted(len(curve.gains), 'prompt')} judged by {curve.judge}; a curve needs "
        f"{LEAST_POINTS} on {LEAST_PROMPTS}. {_more(curve, points)}"
    )


def _more(curve: Curve, points: Sequence[OverOptimizationPointFigures]) -> str:
    """Return what gives a curve what it lacks: points, prompts, or a KL above 0."""
    if curve.kind == "best of n":
        return MORE_SAMPLES
    if curve.judge == PEOPLE:
        return MORE_VERDICTS
    lacks = []
    if len(points) < LEAST_POINTS:
        lacks.append(MORE_POLICIES)
    elif _n_moved(points) < LEAST_POINTS:
        lacks.append(NOT_MOVED)
    if len(curve.gains) < LEAST_PROMPTS:
        lacks.append(MORE_PROMPTS)
    return " ".join(lacks)


def curve_findings(
    curves: Sequence[OverOptimizationCurveFigures], left_out: Mapping[str, str]
) -> tuple[CheckResult, ...]:
    """Return what each curve says in the words of the doctor."""
    found = [_finding(curve) for curve in curves]
    if not found:
        why = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        message = "No judge of the run is a scorer that costs nothing to ask"
        found.append(_result("later", f"{message}{f' ({why})' if why else ''}.", ""))
    return tuple(found)


def _finding(curve: OverOptimizationCurveFigures) -> CheckResult:
    message = f"{curve.kind[0].upper()}{curve.kind[1:]}: {curve.message}"
    if curve.answer in ("too little", "unsure"):
        return _result("later", message, "")
    if curve.answer == "still rises":
        return _result("ok", message, "")
    peak = curve.peak_kl
    assert peak is not None, "a curve that turns has a place where it does"
    last = curve.points[-1]
    assert peak.high is not None, "a curve that may turn beyond what was seen is unsure"
    if last.kl_nats <= peak.high:
        return _result("ok", message, "")
    nearest = min(curve.points, key=lambda point: abs(point.kl_nats - peak.value))
    action = f"{last.name} went too far; nearest to where it is highest is {nearest.name}."
    if curve.kind == "policies" and curve.answer == "stop here":
        # A curve that falls from the start leaves no KL to go to.
        action += f" A run to there: policy.kl.cap={plain(round(peak.value, 2))}."
    return _result("warn", message, action)


def _result(status: Literal["ok", "warn", "later"], message: str, action: str) -> CheckResult:
    return CheckResult(stage="policy", check=CHECK, status=status, message=message, action=action)
