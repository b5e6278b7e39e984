"""What labelers and labels are judged by, gathered once."""

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
from prefloop.teamwork import QualityCheck
from prefloop.text.words import words

Answered = TypeVar("Answered", Label, QualityCheck)
CLEAR_COPY = 0.05
"""A sample is the one that copies most if its share of copied words leads by this much."""


@dataclass(frozen=True, kw_only=True)
class QuestionStats:
    """What a question gives to read. It never changes, so it can be kept."""

    n_words: int
    """Of the prompt and all samples."""
    copies_most: str | None
    """The sample that repeats most of the prompt; None if none clearly does."""


def question_stats(question: Question) -> QuestionStats:
    """Return how much there is to read, and which sample copies most from the prompt."""
    prompt, texts = question.prompt.text, question.texts
    copied = CopyingScorer().score([prompt] * len(texts), texts) / SCALE
    order = np.argsort(copied, kind="stable")
    leads = len(texts) > 1 and copied[order[-1]] - copied[order[-2]] >= CLEAR_COPY
    return QuestionStats(
        n_words=len(words(prompt)) + sum(len(words(text)) for text in texts),
        copies_most=question.samples[int(order[-1])].id if leads else None,
    )


@dataclass(frozen=True, kw_only=True)
class Table:
    """The choices of a best sample, one per labeler and question, as numbers."""

    choices: Choices
    n_options: np.ndarray
    """Per choice: how many samples were shown."""
    rows: tuple[Label, ...]
    """The labels behind the choices."""
    numbers: Mapping[str, int]
    """Labeler to number in `choices`."""


@dataclass(frozen=True, kw_only=True)
class LabelHistory:
    """Labels, checks, and what is known around them. Judging it changes nothing."""

    labels: Sequence[Label]
    """Live labels, oldest first; those of excluded labelers too."""
    checks: Sequence[QualityCheck] = ()
    """Answers to gold, training and repeated questions, oldest first."""
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    """By id; only looked at for labels that do not say in which order samples were shown."""
    owners: frozenset[str] = frozenset()
    """Names of the researchers: what they choose is what the others are compared with."""
    excluded: frozenset[str] = frozenset()
    """Names of labelers whom a rule keeps out: they are judged, but nobody is judged by them."""
    active_seconds: Mapping[str, float] = field(default_factory=dict)
    """By id of label or check; where it is missing, the whole time of the answer is taken."""
    wordings: Mapping[str, QuestionStats] = field(default_factory=dict)
    """By comparison id; without them nothing is said about speed and copying."""

    @cached_property
    def labelers(self) -> tuple[str, ...]:
        """Everybody who answered something, by name."""
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
    def table(self) -> Table:
        """The choices as numbers."""
        return _table(self)

    @property
    def is_counted(self) -> np.ndarray:
        """Per labeler: whether others are compared with them, as no rule keeps them out."""
        return np.array([name not in self.excluded for name in self.labelers], dtype=bool)

    @property
    def is_owner(self) -> np.ndarray:
        """Per labeler: whether they are a researcher."""
        return np.array([name in self.owners for name in self.labelers], dtype=bool)

    @cached_property
    def versions(self) -> tuple[str, ...]:
        """Versions of the instructions, in the order of their first label or check."""
        found = [label.instructions for label in self.labels]
        return tuple(dict.fromkeys([*found, *(check.instructions for check in self.checks)]))

    def of_version(self, version: str) -> "LabelHistory":
        """Return what was answered under one version of the instructions."""
        if self.versions == (version,):
            return self
        return replace(
            self,
            labels=[label for label in self.labels if label.instructions == version],
            checks=[check for check in self.checks if check.instructions == version],
        )

    def seconds(self, answer: Label | QualityCheck) -> float:
        """Return how long an answer took, breaks left out where that is known."""
        return self.active_seconds.get(answer.id, answer.seconds)

    def n_options(self, answer: Label | QualityCheck) -> int:
        """Return how many samples a question has; 0 if nobody says."""
        if answer.shown:
            return len(answer.shown)
        known = self.comparisons.get(answer.comparison_id)
        return len(known.sample_ids) if known else 0


def by_labeler(answers: Iterable[Answered]) -> dict[str, list[Answered]]:
    """Return each labeler's answers in the order they came in."""
    found: dict[str, list[Answered]] = defaultdict(list)
    for answer in answers:
        found[answer.labeler].append(answer)
    return found


def _table(history: LabelHistory) -> Table:
    """Keep the last choice of each labeler on a question, and number what it names."""
    kept = {
        (label.labeler, label.comparison_id): label
        for label in history.labels
        if label.answer == "best" and history.n_options(label) > 1
    }
    rows = tuple(kept.values())
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
            for label in rows
        ],
        dtype=np.int64,
    ).reshape(-1, 4)
    choices = Choices(
        labeler=codes[:, 0],
        question=codes[:, 1],
        option=codes[:, 2],
        n_labelers=len(numbers),
    )
    return Table(choices=choices, n_options=codes[:, 3], rows=rows, numbers=numbers)
