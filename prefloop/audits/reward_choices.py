"""What a reward model goes by beside what labelers go by, on questions that it did not learn from.

Shapes: A answers, N rows of samples as in `AnswerTable`; S shortcuts.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from prefloop.audits.answers import AnswerTable
from prefloop.audits.explaining import LEAST_VARYING, SURE, n_varying_answers
from prefloop.audits.reward_edits import EQUAL
from prefloop.audits.shortcuts import Shortcut
from prefloop.evaluation.estimates import estimate_figure
from prefloop.figures.reward_audit import AmplifiedFigures, GroupAccuracyFigures
from prefloop.functional.amplification import Amplification, amplification, score_scale
from prefloop.functional.choice_model import (
    ChoiceRows,
    coefficient_estimates,
    fit_choice_model,
    out_of_fold_credit,
    standardize,
)
from prefloop.functional.statistics import Estimate, paired_win_rate

Numbers = NDArray[np.float64]


def prefers_none(table: AnswerTable, scores: Numbers) -> bool:
    """Return whether a reward model scores all samples of a question alike, but for rounding."""
    if not len(scores):
        return True
    most, least = (end.reduceat(scores, table.starts) for end in (np.maximum, np.minimum))
    return bool((most - least <= EQUAL).all())


def first_choices(table: AnswerTable, scores: Numbers) -> Numbers:
    """Return 1 for the sample of each answer with the highest score; equals share it."""
    top = np.repeat(np.maximum.reduceat(scores, table.starts), table.sizes)
    is_top = scores >= top
    counts = np.add.reduceat(is_top.astype(float), table.starts)
    return np.asarray(is_top / np.repeat(counts, table.sizes))


def group_accuracies(
    table: AnswerTable, scores: Numbers, groups: Sequence[str]
) -> tuple[GroupAccuracyFigures, ...]:
    """Return how often the highest-scored sample is the labeler's, by group of answers.

    `groups` name the group of each answer; ties of labelers do not count.
    """
    credit = np.add.reduceat(first_choices(table, scores) * table.targets, table.starts)
    names = np.array(groups, dtype=object)
    found = []
    for name in sorted(set(groups)):
        here = (names == name) & table.is_choice
        if here.any():
            rate = paired_win_rate(credit[here], table.prompt[here])
            found.append(GroupAccuracyFigures(name=name, accuracy=estimate_figure(rate)))
    return tuple(found)


def calibrated_scale(table: AnswerTable, scores: Numbers) -> float | None:
    """Return by what scores are multiplied to be as sure as the labels bear out.

    None where the labels do not surely rise with the score: no scale makes it like them.
    """
    if prefers_none(table, scores):
        return None
    rows = table.rows(scores[:, None] / scores.std())
    (slope,) = coefficient_estimates(fit_choice_model(rows), table.labeler, table.prompt)
    return score_scale(rows, scores) if slope.interval.low > 0 else None


def shortcuts_beside_labels(
    table: AnswerTable,
    shortcuts: Sequence[Shortcut],
    features: Numbers,
    scores: Numbers,
    *,
    scale: float,
    share: float,
    seed: int,
) -> tuple[tuple[AmplifiedFigures, ...], Mapping[str, str]]:
    """Return each shortcut's weight in the labels and in the model, those left out with a reason.

    A rule stands for the model where it surely predicts more of the model's first choices than
    `share` of the way from chance to always; it may stand for it where it predicts more at all.
    """
    scaled, units = standardize(features, table.starts)
    varies = (n_varying_answers(features, table.starts) >= LEAST_VARYING) & (units > 0)
    why = f"samples differ in it in fewer than {LEAST_VARYING} answers"
    left_out = {s.name: why for s, v in zip(shortcuts, varies, strict=True) if not v}
    if not varies.any():
        return (), left_out
    kept = [s for s, v in zip(shortcuts, varies, strict=True) if v]
    rows = table.rows(np.ascontiguousarray(scaled[:, varies]))
    found = amplification(rows, scores, table.prompt, scale=scale, seed=seed)
    own = ChoiceRows(
        features=rows.features, targets=first_choices(table, scores), starts=rows.starts
    )
    figures = _figures(table, kept, rows, own, found, share)
    return tuple(sorted(figures, key=lambda s: -s.predicts_model.value)), left_out


def _figures(
    table: AnswerTable,
    shortcuts: Sequence[Shortcut],
    rows: ChoiceRows,
    own: ChoiceRows,
    found: Amplification,
    share: float,
) -> list[AmplifiedFigures]:
    """Return the figures of each shortcut; `own` are the model's first choices."""
    usual = found.differences()
    confidence = 1.0 - (1.0 - SURE) / len(shortcuts)
    surely, weights = found.differences(confidence), found.model_weights(confidence)
    figures = []
    for j, shortcut in enumerate(shortcuts):
        predicts_labels = _predicted(table, rows, j, table.is_choice)
        predicts_model = _predicted(table, own, j, _first(table))
        figures.append(
            AmplifiedFigures(
                name=shortcut.name,
                title=shortcut.title,
                counts=shortcut.counts,
                in_labels=float(found.labels[j]),
                in_model=float(found.model[j]),
                difference=estimate_figure(usual[j]),
                is_amplified=_is_amplified(weights[j], surely[j]),
                predicts_labels=estimate_figure(predicts_labels),
                predicts_model=estimate_figure(predicts_model),
                stands_for_model=_skill(table, predicts_model.interval.low) > share,
                may_stand_for_model=_skill(table, predicts_model.value) > share,
            )
        )
    return figures


def _is_amplified(weight: Estimate, difference: Estimate) -> bool:
    """Whether the model surely goes by a shortcut, and surely further that way than the labels.

    One that hardly goes by it at all weighs it less, whatever the labels do.
    """
    if weight.interval.low > EQUAL:
        return difference.interval.low > 0
    return weight.interval.high < -EQUAL and difference.interval.high < 0


def _predicted(
    table: AnswerTable, rows: ChoiceRows, feature: int, here: NDArray[np.bool_]
) -> Estimate:
    """Return the share of choices that a rule with one feature predicts on prompts not seen."""
    one = ChoiceRows(features=rows.features[:, [feature]], targets=rows.targets, starts=rows.starts)
    credit = out_of_fold_credit(one, table.folds())
    return paired_win_rate(credit[here], table.prompt[here])


def _first(table: AnswerTable) -> NDArray[np.bool_]:
    """Return the first answer to each question: the model chooses once, however many answered."""
    is_first = np.zeros(len(table.starts), dtype=bool)
    is_first[np.unique(table.question, return_index=True)[1]] = True
    return is_first


def _skill(table: AnswerTable, agreement: float) -> float:
    """Return how far from chance to always an agreement is."""
    chance = float((1.0 / table.sizes).mean())
    return (agreement - chance) / (1.0 - chance)
