"""How far a labeler's answers follow what others see too, and how certain that estimate is.

Shapes: N = answers, L = labelers, G = points of the grid of skills.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import log_softmax

GRID = np.linspace(-0.98, 0.98, 197)
"""Values of skill at which the posterior is computed."""
START = 0.5
"""The skill everybody is given at first: the majority is believed, not its opposite."""
LARGEST = 100.0
"""Logs of ratios are cut here; beyond, nothing is learned and exp overflows."""

Skill = Float[np.ndarray, "..."]


@dataclass(frozen=True, kw_only=True)
class SkillAnswers:
    """Choices, and where the best option is known, whether they hit it."""

    labeler: Int[np.ndarray, " N"]
    question: Int[np.ndarray, " N"]
    option: Int[np.ndarray, " N"]
    """A number of its own for each option of each question."""
    n_options: Int[np.ndarray, " N"]
    is_right: Float[np.ndarray, " N"]
    """1 or 0 where the best option is known, NaN elsewhere."""
    n_labelers: int


@dataclass(frozen=True, kw_only=True)
class Skills:
    """What the answers say about each labeler's skill."""

    log_probability: Float[np.ndarray, "L G"]
    """Of each skill in `GRID`; each row's probabilities sum to 1."""
    n: Int[np.ndarray, " L"]
    """Answers that say something: others answered too, or the best option is known."""

    @property
    def probability(self) -> Float[np.ndarray, "L G"]:
        """Of each skill in `GRID`."""
        return np.asarray(np.exp(self.log_probability))

    def mean(self) -> Float[np.ndarray, " L"]:
        """Return the expected skill."""
        return np.asarray(self.probability @ GRID)

    def quantile(self, share: float) -> Float[np.ndarray, " L"]:
        """Return the skill below which this share of the probability lies."""
        reached = self.probability.cumsum(axis=1) >= share - 1e-12
        return np.asarray(GRID[reached.argmax(axis=1)])

    def below(self, skill: Float[np.ndarray, " L"]) -> Float[np.ndarray, " L"]:
        """Return the probability that each labeler's skill is below the one given for them."""
        return np.asarray((self.probability * (skill[:, None] > GRID)).sum(axis=1))

    def ratio(
        self, one: Float[np.ndarray, " L"], other: Float[np.ndarray, " L"]
    ) -> Float[np.ndarray, " L"]:
        """Return how many times likelier the answers are at one skill than at the other.

        NaN where a skill is. The prior is flat, so the probabilities are likelihoods too.
        """
        rows = zip(self.log_probability, one, other, strict=True)
        logs = [np.interp(a, GRID, row) - np.interp(b, GRID, row) for row, a, b in rows]
        return np.asarray(np.exp(np.minimum(np.array(logs, dtype=float), LARGEST)))


def right_probability(skill: Skill, n_options: Skill) -> Skill:
    """Return how often a labeler of this skill hits the best of k options.

        P = 1/k + s (1 - 1/k)   for s >= 0: knows it with probability s, and guesses otherwise
        P = 1/k (1 + s)         for s < 0: avoids it with probability -s, and guesses otherwise

    0 guesses, 1 is always right, -1 never. At k = 2 it is (1 + s) / 2, "one coin" of Dawid and
    Skene; the skill keeps its meaning where questions have different numbers of options.
    """
    return np.where(
        skill >= 0, 1 / n_options + skill * (1 - 1 / n_options), (1 + skill) / n_options
    )


def one_coin_skills(
    answers: SkillAnswers, *, n_iterations: int = 100, tolerance: float = 1e-4
) -> Skills:
    """Return the probability of each labeler's skill, given the known answers and all others'.

        r_i   = P(i's option is best | everybody's answers)           or whether it is known to be
        p(s)  = prod_i P_k(s)^r_i (1 - P_k(s))^(1 - r_i)              skills, in turns with r
        p*(s) = prod_i w_i P_k(s) + (1 - w_i) (1 - P_k(s)) / (k - 1)  once, at the end

    w_i is r_i without the labeler's own answer: nobody vouches for themselves. The prior of each
    skill is flat. Questions are taken as equally hard; where they are not, everybody's skill reads
    lower, so compare labelers with each other and never with a fixed number.
    Dawid and Skene 1979, Appl. Statist. 28:20-28, with one parameter per labeler.
    """
    skills = np.full(answers.n_labelers, START)
    for _ in range(n_iterations):
        everybody, _ = _beliefs(answers, skills)
        new = np.exp(_normalize(_log_likelihood(answers, everybody))) @ GRID
        moved = np.abs(new - skills).max(initial=0.0)
        skills = new
        if moved < tolerance:
            break
    _, others = _beliefs(answers, skills)
    met = np.bincount(answers.question)[answers.question] > 1
    says = met | ~np.isnan(answers.is_right)
    counts = np.bincount(answers.labeler[says], minlength=answers.n_labelers)
    return Skills(log_probability=_normalize(_marginal(answers, others, says)), n=counts)


def _beliefs(
    answers: SkillAnswers, skills: Float[np.ndarray, " L"]
) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"]]:
    """Return how likely each answer's option is best: by everybody, and by the others alone."""
    k = answers.n_options.astype(float)
    p = right_probability(skills[answers.labeler], k)
    is_known = ~np.isnan(answers.is_right)
    vote = np.where(is_known, 0.0, np.log(p * (k - 1) / (1 - p)))
    votes = np.bincount(answers.option, weights=vote)
    question_of = np.zeros(len(votes), dtype=np.int64)
    question_of[answers.option] = answers.question
    is_chosen = np.bincount(answers.option) > 0
    # The largest sum is taken off before exp, and 0 stands for the options that nobody chose.
    top = np.zeros(int(answers.question.max(initial=-1)) + 1)
    np.maximum.at(top, question_of[is_chosen], votes[is_chosen])
    weight = np.where(is_chosen, np.exp(votes - top[question_of]), 0.0)
    n_chosen = np.bincount(question_of[is_chosen], minlength=len(top))
    k_of = np.ones(len(top))
    k_of[answers.question] = k
    total = np.bincount(question_of, weights=weight, minlength=len(top))
    total = total + np.maximum(k_of - n_chosen, 0) * np.exp(-top)
    mine, all_mine = weight[answers.option], total[answers.question]
    without = np.exp(votes[answers.option] - vote - top[answers.question])
    others = without / (all_mine - mine + without)
    known = answers.is_right
    return np.where(is_known, known, mine / all_mine), np.where(is_known, known, others)


def _log_likelihood(
    answers: SkillAnswers, belief: Float[np.ndarray, " N"]
) -> Float[np.ndarray, "L G"]:
    """Return the log-likelihood of each skill: a sum over each labeler's answers, for each k."""
    found = np.zeros((answers.n_labelers, len(GRID)))
    for k in np.unique(answers.n_options):
        here = answers.n_options == k
        labeler = answers.labeler[here]
        right = np.bincount(labeler, weights=belief[here], minlength=answers.n_labelers)
        wrong = np.bincount(labeler, minlength=answers.n_labelers) - right
        p = right_probability(GRID, np.full(len(GRID), float(k)))
        found += right[:, None] * np.log(p) + wrong[:, None] * np.log(1 - p)
    return found


def _marginal(
    answers: SkillAnswers, belief: Float[np.ndarray, " N"], says: np.ndarray
) -> Float[np.ndarray, "L G"]:
    """Return the log of p*(s), one skill after the other, so that memory stays with N."""
    labeler, w = answers.labeler[says], belief[says]
    k = answers.n_options[says].astype(float)
    found = np.empty((answers.n_labelers, len(GRID)))
    for g, skill in enumerate(GRID):
        p = right_probability(np.asarray(skill), k)
        term = np.log(w * p + (1 - w) * (1 - p) / (k - 1))
        found[:, g] = np.bincount(labeler, weights=term, minlength=answers.n_labelers)
    return found


def _normalize(logs: Float[np.ndarray, "L G"]) -> Float[np.ndarray, "L G"]:
    """Return the logs with a constant taken off each row, so that its exponentials sum to 1."""
    return np.asarray(log_softmax(logs, axis=1))
