"""What explains choices: a conditional logit over the samples shown, and how far it can be trusted.

Shapes: N = samples shown, over all answers; A = answers; P = features; G = groups of answers.
The rows of one answer stand together; `starts` holds the first row of each answer.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import stdtrit

from prefloop.functional.statistics import Estimate, Interval

RIDGE = 1.0
"""Weight of the penalty: before anything is known, a coefficient is believed to be 1 or less. Among
hundreds of answers it moves little; where a feature decides every answer the fit stays finite."""

FEW_GROUPS = 5
"""With fewer labelers nothing can be said about others than them."""

STEPS = 50
TOLERANCE = 1e-10


@dataclass(frozen=True, kw_only=True)
class ChoiceRows:
    """Answers as rows: what was shown, and how much of the answer each sample got."""

    features: Float[np.ndarray, "N P"]
    targets: Float[np.ndarray, " N"]
    """Sum to 1 within an answer: 1 for the chosen sample, 1/k each for a tie among k."""
    starts: Int[np.ndarray, " A"]

    @property
    def sizes(self) -> Int[np.ndarray, " A"]:
        """How many samples each answer chose from."""
        return np.diff(np.append(self.starts, len(self.targets)))

    @property
    def answer(self) -> Int[np.ndarray, " N"]:
        """Each row's answer, counted from 0."""
        return np.repeat(np.arange(len(self.starts)), self.sizes)

    def of_answers(self, keep: np.ndarray) -> "ChoiceRows":
        """Return the answers where `keep`, one Boolean per answer, is True."""
        rows, sizes = keep[self.answer], self.sizes[keep]
        starts = np.cumsum(sizes) - sizes
        return ChoiceRows(features=self.features[rows], targets=self.targets[rows], starts=starts)


@dataclass(frozen=True, kw_only=True)
class ChoiceFit:
    """The most likely coefficients, and what their uncertainty is computed from."""

    coefficients: Float[np.ndarray, " P"]
    """Log-odds of being chosen, per unit of each feature."""
    scores: Float[np.ndarray, "A P"]
    """Each answer's pull on the coefficients at the fit; they sum to the ridge's pull."""
    centered: Float[np.ndarray, "N P"]
    """Features less their mean under the fit within the answer."""
    probabilities: Float[np.ndarray, " N"]
    sizes: Int[np.ndarray, " A"]
    ridge: float

    @property
    def information(self) -> Float[np.ndarray, "P P"]:
        """The curvature of the penalized likelihood."""
        curvature = self.centered.T @ (self.centered * self.probabilities[:, None])
        return np.asarray(curvature + self.ridge * np.eye(len(self.coefficients)))


@dataclass(frozen=True, kw_only=True)
class RandomEffects:
    """How far groups differ beyond what their own uncertainty explains."""

    mean: float
    sd: float
    """Standard deviation between groups; 0 if chance explains all differences."""
    shrunk: Float[np.ndarray, " G"]
    """Each group's value, drawn towards the mean as far as it is uncertain."""


def standardize(
    features: Float[np.ndarray, "N P"], starts: Int[np.ndarray, " A"]
) -> tuple[Float[np.ndarray, "N P"], Float[np.ndarray, " P"]]:
    """Return the features in units of their spread within answers, and these units.

        unit_p = sqrt(sum_i (x_ip - mean of its answer)^2 / N)

    What differs between questions only cannot explain a choice, so it counts for nothing. A feature
    that never differs within an answer has unit 0 and stays as it is.
    """
    sizes = np.diff(np.append(starts, len(features)))
    means = np.add.reduceat(features, starts, axis=0) / sizes[:, None]
    inner = features - np.repeat(means, sizes, axis=0)
    units = np.sqrt((inner**2).mean(axis=0))
    units = np.where(units > 1e-12, units, 0.0)
    return features / np.where(units > 0, units, 1.0), units


def fit_choice_model(rows: ChoiceRows, *, ridge: float = RIDGE) -> ChoiceFit:
    """Return the conditional logit of the answers, fitted by Newton's method.

        P(i | answer a) = exp(x_i . b) / sum_{j in a} exp(x_j . b)
        maximize  sum_i t_i log P(i)  -  ridge / 2 |b|^2

    t are the targets: a tie counts as split wins, as the reward model's loss takes it. For answers
    between two samples it is the Bradley-Terry model without an intercept.
    McFadden 1974, in Zarembka (ed.), Frontiers in Econometrics, 105-142, eq. 12 and 18.
    """
    b = np.zeros(rows.features.shape[1])
    value = -np.inf
    step = np.zeros_like(b)
    for _ in range(STEPS):
        new_value, fit = _at(rows, b, ridge)
        # Where rounding hides which of two near values is greater, halving ends at the tolerance.
        while new_value < value - 1e-9 * abs(value) and np.abs(step).max() >= TOLERANCE:
            step = step / 2
            b = b - step
            new_value, fit = _at(rows, b, ridge)
        value = new_value
        pull = fit.scores.sum(axis=0) - ridge * b
        step = np.linalg.solve(fit.information, pull)
        if not step.size or np.abs(step).max() < TOLERANCE:
            return fit
        b = b + step
    return _at(rows, b, ridge)[1]


def coefficient_estimates(
    fit: ChoiceFit,
    labeler: Int[np.ndarray, " A"],
    prompt: Int[np.ndarray, " A"],
    *,
    confidence: float = 0.95,
) -> list[Estimate]:
    """Return each coefficient with an interval that knows who answered what.

        s_g = sum of scores of group g,   H_g = its part of the information H
        V_prompt  = H^-1 (sum_g s_g s_g') H^-1 G / (G - 1)
        V_labeler  = (G - 1) / G sum_g d_g d_g',   d_g = (H - H_g)^-1 s_g

    V_labeler leaves out one labeler at a time, by one Newton step: unlike the plain sandwich it is
    not too small with few labelers. Together: V_prompt + V_labeler - V_answer, never below either
    alone, with Student's quantile at labelers - 1. With fewer than FEW_GROUPS labelers: by prompt,
    and for these labelers only. By prompt, for questions about one prompt share
    samples. Cameron, Gelbach, Miller 2011, JBES 29:238-249; Bell and McCaffrey 2002, Survey
    Methodology 28:169-181; MacKinnon, Nielsen, Webb 2023, J. Appl. Econometrics 38:671-694.
    """
    n_prompts, n_labelers = (len(np.unique(groups)) for groups in (prompt, labeler))
    is_few = n_labelers < FEW_GROUPS
    variance = _sandwich(fit, prompt) if is_few else _two_way(fit, labeler, prompt)
    degrees = max(n_prompts if is_few else n_labelers, 2) - 1
    how = "prompt; for these labelers only" if is_few else "labeler and prompt"
    half = float(stdtrit(degrees, 0.5 + confidence / 2)) * np.sqrt(variance)
    return [
        Estimate(
            value=float(value),
            interval=Interval(float(value - width), float(value + width)),
            confidence=confidence,
            n=len(fit.scores),
            n_clusters=n_prompts if is_few else n_labelers,
            how=f"sandwich, clustered by {how}",
        )
        for value, width in zip(fit.coefficients, half, strict=True)
    ]


def out_of_fold_credit(
    rows: ChoiceRows, fold: Int[np.ndarray, " A"], *, ridge: float = RIDGE
) -> Float[np.ndarray, " A"]:
    """Return for each answer how far a fit to the other folds predicts it.

        credit = mean target of the samples with the highest predicted score

    1 if the chosen sample is predicted, 0 if not; equal scores share, so that a model which knows
    nothing earns 1/k. Folds must not part answers on one prompt. Stone 1974, JRSS B 36:111-147.
    """
    scores = np.zeros(len(rows.targets))
    for one in np.unique(fold):
        is_out = fold == one
        b = fit_choice_model(rows.of_answers(~is_out), ridge=ridge).coefficients
        here = is_out[rows.answer]
        scores[here] = rows.features[here] @ b
    top = np.repeat(np.maximum.reduceat(scores, rows.starts), rows.sizes)
    is_top = scores >= top - 1e-12
    hits = np.add.reduceat(rows.targets * is_top, rows.starts)
    return np.asarray(hits / np.add.reduceat(is_top.astype(float), rows.starts))


def group_deviations(
    rows: ChoiceRows, fit: ChoiceFit, feature: int, group: Int[np.ndarray, " A"]
) -> tuple[Float[np.ndarray, " G"], Float[np.ndarray, " G"]]:
    """Return how far each group's own coefficient of one feature lies from that of all, and its
    variance; the other coefficients stay as they are.

        d_g = S_g / C_g,   variance = 1 / C_g
        S_g = sum over answers of g of  sum_i (t_i - P(i)) x_ip,   C_g = its curvature, at the fit

    It is one Newton step from the fit of all. The most likely d_g of a group that always goes by
    the feature is infinite, and its variance with it, so that whoever differs most would count for
    nothing; the step is finite, falls short of large deviations, and says that they are there. The
    observed less the expected over its variance: Yusuf et al. 1985, Prog. Cardiovascular Diseases
    27:335-371. Groups are numbered from 0; one in which the feature never differs has variance
    infinity.
    """
    x, p = rows.features[:, feature], fit.probabilities
    mean = np.add.reduceat(p * x, rows.starts)
    pull = np.add.reduceat(rows.targets * x, rows.starts) - mean
    curvature = np.add.reduceat(p * (x - np.repeat(mean, rows.sizes)) ** 2, rows.starts)
    slope, bend = (np.bincount(group, weights=each) for each in (pull, curvature))
    is_known = bend > 1e-9
    bend = np.where(is_known, bend, np.inf)
    return slope / bend, np.where(is_known, 1.0 / bend, np.inf)


def random_effects(
    values: Float[np.ndarray, " G"], variances: Float[np.ndarray, " G"]
) -> RandomEffects:
    """Return the spread of groups' values beyond their own variances, by the method of moments.

        w = 1 / v,   Q = sum w (y - mean_w)^2,   C = sum w - sum w^2 / sum w
        sd^2 = max(0, (Q - (G - 1)) / C)
        shrunk_g = mean + sd^2 / (sd^2 + v_g) (y_g - mean),   mean weighted by 1 / (sd^2 + v)

    DerSimonian and Laird 1986, Controlled Clinical Trials 7:177-188, eq. 8; shrinkage: Efron and
    Morris 1975, JASA 70:311-319.
    """
    w = 1.0 / variances
    fixed = float((w * values).sum() / w.sum())
    excess = float((w * (values - fixed) ** 2).sum()) - (len(values) - 1)
    scale = float(w.sum() - (w**2).sum() / w.sum())
    between = max(0.0, excess / scale) if scale > 0 else 0.0
    v = between + variances
    mean = float((values / v).sum() / (1.0 / v).sum())
    return RandomEffects(mean=mean, sd=between**0.5, shrunk=mean + between / v * (values - mean))


def _at(rows: ChoiceRows, b: np.ndarray, ridge: float) -> tuple[float, ChoiceFit]:
    """Return the penalized log-likelihood at these coefficients, and the fit there."""
    x, sizes = rows.features, rows.sizes
    eta = x @ b
    p = _softmax(eta, rows.starts, sizes)
    means = np.add.reduceat(x * p[:, None], rows.starts, axis=0)
    centered = x - np.repeat(means, sizes, axis=0)
    scores = np.add.reduceat(centered * rows.targets[:, None], rows.starts, axis=0)
    known = rows.targets > 0
    value = float(rows.targets[known] @ np.log(p[known])) - ridge / 2 * float(b @ b)
    fit = ChoiceFit(
        coefficients=b,
        scores=scores,
        centered=centered,
        probabilities=p,
        sizes=sizes,
        ridge=ridge,
    )
    return value, fit


def _softmax(eta: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return exp(eta), scaled to sum to 1 within each answer and never 0."""
    weight = np.exp(eta - np.repeat(np.maximum.reduceat(eta, starts), sizes))
    p = weight / np.repeat(np.add.reduceat(weight, starts), sizes)
    return np.asarray(np.maximum(p, 1e-300))


def _two_way(fit: ChoiceFit, labeler: np.ndarray, prompt: np.ndarray) -> np.ndarray:
    """Return the variance of each coefficient, clustered by labeler and prompt."""
    by_prompt, by_labeler = _sandwich(fit, prompt), _leaving_out(fit, labeler)
    both = by_prompt + by_labeler - _sandwich(fit, np.arange(len(fit.scores)))
    return np.asarray(np.maximum(np.maximum(by_prompt, by_labeler), both))


def _sandwich(fit: ChoiceFit, group: np.ndarray) -> np.ndarray:
    """Return the clustered variance of each coefficient; only one group says nothing: infinity."""
    names, number = np.unique(group, return_inverse=True)
    if len(names) < 2:
        return np.full(len(fit.coefficients), np.inf)
    # One column at a time: as many rows as groups, which may be all answers.
    sums = np.column_stack([np.bincount(number, weights=column) for column in fit.scores.T])
    moved = sums @ np.linalg.inv(fit.information)
    return np.asarray(len(names) / (len(names) - 1) * (moved**2).sum(axis=0))


def _leaving_out(fit: ChoiceFit, labeler: np.ndarray) -> np.ndarray:
    """Return the variance of each coefficient over fits that leave out one labeler."""
    names, number = np.unique(labeler, return_inverse=True)
    order = np.argsort(np.repeat(number, fit.sizes), kind="stable")
    ends = np.cumsum(np.bincount(number, weights=fit.sizes)).astype(int)
    whole = fit.information
    total = np.zeros(len(fit.coefficients))
    for g, end in enumerate(ends):
        part = order[(ends[g - 1] if g else 0) : end]
        x, p = fit.centered[part], fit.probabilities[part]
        rest = whole - x.T @ (x * p[:, None])
        total += np.linalg.solve(rest, fit.scores[number == g].sum(axis=0)) ** 2
    return np.asarray((len(names) - 1) / len(names) * total)
