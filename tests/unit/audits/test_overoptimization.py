"""What the audit of over-optimization says of curves whose truth is known."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from prefloop.audits.overoptimization_rules import Curve, answered, curve_findings
from prefloop.figures.overoptimization_text import curve_lines
from prefloop.functional.overoptimization import gao_curve
from prefloop.report.charts.overoptimization import overoptimization_chart
from tests.tolerances import FP64


def curve_of(
    alpha: float, beta: float, *, largest: float = 16.0, points: int = 6, prompts: int = 200
) -> Curve:
    """Return policies whose held-out score follows Gao's form for RL, seen through noise."""
    rng = np.random.default_rng(5)
    kls = np.linspace(1.0, largest, points)
    truth = gao_curve("rl", kls, alpha, beta)
    shape = (prompts, points)
    return Curve(
        kind="policies",
        judge="lexicon",
        names=tuple(f"policy/update-{n}" for n in range(1, points + 1)),
        kls=kls + rng.normal(0.0, 1.0, shape),
        gains=truth + rng.normal(0.0, 0.5, shape),
        proxy=np.tile(kls, (prompts, 1)),
    )


def test_a_hill_says_stop_here_and_what_lies_beyond_is_warned_of() -> None:
    """Highest at d = exp(1 / 0.55 - 1) = 2.27, a KL of 5.1 nats."""
    figures = answered(curve_of(1.0, 0.55), seed=1)
    assert figures.answer == "stop here" and figures.peak_kl is not None
    assert figures.peak_kl.low is not None and figures.peak_kl.high is not None
    assert figures.peak_kl.low < 5.14 < figures.peak_kl.high < 9.0
    (found,) = curve_findings([figures], {})
    assert found.status == "warn"
    assert found.action.startswith("policy/update-6 went too far; nearest to where it is highest")
    assert "policy/update-2" in found.action and "policy.kl.cap=" in found.action
    lines = curve_lines(figures)
    assert len(lines) == 2 + 6 + 1 and lines[-1].startswith("stop here: the score of lexicon")
    chart = overoptimization_chart(figures, "c")
    assert chart is not None and chart.count("<circle") == 6 and "highest" in chart


def test_beyond_what_was_seen_there_is_no_number() -> None:
    figures = answered(curve_of(3.0, 0.55, largest=9.0), seed=1)
    assert (figures.answer, figures.peak_kl) == ("still rises", None)
    assert "Where it turns does not lie within what was seen." in figures.message
    assert curve_findings([figures], {})[0].status == "ok"


def test_a_top_near_the_end_is_not_sure() -> None:
    figures = answered(curve_of(1.0, 0.55, largest=5.6, prompts=60), seed=1)
    assert figures.answer in ("unsure", "still rises")
    assert figures.peak_kl is None or figures.peak_kl.high is None


def test_what_falls_from_the_start_is_said_so() -> None:
    rng = np.random.default_rng(1)
    kls = np.array([0.2, 0.6, 1.0, 1.5])
    falls = Curve(
        kind="best of n",
        judge="lexicon",
        names=("best of 2", "best of 4", "best of 8", "best of 16"),
        kls=np.tile(kls, (100, 1)),
        gains=-np.sqrt(kls) - kls + rng.normal(0.0, 0.1, (100, 4)),
        proxy=np.tile(kls, (100, 1)),
    )
    figures = answered(falls, seed=1)
    assert figures.answer == "falls from the start" and figures.peak_kl is not None
    np.testing.assert_allclose(figures.peak_kl.value, 0.0, **FP64)
    assert curve_findings([figures], {})[0].status == "warn"


@pytest.mark.parametrize("kind", ["policies", "best of n"])
def test_noise_is_hardly_ever_warned_of(kind: Literal["policies", "best of n"]) -> None:
    """Of 1,500 draws 6 % were warned of, as of an interval of 95 % that errs at both ends."""
    kls = np.array([0.2, 0.6, 1.2, 1.8, 2.5])
    rng = np.random.default_rng(11)
    said = []
    for seed in range(200):
        noise = Curve(
            kind=kind,
            judge="lexicon",
            names=tuple(f"policy/update-{n}" for n in range(1, 6)),
            kls=np.tile(kls, (60, 1)),
            gains=rng.normal(0.0, 1.0, (60, 5)),
            proxy=np.tile(kls, (60, 1)),
        )
        figures = answered(noise, seed=seed)
        (found,) = curve_findings([figures], {})
        said.append((figures.answer, found.status))
        surely = figures.peak_kl is not None and figures.peak_kl.high is not None
        assert surely == (figures.answer in ("stop here", "falls from the start"))
    assert sum(status == "warn" for _, status in said) <= 20


def test_a_top_below_all_that_was_seen_falls_from_the_start_and_names_no_cap() -> None:
    """Highest at d = exp(0.1 / 1 - 1) = 0.41, a KL of 0.17 nats; the smallest seen is 1."""
    figures = answered(curve_of(0.1, 1.0), seed=1)
    assert figures.answer == "falls from the start" and figures.peak_kl is not None
    assert 0.0 < figures.peak_kl.value < 1.0
    (found,) = curve_findings([figures], {})
    assert found.status == "warn" and "policy/update-6 went too far" in found.action
    assert "policy.kl.cap" not in found.action


def test_no_cap_that_the_settings_refuse() -> None:
    """A steep fall among policies puts the top at 0.00 nats, which is no KL to run to."""
    figures = answered(curve_of(-3.0, 1.0), seed=1)
    (found,) = curve_findings([figures], {})
    assert figures.answer == "falls from the start" and found.status == "warn"
    assert "policy.kl.cap" not in found.action


@pytest.mark.parametrize(
    ("points", "prompts", "lacks"),
    [
        (3, 200, {"policy.keep_every"}),
        (6, 20, {"evaluation.prompts"}),
        (3, 20, {"policy.keep_every", "evaluation.prompts"}),
    ],
)
def test_too_little_says_how_much_there_is_and_what_is_missing(
    points: int, prompts: int, lacks: set[str]
) -> None:
    figures = answered(curve_of(1.0, 0.5, points=points, prompts=prompts), seed=1)
    assert figures.answer == "too little" and figures.alpha is None
    said = f"{points} policies at a KL above 0 on {prompts} prompts judged by lexicon; a curve"
    assert said in figures.message
    named = {
        name for name in ("policy.keep_every", "evaluation.prompts") if name in figures.message
    }
    assert named == lacks
    assert overoptimization_chart(figures, "c") is None
    assert curve_findings([figures], {})[0].status == "later"


def test_nothing_at_all_and_points_at_one_kl_are_no_crash() -> None:
    nothing = np.zeros((0, 0))
    empty = Curve(
        kind="best of n", judge="lexicon", names=(), kls=nothing, gains=nothing, proxy=nothing
    )
    assert "0 sizes of best of n at a KL above 0 on 0 prompts" in answered(empty, seed=1).message
    level = curve_of(1.0, 0.5)
    same = Curve(
        kind="policies",
        judge="lexicon",
        names=level.names,
        kls=np.full_like(level.kls, 2.0),
        gains=level.gains,
        proxy=level.proxy,
    )
    assert "all points lie at one KL" in answered(same, seed=1).message
    (found,) = curve_findings([], {"people": "asked for with --people"})
    assert found.status == "later" and "people: asked for with --people" in found.message


def test_policies_that_did_not_move_are_not_too_few() -> None:
    """Six were kept; to keep more of such would change nothing."""
    moved = curve_of(1.0, 0.5)
    kls = moved.kls * np.array([1.0, 1.0, -1.0, -1.0, -1.0, -1.0])
    figures = answered(replace(moved, kls=kls), seed=1)
    assert figures.answer == "too little" and len(figures.points) == 6
    assert "2 policies at a KL above 0" in figures.message
    assert "The others have a KL of 0" in figures.message
    assert "policy.keep_every" not in figures.message


def test_people_who_said_too_little_are_asked_by_an_evaluation() -> None:
    asked = replace(curve_of(1.0, 0.5, points=2), judge="people")
    assert "`prefloop evaluation --models`" in answered(asked, seed=1).message


def test_a_top_beyond_a_thousand_nats_names_a_cap_that_the_settings_take() -> None:
    """Highest at d = exp(1 / 0.21 - 1) = 43: no comma stands in the number."""
    figures = answered(curve_of(1.0, 0.21, largest=9000.0), seed=1)
    assert figures.answer == "stop here" and figures.peak_kl is not None
    (found,) = curve_findings([figures], {})
    assert f"policy.kl.cap={round(figures.peak_kl.value, 2)}." in found.action
    assert figures.peak_kl.value > 1000 and "," not in found.action
