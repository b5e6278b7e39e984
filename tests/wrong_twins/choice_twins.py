"""Mistakes that choice models and repeated looks are made with, each as a mutation of one formula.

A twin has the signature of the formula it stands for. Nothing of this is ever imported by the
package.
"""

from dataclasses import replace

import numpy as np
from scipy.stats import binom, norm
from scipy.stats import t as student_t

from prefloop.functional import choice_model, exact_looks
from prefloop.functional.choice_model import (
    ChoiceRows,
    RandomEffects,
    coefficient_estimates,
    fit_choice_model,
    group_deviations,
    out_of_fold_credit,
    random_effects,
)
from prefloop.functional.exact_looks import CountLook, tail_probability


def units_over_everything(features, starts):
    """The spread over all samples: what differs between questions alone looks like a shortcut."""
    units = features.std(axis=0)
    return features / np.where(units > 0, units, 1.0), units


def units_of_the_chosen_sample(features, starts):
    """Divided by answers in place of samples."""
    scaled, units = choice_model.standardize(features, starts)
    factor = (len(features) / len(starts)) ** 0.5
    return scaled / factor, units * factor


def choice_sign_flipped(rows, *, ridge=1.0):
    """Chosen and rejected exchanged: labelers seem to hate what they love."""
    fit = fit_choice_model(rows, ridge=ridge)
    return replace(fit, coefficients=-fit.coefficients)


def choice_rows_alone(rows, *, ridge=1.0):
    """Each sample by itself, chosen or not: a logistic regression that forgets the question."""
    b = np.zeros(rows.features.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-rows.features @ b))
        bend = rows.features.T @ (rows.features * (p * (1 - p))[:, None])
        pull = rows.features.T @ (rows.targets - p) - ridge * b
        b = b + np.linalg.solve(bend + ridge * np.eye(len(b)), pull)
    return replace(fit_choice_model(rows, ridge=ridge), coefficients=b)


def choice_ties_dropped(rows, *, ridge=1.0):
    """Ties left out, as if nobody had given them."""
    biggest = np.maximum.reduceat(rows.targets, rows.starts)
    return fit_choice_model(rows.of_answers(biggest == 1), ridge=ridge)


def choice_first_of_ties(rows, *, ridge=1.0):
    """A tie taken as a win of whatever stands first."""
    targets = np.zeros_like(rows.targets)
    for start, size in zip(rows.starts, rows.sizes, strict=True):
        targets[start + int(np.argmax(rows.targets[start : start + size]))] = 1.0
    changed = ChoiceRows(features=rows.features, targets=targets, starts=rows.starts)
    return fit_choice_model(changed, ridge=ridge)


def intervals_by_rows(fit, labeler, prompt, *, confidence=0.95):
    """Every answer by itself, whoever gave it: the sandwich by rows."""
    every = np.arange(len(labeler))
    return coefficient_estimates(fit, np.zeros_like(labeler), every, confidence=confidence)


def intervals_of_the_likelihood(fit, labeler, prompt, *, confidence=0.95):
    """The inverse information alone, as most programs print it."""
    half = norm.ppf(0.5 + confidence / 2) * np.sqrt(np.diag(np.linalg.inv(fit.information)))
    right = coefficient_estimates(fit, labeler, prompt, confidence=confidence)
    return [
        replace(e, interval=type(e.interval)(e.value - h, e.value + h))
        for e, h in zip(right, half, strict=True)
    ]


def intervals_normal_quantile(fit, labeler, prompt, *, confidence=0.95):
    """1.96 in place of Student's quantile."""
    right = coefficient_estimates(fit, labeler, prompt, confidence=confidence)
    n = len(np.unique(labeler))
    degrees = (n if n >= 5 else len(np.unique(prompt))) - 1
    t = student_t.ppf(0.5 + confidence / 2, degrees)
    z = norm.ppf(0.5 + confidence / 2)
    return [
        replace(
            e, interval=type(e.interval)(*(e.value + (x - e.value) * z / t for x in e.interval))
        )
        for e in right
    ]


def credit_in_fold(rows, fold, *, ridge=1.0):
    """Predicted by a fit that has seen the answers."""
    scores = rows.features @ fit_choice_model(rows, ridge=ridge).coefficients
    top = np.repeat(np.maximum.reduceat(scores, rows.starts), rows.sizes)
    is_top = (scores >= top).astype(float)
    hits = np.add.reduceat(rows.targets * is_top, rows.starts)
    return hits / np.add.reduceat(is_top, rows.starts)


def credit_to_the_first(rows, fold, *, ridge=1.0):
    """Equal scores resolved by place: a model that knows nothing gets the luck of the first."""
    shifted = rows.features - 1e-6 * (np.arange(len(rows.targets)) % 7)[:, None]
    moved = ChoiceRows(features=shifted, targets=rows.targets, starts=rows.starts)
    return out_of_fold_credit(moved, fold, ridge=ridge)


def deviations_by_themselves(rows, fit, feature, group):
    """Each group fitted without what is known of all."""
    flat = replace(fit, probabilities=np.ones_like(fit.probabilities))
    return group_deviations(rows, flat, feature, group)


def deviations_in_full(rows, fit, feature, group):
    """The most likely deviations: of a group that always goes by the feature there is none."""
    moved = np.zeros(int(group.max()) + 1)
    for _ in range(30):
        likes = (
            np.log(fit.probabilities)
            + np.repeat(moved[group], rows.sizes) * rows.features[:, feature]
        )
        weight = np.exp(likes)
        total = np.repeat(np.add.reduceat(weight, rows.starts), rows.sizes)
        here = replace(fit, probabilities=weight / total)
        step, variances = group_deviations(rows, here, feature, group)
        moved = moved + np.clip(step, -1.0, 1.0)
    return moved, variances


def deviations_of_everybody(rows, fit, feature, group):
    """All answers behind each group's variance."""
    moved, variances = group_deviations(rows, fit, feature, group)
    return moved, np.full_like(variances, 1 / (1 / variances).sum())


def effects_without_shrinkage(values, variances):
    """Each group's own value, however uncertain."""
    return replace(random_effects(values, variances), shrunk=values)


def effects_of_the_raw_spread(values, variances):
    """The standard deviation of the values, chance and all."""
    right = random_effects(values, variances)
    return RandomEffects(mean=right.mean, sd=float(np.std(values, ddof=1)), shrunk=right.shrunk)


def tail_more_than(probabilities, successes):
    """More than so many in place of at least so many."""
    return tail_probability(probabilities, successes + 1)


def tail_of_the_mean(probabilities, successes):
    """One probability for all trials, their mean."""
    return float(binom.sf(successes - 1, len(probabilities), np.mean(probabilities)))


def looks_at_every_answer(probabilities, outcomes):
    """1 % at each of many looks: among hundreds one errs."""
    found = []
    for n in range(20, len(outcomes) + 1):
        s = int(sum(outcomes[:n]))
        p = tail_probability(probabilities[:n], s)
        found.append(CountLook(n=n, successes=s, error_rate=0.01, p_value=p))
        if found[-1].is_clear:
            break
    return found


def looks_at_the_end(probabilities, outcomes):
    """One look at all there is, whenever somebody looks."""
    s = int(sum(outcomes))
    p = tail_probability(probabilities, s)
    return [CountLook(n=len(outcomes), successes=s, error_rate=0.01, p_value=p)]


def next_look_at_once(n):
    """The next answer."""
    return n + 1


def next_look_same_steps(n):
    """Every 122 answers: the error is spent many times."""
    planned = [look for look, _ in exact_looks.FIRST_LOOKS if look > n]
    return planned[0] if planned else (n // 122 + 1) * 122
