"""What each shortcut explains of the choices: weight, agreement, speed, labelers, versions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prefloop.audits.answers import AnswerTable
from prefloop.audits.shortcuts import Shortcut
from prefloop.evaluation.estimates import estimate_figure
from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.label_audit import (
    LabelerSpreadFigures,
    LabelerWeightFigures,
    ShortcutFigures,
    VersionWeightFigures,
)
from prefloop.figures.text import counted
from prefloop.functional.choice_model import (
    ChoiceFit,
    ChoiceRows,
    coefficient_estimates,
    fit_choice_model,
    group_deviations,
    out_of_fold_credit,
    random_effects,
    standardize,
)
from prefloop.functional.statistics import Estimate

SURE = 0.99
"""Confidence over all shortcuts together at which one is reported."""

LEAST_VARYING = 20
"""Answers in which samples differ in a shortcut, from which on it has figures."""

LEAST_OF_LABELER = 30
"""Answers from which on a labeler has a weight of their own."""

MOST_VERSIONS = 5
"""Versions of the instructions that are fitted, the newest ones."""


@dataclass(frozen=True, kw_only=True)
class Explained:
    """What the shortcuts explain, each and together."""

    shortcuts: tuple[ShortcutFigures, ...]
    together: EstimateFigure
    left_out: dict[str, str]
    """Shortcuts in which too few samples of one question differ, with the reason."""


@dataclass(frozen=True, kw_only=True)
class _Model:
    """The fit of all shortcuts, and what its parts are computed from."""

    table: AnswerTable
    rows: ChoiceRows
    units: NDArray[np.float64]
    fit: ChoiceFit
    folds: NDArray[np.int64]
    least: int

    @property
    def confidence(self) -> float:
        """Of one shortcut's interval, so that all together are right at SURE."""
        return 1.0 - (1.0 - SURE) / len(self.units)


def explain(
    table: AnswerTable,
    shortcuts: Sequence[Shortcut],
    features: NDArray[np.float64],
    *,
    least: int,
) -> Explained | None:
    """Return what the shortcuts, one column of `features` each, explain of the answers.

    `least` are the choices that a part of the labels needs for figures of its own. None where no
    shortcut differs within a question.
    """
    scaled, units = standardize(features, table.starts)
    n_varying = n_varying_answers(features, table.starts)
    varies = (n_varying >= LEAST_VARYING) & (units > 0)
    if not varies.any():
        return None
    kept = [s for s, v in zip(shortcuts, varies, strict=True) if v]
    rows = table.rows(np.ascontiguousarray(scaled[:, varies]))
    model = _Model(
        table=table,
        rows=rows,
        units=units[varies],
        fit=fit_choice_model(rows),
        folds=table.folds(),
        least=least,
    )
    found = _each(model, kept)
    together = _agreement(model, _credit(model, rows))
    return Explained(
        shortcuts=tuple(sorted(found, key=lambda s: -s.agreement.value)),
        together=estimate_figure(together),
        left_out={
            s.name: _why_left_out(int(n))
            for s, n, v in zip(shortcuts, n_varying, varies, strict=True)
            if not v
        },
    )


def n_varying_answers(
    features: NDArray[np.float64], starts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return for each feature in how many answers the samples differ in it."""
    largest, smallest = (end.reduceat(features, starts, axis=0) for end in (np.maximum, np.minimum))
    return np.asarray((largest > smallest).sum(axis=0))


def _why_left_out(n_varying: int) -> str:
    if not n_varying:
        return "no two samples of a question differ in it"
    return (
        f"samples of one question differ in it in {counted(n_varying, 'answer')}, and "
        f"{LEAST_VARYING} are needed"
    )


def _each(model: _Model, shortcuts: Sequence[Shortcut]) -> list[ShortcutFigures]:
    table, chance = model.table, model.table.chance
    assert chance is not None  # there are choices
    weights = coefficient_estimates(model.fit, table.labeler, table.prompt)
    fast, fast_surely = _when_fast(model)
    spreads, versions = _spreads(model), _versions(model)
    found = []
    for j, shortcut in enumerate(shortcuts):
        rows = table.rows(model.rows.features[:, [j]])
        (alone,) = coefficient_estimates(fit_choice_model(rows), table.labeler, table.prompt)
        credit = _credit(model, rows)
        agreement = _agreement(model, credit)
        surely = _agreement(model, credit, model.confidence)
        found.append(
            ShortcutFigures(
                name=shortcut.name,
                title=shortcut.title,
                counts=shortcut.counts,
                unit=float(model.units[j]),
                coefficient=estimate_figure(weights[j]),
                alone=estimate_figure(alone),
                agreement=estimate_figure(agreement),
                skill=(agreement.value - chance) / (1.0 - chance),
                is_beyond_chance=surely.interval.low > chance,
                when_fast=estimate_figure(fast[j]) if fast else None,
                is_stronger_when_fast=bool(fast_surely)
                and _adds(weights[j], fast_surely[j])
                and _predicts_more_when_fast(table, credit),
                spread=spreads[j],
                versions=tuple(
                    VersionWeightFigures(version=name, coefficient=estimate_figure(found_weight))
                    for name, of in versions
                    if (found_weight := of[j]) is not None
                ),
            )
        )
    return found


def _adds(weight: Estimate, change: Estimate) -> bool:
    """Whether a change surely moves a weight further from 0."""
    if weight.value >= 0:
        return change.interval.low > 0
    return change.interval.high < 0


def _predicts_more_when_fast(table: AnswerTable, credit: NDArray[np.float64]) -> bool:
    """Whether a rule predicts more of the fast choices than of the others that were timed.

    Where it decides every choice its weight has no largest value: the ridge then shares it out
    between the weight and its change, and the change alone would look sure.
    """
    is_fast = table.fastest()[table.is_choice]
    others = np.isfinite(table.seconds)[table.is_choice] & ~is_fast
    if not is_fast.any() or not others.any():
        return False
    return bool(credit[is_fast].mean() > credit[others].mean())


def _credit(model: _Model, rows: ChoiceRows) -> NDArray[np.float64]:
    """Return how far a fit to the other folds predicts each choice."""
    return out_of_fold_credit(rows, model.folds)[model.table.is_choice]


def _agreement(model: _Model, credit: NDArray[np.float64], confidence: float = 0.95) -> Estimate:
    """Return the share of the choices that is predicted."""
    return model.table.mean(credit, model.table.is_choice, confidence)


def _when_fast(model: _Model) -> tuple[list[Estimate], list[Estimate]]:
    """Return how much each weight grows in fast answers, at 95 % and so that all are right at SURE.

    Nothing where too few answers record their time.
    """
    table, features = model.table, model.rows.features
    is_timed, is_fast = np.isfinite(table.seconds), table.fastest()
    if int((is_timed & table.is_choice).sum()) < model.least or not is_fast.any():
        return [], []
    both = np.hstack([features, features * np.repeat(is_fast, table.sizes)[:, None]])
    fit = fit_choice_model(table.rows(both).of_answers(is_timed))
    labeler, prompt = table.labeler[is_timed], table.prompt[is_timed]
    usual, surely = (
        coefficient_estimates(fit, labeler, prompt, confidence=confidence)
        for confidence in (0.95, model.confidence)
    )
    return usual[features.shape[1] :], surely[features.shape[1] :]


def _spreads(model: _Model) -> list[LabelerSpreadFigures | None]:
    """Return how far labelers with enough answers differ, shortcut by shortcut."""
    table, n_features = model.table, model.rows.features.shape[1]
    counts = np.bincount(table.labeler, minlength=len(table.labelers))
    enough = np.flatnonzero(counts >= LEAST_OF_LABELER)
    if len(enough) < 2:
        return [None] * n_features
    keep = np.isin(table.labeler, enough)
    rows = model.rows.of_answers(keep)
    fit = fit_choice_model(rows)
    group = np.searchsorted(enough, table.labeler[keep])
    return [_spread(table, rows, fit, j, (enough, counts, group)) for j in range(n_features)]


def _spread(
    table: AnswerTable,
    rows: ChoiceRows,
    fit: ChoiceFit,
    feature: int,
    groups: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
) -> LabelerSpreadFigures | None:
    enough, counts, group = groups
    moved, variances = group_deviations(rows, fit, feature, group)
    known = np.isfinite(variances)
    if known.sum() < 2:
        return None
    effects = random_effects(moved[known], variances[known])
    names, own = enough[known], effects.shrunk + fit.coefficients[feature]
    ends = [
        LabelerWeightFigures(
            labeler=table.labelers[names[i]], n=int(counts[names[i]]), coefficient=float(own[i])
        )
        for i in (int(own.argmin()), int(own.argmax()))
    ]
    return LabelerSpreadFigures(sd=effects.sd, labelers=len(names), least=ends[0], most=ends[1])


def _versions(model: _Model) -> list[tuple[str, list[Estimate | None]]]:
    """Return the weights under each version of the instructions with enough choices.

    None for a shortcut in which no two samples of its answers differ: these say nothing of it.
    """
    table = model.table
    chosen = np.bincount(table.version[table.is_choice], minlength=len(table.versions))
    enough = np.flatnonzero(chosen >= model.least)[-MOST_VERSIONS:]
    if len(enough) < 2:
        return []
    found = []
    for one in enough:
        keep = table.version == one
        rows = model.rows.of_answers(keep)
        fit = fit_choice_model(rows)
        weights = coefficient_estimates(fit, table.labeler[keep], table.prompt[keep])
        varies = n_varying_answers(rows.features, rows.starts) > 0
        known = [w if v else None for w, v in zip(weights, varies, strict=True)]
        found.append((table.versions[one], known))
    return found
