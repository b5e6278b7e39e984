"""The labels and checks that quality figures are computed from."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

import numpy as np

from prefloop.comparisons.questions import Question
from prefloop.functional.agreement import Choices
from prefloop.records import Comparison, Label
from prefloop.scorers.copying import SCALE, CopyingScorer
from prefloop.teamwork import AnswerTimes, QualityCheck
from prefloop.text.words import reading_words

LabelOrCheck = TypeVar("LabelOrCheck", Label, QualityCheck)
CLEAR_COPY = 0.05
"""Lead in the share of copied n-grams from which one sample clearly copies most."""


@dataclass(frozen=True, kw_only=True)
class QuestionStats:
    """Figures of a question's texts. They never change, so they can be cached."""

    n_words: float
    """Of the prompt and all samples, in English words of the same reading time."""
    copies_most: str | None
    """Id of the sample that copies most from the prompt; None if none clearly does."""


def measure_question(question: Question) -> QuestionStats:
    """Return the number of words to read, and which sample copies most from the prompt."""
    prompt, texts = question.prompt.text, question.texts
    copied = CopyingScorer().score([prompt] * len(texts), texts) / SCALE
    order = np.argsort(copied, kind="stable")
    leads = len(texts) > 1 and copied[order[-1]] - copied[order[-2]] >= CLEAR_COPY
    return QuestionStats(
        n_words=sum(map(reading_words, [prompt, *texts])),
        copies_most=question.samples[int(order[-1])].id if leads else None,
    )


@dataclass(frozen=True, kw_only=True)
class ChoiceTable:
    """The choices of a best sample, one per labeler and question, as arrays."""

    choices: Choices
    n_options: np.ndarray
    """Per choice: how many samples were shown."""
    labels: tuple[Label, ...]
    """The label of each choice."""
    numbers: Mapping[str, int]
    """Labeler name to number in `choices`."""


@dataclass(frozen=True, kw_only=True)
class LabelHistory:
    """Labels and checks, with what is needed to compute figures from them."""

    labels: Sequence[Label]
    """Live labels, oldest first; those of excluded labelers too."""
    checks: Sequence[QualityCheck] = ()
    """Answers to gold, training and repeated questions, oldest first."""
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    """By id; used for labels without the order in which samples were shown."""
    owners: frozenset[str] = frozenset()
    """Names of the owners: the others are compared with their choices."""
    excluded: frozenset[str] = frozenset()
    """Names of excluded labelers: they get figures, but nobody is compared with them."""
    times: Mapping[str, AnswerTimes] = field(default_factory=dict)
    """By id of label or check; where missing, `seconds` of the answer is used."""
    question_stats: Mapping[str, QuestionStats] = field(default_factory=dict)
    """By comparison id; speed and copying need them."""

    @cached_property
    def labelers(self) -> tuple[str, ...]:
        """Names of everybody who answered something, sorted."""
        found = {label.labeler for label in self.labels}
        return tuple(sorted(found | {check.labeler for check in self.checks}))

    @cached_property
    def labels_by(self) -> Mapping[str, Sequence[Label]]:
        """Each labeler's labels, oldest first."""
        return by_labeler(self.labels)

    @cached_property
    def checks_by(self) -> Mapping[str, Sequence[QualityCheck]]:
        """Each labeler's checks, oldest first."""
        return by_labeler(self.checks)

    @cached_property
    def table(self) -> ChoiceTable:
        """The choices as arrays."""
        return _table(self)

    @property
    def is_counted(self) -> np.ndarray:
        """Per labeler: whether others are compared with them, that is, not excluded."""
        return np.array([name not in self.excluded for name in self.labelers], dtype=bool)

    @property
    def is_owner(self) -> np.ndarray:
        """Per labeler: whether they are an owner."""
        return np.array([name in self.owners for name in self.labelers], dtype=bool)

    @cached_property
    def versions(self) -> tuple[str, ...]:
        """Versions of the instructions, in the order of their first label or check."""
        found = [label.instructions for label in self.labels]
        return tuple(dict.fromkeys([*found, *(check.instructions for check in self.checks)]))

    def of_version(self, version: str) -> "LabelHistory":
        """Return the history restricted to one version of the instructions."""
        if self.versions == (version,):
            return self
        return replace(
            self,
            labels=[label for label in self.labels if label.instructions == version],
            checks=[check for check in self.checks if check.instructions == version],
        )

    def worked_seconds(self, answer: Label | QualityCheck) -> float:
        """Return the seconds that an answer took, by the server where it measured them.

        Answers from before schema 0005 took as long as their texts were read: without breaks.
        """
        known = self.times.get(answer.id)
        if known is None or known.worked_seconds is None:
            return self.reading_seconds(answer)
        return known.worked_seconds

    def reading_seconds(self, answer: Label | QualityCheck) -> float:
        """Return the seconds that an answer's texts were read, as its labeler's browser says.

        Without breaks, and never longer than the labeler had the question.
        """
        known = self.times.get(answer.id)
        if known is None:
            return answer.seconds
        said = answer.seconds if known.active_seconds is None else known.active_seconds
        return said if math.isnan(said) else min(said, known.held_seconds)

    def n_options(self, answer: Label | QualityCheck) -> int:
        """Return the number of samples of a question; 0 if unknown."""
        if answer.shown:
            return len(answer.shown)
        known = self.comparisons.get(answer.comparison_id)
        return len(known.sample_ids) if known else 0


def by_labeler(answers: Iterable[LabelOrCheck]) -> dict[str, list[LabelOrCheck]]:
    """Return each labeler's answers, in their order."""
    found: dict[str, list[LabelOrCheck]] = defaultdict(list)
    for answer in answers:
        found[answer.labeler].append(answer)
    return found


def _table(history: LabelHistory) -> ChoiceTable:
    """Return the last choice of each labeler on each question, with names as numbers."""
    kept = {
        (label.labeler, label.comparison_id): label
        for label in history.labels
        if label.answer == "best" and history.n_options(label) > 1
    }
    labels = tuple(kept.values())
    numbers = {name: number for number, name in enumerate(history.labelers)}
    questions: dict[str, int] = {}
    options: dict[tuple[str, str | None], int] = {}
    codes = np.array(
        [
            (
                numbers[label.labeler],
                questions.setdefault(label.comparison_id, len(questions)),
                options.setdefault((label.comparison_id, label.chosen), len(options)),
                history.n_options(label),
            )
            for label in labels
        ],
        dtype=np.int64,
    ).reshape(-1, 4)
    choices = Choices(
        labeler=codes[:, 0],
        question=codes[:, 1],
        option=codes[:, 2],
        n_labelers=len(numbers),
    )
    return ChoiceTable(choices=choices, n_options=codes[:, 3], labels=labels, numbers=numbers)
