"""What different responses have in common: a policy may win with one word that judges like."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from prefloop.figures.repetition import PhraseFigures, RepetitionFigures
from prefloop.functional.rising_shares import rise_p_values
from prefloop.functional.statistics import q_values
from prefloop.records import Sample
from prefloop.text.repetition import opening, said_before_share
from prefloop.text.words import words

SHOWN = 5
"""Openings and words that are kept."""


@dataclass(frozen=True)
class WordCounts:
    """In how many of some responses each word stands; a response counts a word once."""

    n: int
    """Responses."""
    counts: Counter[str]

    @classmethod
    def of(cls, responses: Iterable[Collection[str]]) -> "WordCounts":
        """Count the words (or other phrases) of responses."""
        rows = [set(response) for response in responses]
        return cls(len(rows), Counter(phrase for row in rows for phrase in row))

    def __add__(self, other: "WordCounts") -> "WordCounts":
        return WordCounts(self.n + other.n, self.counts + other.counts)


def repetition_figures(
    model_samples: Sequence[Sample], baseline_samples: Sequence[Sample]
) -> RepetitionFigures | None:
    """Return repeated openings, risen words, and texts given to several prompts.

    Shares are of responses: a response counts a word once. None without samples of both models.
    """
    if not model_samples or not baseline_samples:
        return None
    model, baseline = ([words(s.text) for s in side] for side in (model_samples, baseline_samples))
    openings = _shares(*(WordCounts.of(map(_opening, side)) for side in (model, baseline)))
    repeated = [phrase for phrase in openings if phrase.share * len(model) > 1.5]
    return RepetitionFigures(
        openings=tuple(sorted(repeated, key=lambda o: (-o.share, o.phrase))[:SHOWN]),
        words=risen_words(WordCounts.of(model), WordCounts.of(baseline)),
        said_before=said_before_share([s.prompt_id for s in model_samples], model),
        baseline_said_before=said_before_share([s.prompt_id for s in baseline_samples], baseline),
    )


def risen_words(
    model: WordCounts, baseline: WordCounts, *, shown: int = SHOWN
) -> tuple[PhraseFigures, ...]:
    """Return the `shown` words whose share of the responses rose most, most first, each tested.

    `q` is corrected for all words of the model's responses (Benjamini and Hochberg 1995), not only
    for those that are returned. Nothing without responses of both.
    """
    if not model.n or not baseline.n or not model.counts:
        return ()
    names = sorted(model.counts)
    now, before = (np.array([side.counts[w] for w in names]) for side in (model, baseline))
    q = q_values(rise_p_values(now, model.n, before, baseline.n))
    rises = now / model.n - before / baseline.n
    order = np.argsort(-rises, kind="stable")[:shown]
    return tuple(
        PhraseFigures(
            phrase=names[i],
            share=float(now[i] / model.n),
            baseline_share=float(before[i] / baseline.n),
            q=float(q[i]),
        )
        for i in map(int, order)
    )


def _opening(response: Sequence[str]) -> set[str]:
    return {opening(response)} - {""}


def _shares(model: WordCounts, baseline: WordCounts) -> list[PhraseFigures]:
    """Return the share of responses with each phrase that the model's responses have."""
    return [
        PhraseFigures(
            phrase=phrase, share=n / model.n, baseline_share=baseline.counts[phrase] / baseline.n
        )
        for phrase, n in model.counts.items()
    ]
