"""The comparisons of a store with their samples and labels, as formats write them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from prefloop.comparisons.exchange.importer import IMPORTED
from prefloop.label_types.types import type_of
from prefloop.records import Comparison, Label, Prompt, Sample
from prefloop.store.store import Store


@dataclass(frozen=True, kw_only=True)
class LabeledComparison:
    """A comparison with its prompt, samples and live labels."""

    prompt: Prompt
    comparison: Comparison
    samples: dict[str, Sample]
    """By id, in the comparison's order."""
    labels: tuple[tuple[int, Label], ...]
    """Each with its position among all labels."""


@dataclass(frozen=True, kw_only=True)
class PreferredPair:
    """One pair of samples that a label implies a preference for."""

    question: LabeledComparison
    label: Label
    chosen: str
    rejected: str

    @property
    def said(self) -> dict[str, Any]:
        """How much better the chosen one was said to be, and why; empty if nothing was said."""
        details = self.label.details
        return {key: details[key] for key in ("strength", "reasons") if details.get(key)}

    @property
    def shown(self) -> tuple[str, str]:
        """The ids in the order in which they were shown."""
        first, second = sorted((self.chosen, self.rejected), key=self.label.shown.index)
        return first, second


@dataclass(kw_only=True)
class ExportedFile:
    """The objects of a file, and how many labels it holds and leaves out."""

    objects: list[dict[str, Any]] = field(default_factory=list)
    is_array: bool = False
    """One JSON array, not an object per line."""
    counts: Counter[str] = field(default_factory=Counter)


def load_comparisons(store: Store) -> list[LabeledComparison]:
    """Return all comparisons with what belongs to them, in the order in which they were made."""
    comparisons = store.comparisons()
    prompts = {prompt.id: prompt for prompt in store.prompts()}
    samples = store.samples_by_id(i for comparison in comparisons for i in comparison.sample_ids)
    labels: dict[str, list[tuple[int, Label]]] = {}
    for position, label in enumerate(store.labels()):
        labels.setdefault(label.comparison_id, []).append((position, label))
    return [
        LabeledComparison(
            prompt=prompts[comparison.prompt_id],
            comparison=comparison,
            samples={i: samples[i] for i in comparison.sample_ids},
            labels=tuple(labels.get(comparison.id, ())),
        )
        for comparison in comparisons
    ]


def preferred_pairs(
    comparisons: Sequence[LabeledComparison], exported: ExportedFile
) -> Iterator[PreferredPair]:
    """Yield the pairs that each label implies; count the labels, and those that imply none."""
    for question in comparisons:
        label_type = type_of(question.comparison)
        for _, label in question.labels:
            pairs = label_type.preferred_pairs(label)
            exported.counts["labels" if pairs else f"left_out_{label.answer}"] += 1
            for chosen, rejected in pairs:
                yield PreferredPair(
                    question=question, label=label, chosen=chosen, rejected=rejected
                )


def policy_name(sample: Sample) -> str:
    """Return who wrote a sample, as its file named it."""
    return sample.model.removeprefix(IMPORTED)
