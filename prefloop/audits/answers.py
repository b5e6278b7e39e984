"""Labels as arrays: one row for every sample that an answer chose from."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from prefloop.functional.choice_model import FEW_GROUPS, ChoiceRows
from prefloop.functional.statistics import Estimate, paired_win_rate
from prefloop.label_types.answers import PREFERENCES
from prefloop.label_types.types import type_of
from prefloop.records import Comparison, Label
from prefloop.seeding import stable_fraction

FOLDS = 5

Codes = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class AnswerTable:
    """Answers with a preference, in the order in which they came.

    Shapes: A answers; N rows, one for each sample that one of them chose from.
    """

    sample_ids: tuple[str, ...]
    """N: the sample of each row."""
    targets: NDArray[np.float64]
    """N: 1 for the chosen sample; a tie is spread."""
    place: NDArray[np.float64]
    """N: where it was shown, from 1 for the first to 0 for the last."""
    starts: Codes
    """A: the first row of each answer."""
    is_choice: NDArray[np.bool_]
    """A: whether one sample was called best."""
    labeler: Codes
    question: Codes
    prompt: Codes
    labelers: tuple[str, ...]
    """Names by number."""
    prompts: tuple[str, ...]
    """Ids by number."""
    seconds: NDArray[np.float64]
    """A: NaN where it is not known."""
    version: Codes
    versions: tuple[str, ...]
    """Of the instructions, by number."""

    @property
    def sizes(self) -> Codes:
        """How many samples each answer chose from."""
        return np.diff(np.append(self.starts, len(self.targets)))

    @property
    def chance(self) -> float | None:
        """Share of the choices that a random rule predicts; None without any."""
        return float((1.0 / self.sizes[self.is_choice]).mean()) if self.is_choice.any() else None

    def rows(self, features: NDArray[np.float64]) -> ChoiceRows:
        """Return the answers with these features, as the choice model takes them."""
        return ChoiceRows(features=features, targets=self.targets, starts=self.starts)

    def folds(self) -> Codes:
        """Return a fold for each answer; all answers on one prompt are in the same."""
        order = sorted(range(len(self.prompts)), key=lambda i: stable_fraction(self.prompts[i]))
        fold_of = np.empty(len(order), dtype=np.int64)
        fold_of[order] = np.arange(len(order)) % FOLDS
        return fold_of[self.prompt]

    def mean(
        self, values: NDArray[np.float64], here: NDArray[np.bool_], confidence: float = 0.95
    ) -> Estimate:
        """Return the mean of values in 0..1, one for each answer that `here` marks.

        The interval is clustered by prompt and labeler. With fewer than FEW_GROUPS labelers it is
        clustered by prompt and about them only, as those of the weights are: two or three labelers
        say nothing of others, and an interval that tried would hide whatever they do.
        """
        found = paired_win_rate(
            values,
            self.prompt[here],
            confidence,
            labelers=self.labeler[here] if len(self.labelers) >= FEW_GROUPS else None,
        )
        if len(self.labelers) >= FEW_GROUPS:
            return found
        return replace(found, how=f"{found.how}; for these labelers only")

    def fastest(self) -> NDArray[np.bool_]:
        """Return which answers are among the fastest third of their labeler's.

        Answers that took as long as the next slower one are not: where all took equally long, as in
        files without true times, none is fast.
        """
        is_fast = np.zeros(len(self.seconds), dtype=bool)
        is_timed = np.isfinite(self.seconds)
        for one in range(len(self.labelers)):
            own = np.flatnonzero((self.labeler == one) & is_timed)
            if len(own):
                limit = np.sort(self.seconds[own])[len(own) // 3]
                is_fast[own[self.seconds[own] < limit]] = True
        return is_fast


def answer_table(labels: Sequence[Label], comparisons: Mapping[str, Comparison]) -> AnswerTable:
    """Return the labels that prefer something, or call it a tie, with what they chose from."""
    known = [
        label
        for label in labels
        if label.answer in PREFERENCES and len(comparisons[label.comparison_id].sample_ids) > 1
    ]
    asked = [comparisons[label.comparison_id] for label in known]
    sizes = np.array([len(comparison.sample_ids) for comparison in asked], dtype=np.int64)
    labeler, labelers = _numbered(label.labeler for label in known)
    question, _ = _numbered(comparison.id for comparison in asked)
    prompt, prompts = _numbered(comparison.prompt_id for comparison in asked)
    version, versions = _numbered(label.instructions for label in known)
    pairs = list(zip(known, asked, strict=True))
    return AnswerTable(
        sample_ids=tuple(i for comparison in asked for i in comparison.sample_ids),
        targets=_flat(target for pair in pairs for target in _target(*pair)),
        place=_flat(place for pair in pairs for place in _places(*pair)),
        starts=np.cumsum(sizes) - sizes,
        is_choice=np.array([label.answer == "best" for label in known], dtype=bool),
        labeler=labeler,
        question=question,
        prompt=prompt,
        labelers=labelers,
        prompts=prompts,
        seconds=np.array([label.seconds for label in known], dtype=np.float64),
        version=version,
        versions=versions,
    )


def _target(label: Label, comparison: Comparison) -> list[float]:
    """Return how much of the answer each sample got."""
    label_type = type_of(comparison)
    target = label_type.target(label, comparison.sample_ids)
    assert target is not None  # every preference has one
    found: list[float] = label_type.best_probabilities(target).tolist()
    return found


def _places(label: Label, comparison: Comparison) -> list[float]:
    """Return where each sample was shown, from 1 for the first to 0 for the last."""
    shown = label.shown or comparison.sample_ids
    last = len(comparison.sample_ids) - 1
    return [1.0 - shown.index(sample_id) / last for sample_id in comparison.sample_ids]


def _flat(values: Iterable[float]) -> NDArray[np.float64]:
    return np.fromiter(values, dtype=np.float64)


def _numbered(names: Iterable[str]) -> tuple[Codes, tuple[str, ...]]:
    """Return a number for each name, in order of first appearance, and the names."""
    numbers: dict[Hashable, int] = {}
    codes = np.fromiter((numbers.setdefault(n, len(numbers)) for n in names), dtype=np.int64)
    return codes, tuple(map(str, numbers))
