"""How often labelers choose the same, with intervals that know who and what repeats.

Shapes: N = choices, one per labeler and question; L = labelers; Q = questions.
An option is a sample of one question: two choices agree if their option is the same number.
Nothing here looks at each two choices one by one: counts of choices, and sparse products of them,
give the same sums.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array, triu
from scipy.special import stdtr, stdtrit

from prefloop.functional.statistics import Estimate, Interval, Spread, share_estimate

FEW = 5
"""Fewer labelers than this cannot stand for others: the interval is about these ones only."""

Counts = Float[np.ndarray, "..."]


@dataclass(frozen=True, kw_only=True)
class Choices:
    """Who chose what where, as numbers from 0."""

    labeler: Int[np.ndarray, " N"]
    question: Int[np.ndarray, " N"]
    option: Int[np.ndarray, " N"]
    n_labelers: int

    def where(self, keep: Bool[np.ndarray, " N"]) -> "Choices":
        """Return the choices that are kept; labelers keep their numbers."""
        return replace(
            self,
            labeler=self.labeler[keep],
            question=self.question[keep],
            option=self.option[keep],
        )


@dataclass(frozen=True, kw_only=True)
class Excess:
    """How much more often than others on the same questions a labeler does something."""

    own: float
    """How often the labeler does, each question counted by the others who answered it."""
    value: float
    """`own` less how often the others do."""
    interval: Interval
    p_value: float
    """Of an excess as large or larger, if the labeler is like the others: one-sided."""
    n: int
    """The labeler's answers."""


def pairwise_agreement(choices: Choices, confidence: float = 0.95) -> Estimate | None:
    """Return how often two choices on one question agree, whoever made them.

        m = sum_q same_q / sum_q pairs_q
        V = V_question + V_labeler - V_both,   e_ij = [i and j agree] - m,  n pairs
        V_labeler: two pairs of choices count together if they have a labeler in common, so
            n^2 V_labeler = sum_a (e_a / (1 - h_a))^2 - sum_{ab} e_ab^2
        with e_a (e_ab) the sum of e_ij over the pairs with a (with a and b), h_a n their number

    A pair of choices has two labelers, and each of them moves it: clustering by one of the two
    would see a quarter of their variance. The mean follows each labeler by h_a, on average 2 / L;
    dividing by 1 - h_a undoes that. Other sums are scaled by G / (G - 1). Never below V_question
    or V_labeler alone. None without a question that two answered.
    Aronow, Samii, Assenova 2015, Political Analysis 23:564-577, for dyads; Cameron, Gelbach,
    Miller 2011, JBES 29:238-249, eq. 2.5, for two ways; Bell and McCaffrey 2002, Survey
    Methodology 28:169-181, for 1 - h ("CR3").
    """
    everybody = np.ones(choices.n_labelers, dtype=bool)
    same, pairs = _others(choices, everybody)
    n = pairs.sum() / 2
    if n == 0:
        return None
    mean = float(same.sum() / pairs.sum())
    here = pairs > 0
    by_question = np.bincount(choices.question[here], weights=(same - mean * pairs)[here] / 2)
    v_question, n_questions = _clustered(by_question, np.unique(choices.question[here]).size, n)
    v_labeler, v_both, n_labelers = _labeler_variances(choices, everybody, mean, n)
    spread = _spread(v_question, v_labeler, v_both, n_questions, n_labelers)
    return share_estimate(
        mean,
        spread,
        n=round(float(n)),
        n_clusters=n_questions,
        confidence=confidence,
    )


def agreement_with_others(
    choices: Choices, is_other: Bool[np.ndarray, " L"], confidence: float = 0.95
) -> list[Estimate | None]:
    """Return for each labeler how often the others choose the same on the same questions.

        m = sum_i same_i / sum_i others_i        over the labeler's choices i
        V = V_question + V_other - V_cell        as `paired_win_rate` with labelers

    Others are those marked by `is_other`, never the labeler: with researchers marked, the figure
    is the agreement with researchers. None for a labeler who shares no question with them.
    """
    same, others = _others(choices, is_other)
    met = _products(choices, is_other)
    return [
        _one_labeler(same[mine], others[mine], met, labeler, confidence)
        for labeler, mine in enumerate(_rows_by_labeler(choices))
    ]


def agreement_with(
    choices: Choices, is_other: Bool[np.ndarray, " L"], confidence: float = 0.95
) -> Estimate | None:
    """Return how often those not marked choose as the marked ones do, on the same questions.

    Clustered by question and by the labelers who are not marked: others would differ in them. The
    marked ones are taken as they are, such as the researchers who set the standard.
    """
    rows = ~is_other[choices.labeler]
    same, others = _others(choices, is_other)
    keep = rows & (others > 0)
    same, others = same[keep], others[keep]
    n = others.sum()
    if n == 0:
        return None
    mean = float(same.sum() / n)
    rest = same - mean * others
    v_question, n_questions = _grouped(rest, choices.question[keep], n)
    v_labeler, n_labelers = _grouped(rest, choices.labeler[keep], n)
    v_both, _ = _clustered(rest, len(rest), n)
    return share_estimate(
        mean,
        _spread(v_question, v_labeler, v_both, n_questions, n_labelers),
        n=round(float(n)),
        n_clusters=n_questions,
        confidence=confidence,
    )


def excess_over_others(
    choices: Choices,
    hits: Float[np.ndarray, " N"],
    is_other: Bool[np.ndarray, " L"],
    confidence: float = 0.95,
) -> list[Excess | None]:
    """Return for each labeler by how much `hits` (1 or 0 per choice) exceed the others'.

        d = mean over pairs (own choice i, other's choice o on the same question) of hit_i - hit_o
        V = V_question + V_other - V_cell,   never below either alone

    None for a labeler without a common question. The p-value is Student's; where no pair differs
    from the mean, it is 0 or 1.
    """
    counted = is_other[choices.labeler]
    own_weight = counted.astype(float)
    n_others = np.bincount(choices.question, weights=own_weight)[choices.question] - own_weight
    summed = np.bincount(choices.question, weights=own_weight * hits)
    others_hits = summed[choices.question] - own_weight * hits
    shape = (choices.n_labelers, int(choices.question.max(initial=-1)) + 1)
    place = (choices.labeler, choices.question)
    other_place = (choices.labeler[counted], choices.question[counted])
    rows, hit_rows = (csr_array((x, place), shape=shape) for x in (np.ones(len(hits)), hits))
    others, hit_others = (
        csr_array((x[counted], other_place), shape=shape) for x in (np.ones(len(hits)), hits)
    )
    products = [
        csr_array(a @ b.T) for a, b in ((rows, others), (hit_rows, others), (rows, hit_others))
    ]
    found: list[Excess | None] = []
    for labeler, mine in enumerate(_rows_by_labeler(choices)):
        met, own, theirs = (np.delete(m[[labeler]].toarray().ravel(), labeler) for m in products)
        pairs = (n_others[mine], hits[mine], others_hits[mine])
        found.append(_excess(pairs, (met, own - theirs), confidence))
    return found


def above_chance(agreement: float, chance: float) -> float:
    """Return how far agreement goes beyond chance: 0 at chance, 1 where all agree.

        (agreement - chance) / (1 - chance),   chance = 1 / k for k options

    Brennan and Prediger 1981, Educ. Psychol. Meas. 41:687-699. Cohen's and Krippendorff's chance
    pools what each option gets on all questions; options of different questions have nothing in
    common, so there is nothing to pool.
    """
    return (agreement - chance) / (1 - chance)


def _others(choices: Choices, is_other: Bool[np.ndarray, " L"]) -> tuple[Counts, Counts]:
    """Return for each choice how many others agree with it, and how many there are."""
    counted = is_other[choices.labeler].astype(float)
    by_option = np.bincount(choices.option, weights=counted)
    by_question = np.bincount(choices.question, weights=counted)
    return by_option[choices.option] - counted, by_question[choices.question] - counted


def _products(choices: Choices, is_other: Bool[np.ndarray, " L"]) -> tuple[csr_array, csr_array]:
    """Return for each labeler and other how often they agreed, and how often they met."""
    counted = is_other[choices.labeler]
    n = choices.n_labelers
    products = []
    for place in (choices.option, choices.question):
        shape = (n, int(place.max()) + 1 if place.size else 0)
        rows = csr_array((np.ones(len(place)), (choices.labeler, place)), shape=shape)
        others = csr_array(
            (np.ones(int(counted.sum())), (choices.labeler[counted], place[counted])), shape=shape
        )
        products.append(csr_array(rows @ others.T))
    return products[0], products[1]


def _labeler_variances(
    choices: Choices, everybody: Bool[np.ndarray, " L"], mean: float, n: float
) -> tuple[float, float, int]:
    """Return the variance through labelers, what it shares with questions, and who they are."""
    same, pairs = _others(choices, everybody)
    rest = same - mean * pairs
    here = pairs > 0
    sums, shares = (
        np.bincount(choices.labeler, weights=x, minlength=choices.n_labelers) for x in (rest, pairs)
    )
    n_labelers = int((shares > 0).sum())
    # The mean follows a labeler by the share of pairs that are theirs; what is left is stretched.
    stretched = sums / (1 - np.minimum(shares / n, 1 - 1 / max(n_labelers, 2)))
    v_labeler = float((stretched**2).sum() / n**2)
    agreed, met = (triu(product, k=1) for product in _products(choices, everybody))
    v_dyad, _ = _clustered((agreed - mean * met).data, met.nnz, n)
    v_cell, _ = _clustered(rest[here], int(here.sum()), n)
    hits = same.sum() / 2
    squares = hits * (1 - mean) ** 2 + (n - hits) * mean**2
    v_pair = float(n / (n - 1) * squares / n**2) if n > 1 else 0.0
    return v_labeler - v_dyad, v_cell - v_pair, n_labelers


def _one_labeler(
    same: Counts,
    others: Counts,
    met: tuple[csr_array, csr_array],
    labeler: int,
    confidence: float,
) -> Estimate | None:
    n = others.sum()
    if n == 0:
        return None
    mean = float(same.sum() / n)
    here = others > 0
    v_question, n_questions = _clustered((same - mean * others)[here], int(here.sum()), n)
    agreed, together = (np.delete(m[[labeler]].toarray().ravel(), labeler) for m in met)
    n_others = int((together > 0).sum())
    v_other, _ = _clustered(agreed - mean * together, n_others, n)
    squares = same.sum() * (1 - mean) ** 2 + (n - same.sum()) * mean**2
    v_cell = float(n / (n - 1) * squares / n**2) if n > 1 else 0.0
    return share_estimate(
        mean,
        _spread(v_question, v_other, v_cell, n_questions, n_others),
        n=round(float(n)),
        n_clusters=n_questions,
        confidence=confidence,
    )


def _rows_by_labeler(choices: Choices) -> list[Int[np.ndarray, " M"]]:
    order = np.argsort(choices.labeler, kind="stable")
    counts = np.bincount(choices.labeler, minlength=choices.n_labelers)
    return np.split(order, np.cumsum(counts))[: choices.n_labelers]


def _grouped(rest: Counts, groups: Int[np.ndarray, " M"], n: float) -> tuple[float, int]:
    return _clustered(np.bincount(groups, weights=rest), np.unique(groups).size, n)


def _clustered(sums: Counts, groups: int, n: float) -> tuple[float, int]:
    """Return the variance of a mean over n from each group's sum (0 for one), and the groups."""
    if groups < 2:
        return 0.0, groups
    return float(groups / (groups - 1) * (sums**2).sum() / n**2), groups


def _spread(
    v_question: float, v_labeler: float, v_both: float, n_questions: int, n_labelers: int
) -> Spread:
    if n_labelers < FEW:
        return Spread(
            variance=v_question * (n_questions - 1) / n_questions,
            degrees=float("inf"),
            how="clustered by question; for these labelers only",
        )
    return Spread(
        variance=max(v_question + v_labeler - v_both, v_question, v_labeler),
        degrees=max(min(n_questions, n_labelers) - 1, 1),
        how="clustered by question and labeler",
    )


def _excess(
    by_question: tuple[Counts, Counts, Counts], by_other: tuple[Counts, Counts], confidence: float
) -> Excess | None:
    """Return a labeler's excess from the sums over questions and over others."""
    others, hits, others_hits = (x[by_question[0] > 0] for x in by_question)
    n = others.sum()
    if n == 0:
        return None
    own = float((others * hits).sum() / n)
    value = float(own - others_hits.sum() / n)
    met, differences = by_other
    v_question, n_questions = _clustered(
        others * hits - others_hits - value * others, len(others), n
    )
    v_other, n_others = _clustered(differences - value * met, int((met > 0).sum()), n)
    # hit_i - hit_o is 1, 0 or -1, so its square is known from how often the two differ.
    differ = (hits * (others - others_hits) + (1 - hits) * others_hits).sum()
    v_cell = float((differ - n * value**2) / (n * (n - 1))) if n > 1 else 0.0
    spread = _spread(v_question, v_other, v_cell, n_questions, n_others)
    degrees = min(spread.degrees, n_questions - 1)
    if spread.variance <= 1e-15 or degrees < 1:
        known = Interval(value, value) if n_questions > 1 else Interval(-1.0, 1.0)
        return Excess(
            own=own, value=value, interval=known, p_value=float(value <= 0), n=n_questions
        )
    error = spread.variance**0.5
    half = float(stdtrit(degrees, 0.5 + confidence / 2)) * error
    return Excess(
        own=own,
        value=value,
        interval=Interval(max(-1.0, value - half), min(1.0, value + half)),
        p_value=float(stdtr(degrees, -value / error)),
        n=n_questions,
    )
