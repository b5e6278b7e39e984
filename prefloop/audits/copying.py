"""Copies against samples that are none: do labelers reward copying, and is it early to say?

Of people who were asked whether a sentence is accurate, those of QAGS say yes to 96 % of sentences
copied from the source and to 59 % of the others, so of two they take the copy 69 % of the time;
where the other is true one time in five, 88 % (Wang, Cho, Lewis 2020, arXiv:2004.04228, its
released votes).
"""

import numpy as np
from numpy.typing import NDArray

from prefloop.audits.answers import AnswerTable
from prefloop.evaluation.estimates import estimate_figure
from prefloop.figures.label_audit import ContrastFigures, ContrastStatus
from prefloop.functional.exact_looks import FIRST_LOOKS, count_looks, next_look

LIKE_QAGS = 0.69
"""How often people take the copy of two samples."""

NEEDED = FIRST_LOOKS[-1][0]
"""Answers between two samples that show it in 95 % of runs."""

NEEDED_AMONG_MORE = next_look(NEEDED)
"""The same of answers among more samples: several others are accurate too."""

COPIED = 0.5
"""Share of a sample's sentences, copied whole, from which on it is a copy."""

LEAST_WORDS = 5
"""A shorter text stands in any source by chance."""


def is_copy(copied_sentences: NDArray[np.float32], n_words: NDArray[np.float32]) -> np.ndarray:
    """Return which samples are copies: half their sentences or more stand in the source."""
    return np.asarray((copied_sentences >= COPIED) & (n_words >= LEAST_WORDS))


def contrast_figures(table: AnswerTable, copies: NDArray[np.bool_]) -> ContrastFigures:
    """Return how often a copy was taken where one met a sample that is none.

    `copies` says for each row whether its sample is a copy. Only the first such answer about a
    prompt counts in the test: another question about it shows some of the same samples, and a
    second labeler all of them, which is no new evidence about others. A tie takes neither side.
    """
    n_copies = np.add.reduceat(copies.astype(float), table.starts)
    chance = n_copies / table.sizes
    contrasts = (n_copies > 0) & (n_copies < table.sizes)
    took_copy = np.add.reduceat(table.targets * copies, table.starts)
    counted = contrasts & table.is_choice
    first = np.zeros(len(counted), dtype=bool)
    numbers = np.flatnonzero(counted)
    first[numbers[np.unique(table.prompt[numbers], return_index=True)[1]]] = True
    looks = count_looks(chance[first], took_copy[first])
    n_questions = len(np.unique(table.question))
    n_first = int(first.sum())
    sizes = table.sizes[first] if n_first else table.sizes
    needed = NEEDED if np.median(sizes) <= 2 else NEEDED_AMONG_MORE
    found = bool(looks) and looks[-1].is_clear
    status: ContrastStatus = (
        "found" if found else "not found" if n_first >= needed else "not enough evidence"
    )
    taken = None
    if n_first:
        taken = table.mean(took_copy[first], first)
    return ContrastFigures(
        answers=n_first,
        all_answers=int(counted.sum()),
        questions=n_questions,
        share=len(np.unique(table.question[contrasts])) / n_questions,
        taken=estimate_figure(taken) if taken else None,
        chance=float(chance[first].mean()) if n_first else None,
        looked_at=looks[-1].n if looks else 0,
        next_look=next_look(n_first),
        needed=needed,
        status=status,
    )
