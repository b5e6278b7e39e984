"""What different responses have in common: a policy may win with one word that judges like."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from prefloop.figures.repetition import PhraseFigures, RepetitionFigures
from prefloop.records import Sample
from prefloop.text.words import words

SHOWN = 5
"""Openings and words that are kept."""

OPENING_WORDS = 3


def repetition_figures(
    model_samples: Sequence[Sample], baseline_samples: Sequence[Sample]
) -> RepetitionFigures | None:
    """Return repeated openings, risen words, and texts given to several prompts.

    Shares are of responses: a response counts a word once. None without samples of both models.
    """
    if not model_samples or not baseline_samples:
        return None
    model, baseline = ([words(s.text) for s in side] for side in (model_samples, baseline_samples))
    openings = _shares([_opening(r) for r in model], [_opening(r) for r in baseline])
    repeated = [phrase for phrase in openings if phrase.share * len(model) > 1.5]
    risen = _shares([set(response) for response in model], [set(r) for r in baseline])
    return RepetitionFigures(
        openings=tuple(sorted(repeated, key=lambda o: (-o.share, o.phrase))[:SHOWN]),
        words=tuple(sorted(risen, key=lambda w: (w.baseline_share - w.share, w.phrase))[:SHOWN]),
        said_before=_said_before(model_samples, model),
        baseline_said_before=_said_before(baseline_samples, baseline),
    )


def _opening(response: Sequence[str]) -> set[str]:
    return {" ".join(response[:OPENING_WORDS])} - {""}


def _shares(
    model: Sequence[Collection[str]], baseline: Sequence[Collection[str]]
) -> list[PhraseFigures]:
    """Return the share of responses with each phrase that the model's responses have."""
    counts, before = (Counter(phrase for r in side for phrase in r) for side in (model, baseline))
    return [
        PhraseFigures(
            phrase=phrase, share=n / len(model), baseline_share=before[phrase] / len(baseline)
        )
        for phrase, n in counts.items()
    ]


def _said_before(samples: Sequence[Sample], responses: Iterable[Sequence[str]]) -> float:
    """Return the share of responses that an earlier one to another prompt equals."""
    first: dict[str, str] = {}
    texts = [" ".join(response) for response in responses]
    n_before = sum(
        first.setdefault(text, sample.prompt_id) != sample.prompt_id
        for sample, text in zip(samples, texts, strict=True)
    )
    return n_before / len(samples)
