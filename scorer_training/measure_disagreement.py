"""Measures how far people's private impressions of a sentence spread, in the classifier's log-odds.

    python scorer_training/measure_disagreement.py

A rating is taken apart into the sentence's mean, the rater's leaning (some call everything better),
the rater's extremeness (some use the ends of the scale) and a private rest. Leaning shifts
and extremeness stretches all sentences of a comparison alike, so neither changes a choice; only
the rest does. The films' ratings keep a rater in the same place of the list for runs of
sentences, so the shares show as the correlation of neighbors' residuals. Two
correlations are taken: c_same for neighbors of one sign, c_opposite otherwise.

    leaning = (c_same + c_opposite) / 2,   extremeness = (c_same - c_opposite) / 2

Ratings become log-odds by matching spreads: sd(log-odds) / sd(mean ratings), both on held-out
sentences. Writes `prefloop/comparisons/labelers/disagreement.json` and `disagreement_log.json`,
which also compares choices among four sentences of one review: of raters, and synthetic labelers.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from ratings import PACKAGE, SOURCES, Sentence, load
from train_sentiment import is_held_out

from prefloop.comparisons.labelers.synthetic import DISAGREEMENT, SyntheticLabeler
from prefloop.comparisons.questions import Question
from prefloop.records import Comparison, Prompt, Sample
from prefloop.scorers.sentiment import SentimentScorer
from prefloop.seeding import numpy_stream
from prefloop.settings.comparisons import SyntheticConfig

LOG = Path(__file__).with_name("disagreement_log.json")
SEED = 2014
BINS = (-4.0, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 4.01)

Floats = NDArray[np.float64]


def residuals(sentence: Sentence) -> Floats:
    """Return every rater's distance from the mean, scaled so that its variance is unbiased."""
    ratings = np.array(sentence.ratings, dtype=np.float64)
    return (ratings - ratings.mean()) * np.sqrt(len(ratings) / (len(ratings) - 1))


def neighbor_correlation(sentences: Sequence[Sentence], *, same_sign: bool) -> float:
    """Return the correlation of residuals in the same place of neighboring sentences' lists."""
    product = first = second = 0.0
    for a, b in pairwise(sentences):
        alike = a.mean * b.mean > 0
        if len(a.ratings) != len(b.ratings) or alike != same_sign:
            continue
        x, y = residuals(a), residuals(b)
        product, first, second = product + x @ y, first + x @ x, second + y @ y
    return float(product / np.sqrt(first * second))


def within_sd(sentences: Sequence[Sentence]) -> float:
    """Return the spread of single ratings around their sentence's mean, in rating points."""
    return float(np.sqrt(np.mean([np.var(s.ratings, ddof=1) for s in sentences])))


def sd_by_mean(sentences: Sequence[Sentence]) -> list[dict[str, float]]:
    """Return the spread for sentences of like mean: it hardly depends on the mean."""
    rows = []
    for low, high in pairwise(BINS):
        inside = [s for s in sentences if low <= s.mean < high]
        rows.append({"from": low, "to": min(high, 4.0), "n": len(inside), "sd": within_sd(inside)})
    return rows


def true_sd(sentences: Sequence[Sentence]) -> float:
    """Return the spread of sentences' means, less what the raters' number alone makes of it."""
    means = np.array([s.mean for s in sentences])
    error = np.mean([np.var(s.ratings, ddof=1) / len(s.ratings) for s in sentences])
    return float(np.sqrt(means.var() - error))


def estimate(sentences: Sequence[Sentence], scorer: SentimentScorer) -> dict[str, object]:
    """Return the shipped numbers: the spread of private impressions, and how it came about."""
    films = [s for s in sentences if s.source == "movieReviewSnippets"]
    same = neighbor_correlation(films, same_sign=True)
    opposite = neighbor_correlation(films, same_sign=False)
    leaning, extremeness = (same + opposite) / 2, (same - opposite) / 2
    held_out = [s for s in sentences if is_held_out(s)]
    odds = scorer.score([""] * len(held_out), [s.text for s in held_out])
    odds_per_point = float(odds.std()) / true_sd(held_out)
    sd_points = within_sd(sentences)
    private = sd_points * float(np.sqrt(1.0 - leaning - extremeness))
    return {
        "source": PACKAGE + " (sdist), Hutto & Gilbert 2014, single ratings",
        "n_sentences": len(sentences),
        "n_ratings": sum(len(s.ratings) for s in sentences),
        "rating_sd_points": round(sd_points, 4),
        "leaning_share": round(leaning, 4),
        "extremeness_share": round(extremeness, 4),
        "private_sd_points": round(private, 4),
        "odds_per_point": round(odds_per_point, 4),
        "private_sd_log_odds": round(private * odds_per_point, 4),
    }


def groups_of_four(sentences: Sequence[Sentence]) -> Iterator[tuple[Sentence, ...]]:
    """Yield each review's or article's sentences in fours, in the order of the text."""
    by_group = defaultdict(list)
    for sentence in sentences:
        if sentence.source in ("amazonReviewSnippets", "nytEditorialSnippets"):
            by_group[sentence.group].append(sentence)
    for members in by_group.values():
        for start in range(0, len(members) - 3, 4):
            four = tuple(members[start : start + 4])
            if len({s.text for s in four}) == 4:
                yield four


def real_agreement(groups: Sequence[tuple[Sentence, ...]]) -> dict[str, float]:
    """Return how often two raters' best of four is the same; equal ratings by lot, or left out."""
    stream = numpy_stream(SEED, "real ratings")
    by_lot, clear = [], []
    for group in groups:
        # Raters are shuffled within a sentence: a rater here is one random rating of each.
        votes = np.array([stream.choice(s.ratings, size=2, replace=False) for s in group])
        jitter = stream.uniform(0, 0.5, votes.shape)
        best = np.argmax(votes + jitter, axis=0)
        by_lot.append(best[0] == best[1])
        if all((votes[:, j] == votes[:, j].max()).sum() == 1 for j in (0, 1)):
            clear.append(best[0] == best[1])
    return {
        "ties_by_lot": round(float(np.mean(by_lot)), 4),
        "without_ties": round(float(np.mean(clear)), 4),
        "n": len(by_lot),
        "n_without_ties": len(clear),
    }


def synthetic_agreement(
    groups: Sequence[tuple[Sentence, ...]], scorer: SentimentScorer
) -> dict[str, float]:
    """Return how often synthetic labelers choose the same, and how often the highest score."""
    labelers = [
        SyntheticLabeler(f"s{i}", scorer, SyntheticConfig(), seed=SEED, instructions="1")
        for i in range(4)
    ]
    pairs, ideal = [], []
    for number, group in enumerate(groups):
        question = _question(number, group)
        chosen = [labeler.answer(question).chosen for labeler in labelers]
        pairs += [a == b for a, b in combinations(chosen, 2)]
        scores = scorer.score([""] * 4, [s.text for s in group])
        ideal += [c == question.samples[int(np.argmax(scores))].id for c in chosen]
    return {
        "labeler_labeler": round(float(np.mean(pairs)), 4),
        "labeler_taste": round(float(np.mean(ideal)), 4),
        "n_questions": len(groups),
    }


def _question(number: int, group: Sequence[Sentence]) -> Question:
    prompt = Prompt(id=f"p{number}", text="", source="ratings", split="train")
    samples = tuple(
        Sample(
            id=f"{number}-{i}",
            prompt_id=prompt.id,
            model="reference",
            round=0,
            purpose="labels",
            text=sentence.text,
            response_ids=(),
            is_ended=True,
            logprob=0.0,
            ref_logprob=0.0,
        )
        for i, sentence in enumerate(group)
    )
    ids = tuple(s.id for s in samples)
    comparison = Comparison(
        id=f"c{number}", prompt_id=prompt.id, sample_ids=ids, round=0, split="train"
    )
    return Question(comparison=comparison, prompt=prompt, samples=samples)


def main() -> None:
    sentences, scorer = load(), SentimentScorer()
    figures = estimate(sentences, scorer)
    if figures != json.loads(DISAGREEMENT.read_text()):
        DISAGREEMENT.write_text(json.dumps(figures, indent=2) + "\n")
        sys.stdout.write("disagreement.json changed: run again, so that the log uses it\n")
    groups = list(groups_of_four([s for s in sentences if is_held_out(s)]))
    log = {
        "rating_sd_points_by_source": {
            name: within_sd([s for s in sentences if s.source == name]) for name in SOURCES
        },
        "rating_sd_points_by_mean": sd_by_mean(sentences),
        "four_sentences_of_one_review_held_out": {
            "real": real_agreement(groups),
            "synthetic": synthetic_agreement(groups, scorer),
        },
    }
    LOG.write_text(json.dumps(log, indent=2) + "\n")
    sys.stdout.write(DISAGREEMENT.read_text() + LOG.read_text())


if __name__ == "__main__":
    main()
