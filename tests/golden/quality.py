"""The figures on labels and labelers: how each is called with the inputs of the golden files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from prefloop.functional import (
    agreement,
    choice_model,
    exact_looks,
    learning_curve,
    runs,
    skill,
    statistics,
)
from prefloop.functional.agreement import Choices
from prefloop.functional.choice_model import ChoiceRows, fit_choice_model
from prefloop.functional.skill import SkillAnswers, Skills
from prefloop.functional.statistics import Estimate, Spread
from tests.golden.cases import Case
from tests.tolerances import FP32, FP64, STATISTICAL, Tolerance

Formula = Callable[..., Any]
Call = Callable[[Formula, dict[str, Any]], list[float]]

FORMULAS: dict[str, Formula] = {
    "beta_bounds": statistics.beta_bounds,
    "q_values": statistics.q_values,
    "share_estimate": statistics.share_estimate,
    "pairwise_agreement": agreement.pairwise_agreement,
    "agreement_with_others": agreement.agreement_with_others,
    "agreement_with": agreement.agreement_with,
    "excess_over_others": agreement.excess_over_others,
    "above_chance": agreement.above_chance,
    "right_probability": skill.right_probability,
    "one_coin_skills": skill.one_coin_skills,
    "position_test": runs.position_test,
    "run_probability": runs.run_probability,
    "longest_run": runs.longest_run,
    "fit_learning_curve": learning_curve.fit_learning_curve,
    "standardize": choice_model.standardize,
    "fit_choice_model": choice_model.fit_choice_model,
    "coefficient_estimates": choice_model.coefficient_estimates,
    "out_of_fold_credit": choice_model.out_of_fold_credit,
    "group_deviations": choice_model.group_deviations,
    "random_effects": choice_model.random_effects,
    "tail_probability": exact_looks.tail_probability,
    "count_looks": exact_looks.count_looks,
    "next_look": exact_looks.next_look,
}
MODULES = [agreement, choice_model, exact_looks, learning_curve, runs, skill]
"""Every public function of these is in the table above."""

TOLERANCES = {"FP64": FP64, "FP32": FP32, "STATISTICAL": STATISTICAL}
FILES = ("quality.json", "choice.json")


def all_quality_cases() -> list[dict[str, Any]]:
    """Return the rows of every golden file of figures on labels."""
    here = Path(__file__)
    return [row for name in FILES for row in json.loads(here.with_name(name).read_text())]


def quality_cases(name: str) -> list[tuple[Case, Tolerance]]:
    """Return the cases of one formula with their tolerance; an unknown name is an error."""
    rows = all_quality_cases()
    found = [
        (Case(**{k: v for k, v in row.items() if k != "tolerance"}), TOLERANCES[row["tolerance"]])
        for row in rows
        if row["function"] == name
    ]
    if not found:
        raise LookupError(f"no golden case for {name}")
    return found


def check_quality(name: str, formula: Formula) -> None:
    """Assert that `formula` gives the golden outputs of every case named `name`."""
    for case, tolerance in quality_cases(name):
        got = CALLS[name](formula, case.inputs)
        np.testing.assert_allclose(got, case.outputs, err_msg=case.source, **tolerance)


def choices(inputs: dict[str, Any]) -> Choices:
    """Return the table of an agreement case."""
    columns = {k: np.array(inputs[k], dtype=np.int64) for k in ("labeler", "question", "option")}
    return Choices(**columns, n_labelers=max(inputs["labeler"]) + 1)


def answers(inputs: dict[str, Any]) -> SkillAnswers:
    """Return the table of a skill case."""
    columns = ("labeler", "question", "option", "n_options")
    right = [np.nan if x is None else x for x in inputs["is_right"]]
    return SkillAnswers(
        **{k: np.array(inputs[k], dtype=np.int64) for k in columns},
        is_right=np.array(right, dtype=float),
        n_labelers=inputs["n_labelers"],
    )


def _estimate(found: Estimate) -> list[float]:
    return [found.value, *found.interval]


def _share(formula: Formula, inputs: dict[str, Any]) -> list[float]:
    spread = Spread(variance=inputs["variance"], degrees=inputs["degrees"], how="")
    rest = {k: inputs[k] for k in ("n", "n_clusters", "confidence")}
    return list(formula(inputs["mean"], spread, **rest).interval)


def _pairwise(formula: Formula, inputs: dict[str, Any]) -> list[float]:
    found = formula(choices(inputs))
    return [*_estimate(found), found.n, found.n_clusters]


def _others(formula: Formula, inputs: dict[str, Any]) -> list[float]:
    found = formula(choices(inputs), np.array(inputs["is_other"]))
    return [x for row in found for x in (*_estimate(row), row.n)]


def _with(formula: Formula, inputs: dict[str, Any]) -> list[float]:
    found = formula(choices(inputs), np.array(inputs["is_other"]))
    return [*_estimate(found), found.n]


def _excess(formula: Formula, inputs: dict[str, Any]) -> list[float]:
    found = formula(choices(inputs), np.array(inputs["hits"]), np.array(inputs["is_other"]))
    return [x for row in found for x in (row.value, *row.interval, row.p_value)]


def _right(formula: Formula, inputs: dict[str, Any]) -> list[float]:
    skills, sizes = (np.array(inputs[k], dtype=float) for k in ("skill", "n_options"))
    return list(formula(skills, sizes))


def _skills(formula: Formula, inputs: dict[str, Any]) -> list[float]:
    found: Skills = formula(answers(inputs))
    return found.mean().tolist()


def _position(formula: Formula, inputs: dict[str, Any]) -> list[float]:
    found = formula(**inputs)
    return [found.p_value, found.favorite, found.n_favorite, found.n, found.expected]


def _curve(formula: Formula, inputs: dict[str, Any]) -> list[float]:
    found = formula(**inputs, seed=0, n_draws=20)
    return [found.limit, found.slope]


def choice_rows(inputs: dict[str, Any]) -> ChoiceRows:
    """Return the answers of a case of the choice model."""
    return ChoiceRows(
        features=np.array(inputs["features"], dtype=float),
        targets=np.array(inputs["targets"], dtype=float),
        starts=np.array(inputs["starts"], dtype=np.int64),
    )


def _standardize(formula: Formula, inputs: dict[str, Any]) -> list[float]:
    scaled, units = formula(np.array(inputs["features"], dtype=float), np.array(inputs["starts"]))
    return [*scaled.ravel(), *units]


def _choice_intervals(formula: Formula, inputs: dict[str, Any]) -> list[float]:
    groups = (np.array(inputs[k], dtype=np.int64) for k in ("labeler", "question"))
    fit = fit_choice_model(choice_rows(inputs))
    found = formula(fit, *groups, confidence=inputs["confidence"])
    return [end for estimate in found for end in estimate.interval]


def _deviations(formula: Formula, inputs: dict[str, Any]) -> list[float]:
    rows = choice_rows(inputs)
    fit = fit_choice_model(rows, ridge=inputs["ridge"])
    moved, variances = formula(rows, fit, inputs["feature"], np.array(inputs["group"]))
    return [*moved, *variances]


def _effects(formula: Formula, inputs: dict[str, Any]) -> list[float]:
    found = formula(np.array(inputs["values"]), np.array(inputs["variances"]))
    return [found.mean, found.sd, *found.shrunk]


def _looks(formula: Formula, inputs: dict[str, Any]) -> list[float]:
    found = formula(**inputs)
    return [x for look in found for x in (look.n, look.successes, look.p_value, look.is_clear)]


CALLS: dict[str, Call] = {
    "beta_bounds": lambda f, x: list(f(**x)),
    "q_values": lambda f, x: list(f(**x)),
    "share_estimate": _share,
    "pairwise_agreement": _pairwise,
    "agreement_with_others": _others,
    "agreement_with": _with,
    "excess_over_others": _excess,
    "above_chance": lambda f, x: [f(**x)],
    "right_probability": _right,
    "one_coin_skills": _skills,
    "position_test": _position,
    "run_probability": lambda f, x: [f(**x)],
    "longest_run": lambda f, x: list(f(**x)),
    "fit_learning_curve": _curve,
    "standardize": _standardize,
    "fit_choice_model": lambda f, x: f(choice_rows(x), ridge=x["ridge"]).coefficients.tolist(),
    "coefficient_estimates": _choice_intervals,
    "out_of_fold_credit": lambda f, x: f(choice_rows(x), np.array(x["fold"])).tolist(),
    "group_deviations": _deviations,
    "random_effects": _effects,
    "tail_probability": lambda f, x: [f(**x)],
    "count_looks": _looks,
    "next_look": lambda f, x: [f(n) for n in x["n"]],
}
