"""Mistakes that figures on labels and labelers are made with, each as a mutation of one formula.

A twin has the signature of the formula it stands for. Nothing of this is ever imported by the
package.
"""

from dataclasses import replace

import numpy as np
from scipy.stats import beta, norm
from scipy.stats import t as student_t

from prefloop.functional import skill
from prefloop.functional.agreement import (
    agreement_with,
    agreement_with_others,
    excess_over_others,
    pairwise_agreement,
)
from prefloop.functional.learning_curve import LearningCurve, fit_learning_curve
from prefloop.functional.runs import longest_run, position_test, run_probability
from prefloop.functional.skill import one_coin_skills, right_probability
from prefloop.functional.statistics import (
    Interval,
    beta_bounds,
    paired_win_rate,
    share_estimate,
    wilson,
)
from tests.known import known


def beta_flat_prior(successes, n, confidence=0.95):
    """Bayes' flat prior in place of Jeffreys'."""
    tail = (1 - confidence) / 2
    posterior = beta(successes + 1, n - successes + 1)
    return Interval(float(posterior.ppf(tail)), float(posterior.ppf(1 - tail)))


def beta_whole_tail(successes, n, confidence=0.95):
    """All of the doubt in each tail: a 90 % interval that is called 95 %."""
    return beta_bounds(successes, n, 1 - 2 * (1 - confidence))


def beta_wald(successes, n, confidence=0.95):
    """p ± z sqrt(p (1 - p) / n): certain of a labeler with 12 of 12."""
    p = successes / n
    half = norm.ppf(0.5 + confidence / 2) * (p * (1 - p) / n) ** 0.5
    return Interval(float(p - half), float(p + half))


def q_unadjusted(p_values):
    """Each labeler tested alone: of 500 honest ones five are accused at 1 %."""
    return np.asarray(p_values)


def q_bonferroni(p_values):
    """Times the number of labelers: guards against a single false one, and finds few."""
    return np.minimum(1.0, np.asarray(p_values) * len(p_values))


def q_not_monotone(p_values):
    """m p / rank without the running minimum: a smaller p-value may get a larger q."""
    p = np.asarray(p_values)
    return np.minimum(1.0, p * len(p) / (np.argsort(np.argsort(p)) + 1))


def share_normal_quantile(mean, spread, *, n, n_clusters, confidence=0.95):
    """1.96 in place of Student's quantile, with a handful of labelers."""
    normal = replace(spread, degrees=float("inf"))
    return share_estimate(mean, normal, n=n, n_clusters=n_clusters, confidence=confidence)


def share_joined_of_two(mean, spread, *, n, n_clusters, confidence=0.95):
    """Student's interval, and Wilson's only where nothing varies: the two do not meet."""
    right = share_estimate(mean, spread, n=n, n_clusters=n_clusters, confidence=confidence)
    if spread.variance == 0:
        return right
    half = float(student_t.ppf(0.5 + confidence / 2, spread.degrees)) * spread.variance**0.5
    return replace(right, interval=Interval(max(0.0, mean - half), min(1.0, mean + half)))


def share_certain_without_variance(mean, spread, *, n, n_clusters, confidence=0.95):
    """All agree, so the interval has no width."""
    right = share_estimate(mean, spread, n=n, n_clusters=n_clusters, confidence=confidence)
    return replace(right, interval=Interval(mean, mean)) if spread.variance == 0 else right


def share_every_answer_counts(mean, spread, *, n, n_clusters, confidence=0.95):
    """The answers taken for independent, whatever the variance says."""
    right = share_estimate(mean, spread, n=n, n_clusters=n_clusters, confidence=confidence)
    return replace(right, interval=wilson(mean * n, n, confidence))


def _pairs(choices):
    """Return (agree, question, first labeler, other labeler) of each two choices on a question."""
    rows = list(zip(choices.question, choices.labeler, choices.option, strict=True))
    return [
        (float(a[2] == b[2]), int(a[0]), int(a[1]), int(b[1]))
        for i, a in enumerate(rows)
        for b in rows[i + 1 :]
        if a[0] == b[0]
    ]


def pairwise_wilson(choices, confidence=0.95):
    """Each pair of labels taken for independent of the others."""
    right = known(pairwise_agreement(choices, confidence))
    return replace(right, interval=wilson(right.value * right.n, right.n, confidence))


def pairwise_by_question(choices, confidence=0.95):
    """Ignores who judged: what `agreement` did before."""
    pairs = _pairs(choices)
    return paired_win_rate([p[0] for p in pairs], [p[1] for p in pairs], confidence)


def pairwise_by_one_labeler(choices, confidence=0.95):
    """Clustered by question and by one labeler of the two."""
    pairs = _pairs(choices)
    return paired_win_rate(
        [p[0] for p in pairs],
        [p[1] for p in pairs],
        confidence,
        labelers=[p[2] for p in pairs],
    )


def pairwise_counted_twice(choices, confidence=0.95):
    """(a, b) and (b, a) as two observations."""
    right = known(pairwise_agreement(choices, confidence))
    return replace(right, n=2 * right.n)


def others_with_oneself(choices, is_other, confidence=0.95):
    """The labeler is among the others: everybody agrees with themselves."""
    found = agreement_with_others(choices, is_other, confidence)
    mine = np.bincount(choices.labeler, minlength=choices.n_labelers)
    return [
        replace(row, value=(row.value * row.n + n) / (row.n + n))
        for row, n in zip(map(known, found), mine, strict=True)
    ]


def others_by_question(choices, is_other, confidence=0.95):
    """Ignores that the same few others are met again and again."""
    found = []
    for labeler in range(choices.n_labelers):
        pairs = [p for p in _pairs(choices) if labeler in p[2:]]
        found.append(paired_win_rate([p[0] for p in pairs], [p[1] for p in pairs], confidence))
    return found


def with_owners_among_themselves(choices, is_other, confidence=0.95):
    """The researchers' agreement with each other is counted in."""
    pairs = [p for p in _pairs(choices) if is_other[p[2]] or is_other[p[3]]]
    right = known(agreement_with(choices, is_other, confidence))
    return replace(right, value=float(np.mean([p[0] for p in pairs])), n=len(pairs))


def with_owners_by_question(choices, is_other, confidence=0.95):
    """Ignores which labelers are compared."""
    pairs = [p for p in _pairs(choices) if is_other[p[2]] != is_other[p[3]]]
    return paired_win_rate([p[0] for p in pairs], [p[1] for p in pairs], confidence)


def excess_over_the_average(choices, hits, is_other, confidence=0.95):
    """Compared with what others do on other questions, which may hold fewer copies."""
    found = excess_over_others(choices, hits, is_other, confidence)
    return [
        replace(row, value=row.own - float(hits[choices.labeler != labeler].mean()))
        for labeler, row in enumerate(map(known, found))
    ]


def excess_two_sided(choices, hits, is_other, confidence=0.95):
    """Who likes copies less than others is told of too."""
    found = excess_over_others(choices, hits, is_other, confidence)
    return [
        replace(row, p_value=2 * min(row.p_value, 1 - row.p_value)) for row in map(known, found)
    ]


def chance_not_scaled(agreement, chance):
    """Agreement less chance: cannot reach 1."""
    return agreement - chance


def chance_always_half(agreement, chance):
    """Two samples assumed, whatever is shown."""
    return (agreement - 0.5) / 0.5


def right_is_skill(skill, n_options):
    """The skill read as the share of right answers: a guesser would never be right."""
    return skill


def right_always_two(skill, n_options):
    """Two samples assumed: with four, a guesser looks flipped."""
    return right_probability(skill, np.full_like(n_options, 2.0))


def right_below_like_above(skill, n_options):
    """The line for s >= 0 prolonged: probabilities below 0 with four samples."""
    return 1 / n_options + skill * (1 - 1 / n_options)


def skills_without_gold(answers, **settings):
    """Known answers are left out: a crowd that is flipped as a whole looks perfect."""
    keep = np.isnan(answers.is_right)
    fields = ("labeler", "question", "option", "n_options", "is_right")
    part = replace(answers, **{name: getattr(answers, name)[keep] for name in fields})
    return one_coin_skills(part, **settings)


def skills_of_two(answers, **settings):
    """Two samples assumed, whatever is shown."""
    return one_coin_skills(
        replace(answers, n_options=np.full_like(answers.n_options, 2)), **settings
    )


def skills_minority_first(answers, **settings):
    """The majority taken for wrong: the other solution of the same equations."""
    found = one_coin_skills(answers, **settings)
    return replace(found, log_probability=found.log_probability[:, ::-1])


def skills_vouched_for_by_oneself(answers, **settings):
    """The labeler's own answer helps to decide what was right: everybody looks better."""
    found = one_coin_skills(answers, **settings)
    everybody, _ = skill._beliefs(answers, found.mean())
    logs = skill._normalize(skill._log_likelihood(answers, everybody))
    return replace(found, log_probability=logs)


def positions_as_stored(positions, sizes):
    """Counted from the other end: the last place is called the first."""
    return position_test([k - 1 - p for p, k in zip(positions, sizes, strict=True)], sizes)


def positions_of_the_widest(positions, sizes):
    """All questions taken to have as many samples as the widest."""
    return position_test(positions, [max(sizes)] * len(sizes))


def positions_repeated_evidence(positions, sizes):
    """Every answer counted twice, once as label and once as check."""
    return position_test([*positions, *positions], [*sizes, *sizes])


def run_at_the_start(probabilities, length):
    """The probability of a row here and now, not of one anywhere."""
    return float(np.prod(probabilities[:length]))


def run_union_bound(probabilities, length):
    """Added up over all places where a row may begin: rows overlap."""
    starts = range(len(probabilities) - length + 1)
    return float(sum(np.prod(probabilities[i : i + length]) for i in starts))


def run_one_shorter(probabilities, length):
    """A row of m like answers is m - 1 repetitions, not m - 2."""
    return run_probability(probabilities, length - 1)


def longest_counts_everything(values, counted):
    """What does not count is counted."""
    return longest_run(values, [True] * len(values))


def longest_skips(values, counted):
    """What does not count is skipped, so that it joins the rows around it."""
    kept = [v for v, is_counted in zip(values, counted, strict=True) if is_counted]
    return longest_run(kept, [True] * len(kept))


def _curve(limit, slope):
    none = np.empty(0)
    return LearningCurve(limit=limit, slope=slope, limits=none, slopes=none)


def curve_unweighted(seen, accuracies, counts, *, seed, n_draws=2000):
    """A batch of 32 weighs as much as one of 400."""
    return fit_learning_curve(seen, accuracies, [1] * len(seen), seed=seed, n_draws=n_draws)


def curve_unbounded(seen, accuracies, counts, *, seed, n_draws=2000):
    """Promises more than 100 %, or that labels do harm."""
    weights = np.sqrt(np.asarray(counts, dtype=float))
    slope, limit = np.polyfit(-1 / np.sqrt(seen), accuracies, 1, w=weights)
    return _curve(float(limit), float(slope))


def curve_in_one_over_n(seen, accuracies, counts, *, seed, n_draws=2000):
    """1 / n in place of 1 / sqrt(n): the promise of labels without noise."""
    squared = np.asarray(seen, dtype=float) ** 2
    return fit_learning_curve(squared, accuracies, counts, seed=seed, n_draws=n_draws)
