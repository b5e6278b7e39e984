"""What a store holds, gathered for a file: questions with their samples and answers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from prefloop.comparisons.exchange.importer import IMPORTED
from prefloop.records import Comparison, Label, Prompt, Sample
from prefloop.store.store import Store


@dataclass(frozen=True, kw_only=True)
class Question:
    """A comparison with all that it names, and its live labels."""

    prompt: Prompt
    comparison: Comparison
    samples: dict[str, Sample]
    """By id, in the comparison's order."""
    labels: tuple[tuple[int, Label], ...]
    """Each with its position among all labels."""


@dataclass(kw_only=True)
class Outgo:
    """The objects of a file, and how much went in and stayed out."""

    objects: list[dict[str, Any]] = field(default_factory=list)
    is_array: bool = False
    """One JSON array, not an object per line."""
    counts: Counter[str] = field(default_factory=Counter)


def load_questions(store: Store) -> list[Question]:
    """Return everything about comparisons, in the order in which they were made."""
    comparisons = store.comparisons()
    prompts = {prompt.id: prompt for prompt in store.prompts()}
    samples = store.samples_by_id(i for comparison in comparisons for i in comparison.sample_ids)
    labels: dict[str, list[tuple[int, Label]]] = {}
    for position, label in enumerate(store.labels()):
        labels.setdefault(label.comparison_id, []).append((position, label))
    return [
        Question(
            prompt=prompts[comparison.prompt_id],
            comparison=comparison,
            samples={i: samples[i] for i in comparison.sample_ids},
            labels=tuple(labels.get(comparison.id, ())),
        )
        for comparison in comparisons
    ]


def choices(questions: Sequence[Question], outgo: Outgo) -> Iterator[tuple[Question, Label, str]]:
    """Yield (question, label, chosen id) where one sample was best; count the other answers."""
    for question in questions:
        for _, label in question.labels:
            if label.chosen is None:
                outgo.counts[f"left_out_{label.answer}"] += 1
            else:
                yield question, label, label.chosen


def pairs(label: Label, chosen: str) -> list[tuple[str, str]]:
    """Return the k - 1 pairs that an answer to k samples implies, each in the order shown."""
    place = label.shown.index(chosen)
    return [
        (other, chosen) if position < place else (chosen, other)
        for position, other in enumerate(label.shown)
        if other != chosen
    ]


def policy_name(sample: Sample) -> str:
    """Return who wrote a sample, as its file told it."""
    return sample.model.removeprefix(IMPORTED)
