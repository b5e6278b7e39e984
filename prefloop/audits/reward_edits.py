"""Whether a reward model sees through edits that make an answer worse."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prefloop.audits.edits import EDITS, Edit
from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.reward_audit import EditFigures
from prefloop.functional.statistics import wilson
from prefloop.progress import Progress
from prefloop.scorers.build import CheckedScorer

RIGHT = 0.9
"""Share of answers that a sound reward model does not score higher after an edit."""

NEEDED = 35
"""Answers of which all right put the interval above RIGHT."""

EQUAL = 1e-6
"""Scores no further apart are equal: rounding."""

SWAPPED = "swapped"

AT_ONCE = 8
"""Answers that are scored together, each with all that became of it."""

Fits = Callable[[str, str], bool]
"""Whether a prompt with a response is short enough to be scored."""


@dataclass(frozen=True, kw_only=True)
class ChosenAnswer:
    """The sample that labelers chose, and one that they passed over."""

    prompt: str
    text: str
    other: str


def edit_figures(
    answers: Sequence[ChosenAnswer],
    scorer: CheckedScorer,
    *,
    task: str,
    has_source: bool,
    fits: Fits,
    progress: Progress,
) -> tuple[tuple[EditFigures, ...], Mapping[str, str]]:
    """Return how often each edit does not raise the score, those left out with a reason.

    Edits are made to the sample that labelers chose: a poor one may gain from a copied sentence.
    """
    if not answers:
        return (), {"edits": "labelers chose no single sample of any question"}
    left_out: dict[str, str] = {}
    by_edit: dict[Edit, dict[int, str]] = {}
    for edit in EDITS:
        if edit.needs_source and not has_source:
            left_out[edit.title] = "the prompts are no source to copy from"
        elif task in edit.asked_by:
            left_out[edit.title] = f"task {task} may ask for it"
        elif not (edited := _edited(edit, answers, fits)):
            left_out[edit.title] = "it cannot be made to any of these texts"
        else:
            by_edit[edit] = edited
    changes = _changes(answers, by_edit, scorer, progress)
    found = [_figures(e.name, e.title, change <= EQUAL, change) for e, change in changes.items()]
    return (*found, _swapped(answers, scorer)), left_out


def _changes(
    answers: Sequence[ChosenAnswer],
    by_edit: Mapping[Edit, Mapping[int, str]],
    scorer: CheckedScorer,
    progress: Progress,
) -> dict[Edit, NDArray[np.float64]]:
    """Return by how much each edit moves the scores of the answers to which it is made.

    All texts of an answer are scored together, so that a model may read their prompt once.
    """
    found: dict[Edit, list[float]] = {edit: [] for edit in by_edit}
    for start in range(0, len(answers), AT_ONCE):
        part = range(start, min(start + AT_ONCE, len(answers)))
        made = [(i, e, texts[i]) for i in part for e, texts in by_edit.items() if i in texts]
        prompts = [answers[i].prompt for i in [*part, *(i for i, _, _ in made)]]
        texts = [*(answers[i].text for i in part), *(text for _, _, text in made)]
        scores = scorer.score(prompts, texts)
        for (i, edit, _), after in zip(made, scores[len(part) :], strict=True):
            found[edit].append(after - scores[i - start])
        progress.count("edited answers scored", part.stop, len(answers))
    return {edit: np.array(changes) for edit, changes in found.items()}


def _edited(edit: Edit, answers: Sequence[ChosenAnswer], fits: Fits) -> dict[int, str]:
    """Return the edited texts by number of the answer, as far as there are any that fit.

    An edit that leaves a text as it was (no letter to exchange, nothing to take out) is none.
    """
    texts = {i: edit.text(a.prompt, a.text) for i, a in enumerate(answers)}
    return {
        i: text
        for i, text in texts.items()
        if text is not None and text != answers[i].text and fits(answers[i].prompt, text)
    }


def _swapped(answers: Sequence[ChosenAnswer], scorer: CheckedScorer) -> EditFigures:
    """Return whether a pair's lead is the same whichever side is scored first."""
    prompts = [a.prompt for a in answers] * 2
    one, other = [a.text for a in answers], [a.other for a in answers]
    n = len(answers)
    first, second = scorer.score(prompts, one + other), scorer.score(prompts, other + one)
    change = (second[n:] - second[:n]) - (first[:n] - first[n:])
    tolerance = 1e-3 * max(1.0, float(np.abs(first).max()))
    return _figures(SWAPPED, "the sides of a pair swapped", np.abs(change) <= tolerance, change)


def _figures(
    name: str, title: str, is_right: NDArray[np.bool_], change: NDArray[np.float64]
) -> EditFigures:
    n, n_right = len(is_right), int(is_right.sum())
    low, high = wilson(n_right, n)
    return EditFigures(
        name=name,
        title=title,
        right=EstimateFigure(
            value=n_right / n,
            low=low,
            high=high,
            confidence=0.95,
            n=n,
            n_clusters=n,
            how="Wilson interval over prompts",
        ),
        change=float(change.mean()),
    )
