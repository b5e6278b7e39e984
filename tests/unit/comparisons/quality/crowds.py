"""Crowds with known faults: who they are is known, so that what is found can be counted.

Every question has a best sample, and another one that copies most, both drawn at random. An honest
labeler chooses the best with their own accuracy, and else any other; a flipped one does the same
with the worst. All see the samples in an order of their own.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from prefloop.comparisons.quality.label_history import LabelHistory, QuestionStats
from prefloop.records import Label
from prefloop.teamwork import AssignmentKind, QualityCheck

Kind = Literal["honest", "random", "left", "flipped", "copying"]


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """How many people, what they answer, and which faults they have."""

    n_people: int = 100
    shares: tuple[tuple[Kind, float], ...] = (
        ("random", 0.10),
        ("left", 0.05),
        ("flipped", 0.03),
        ("copying", 0.05),
    )
    n_labels: int = 200
    """Of each."""
    n_gold: int = 17
    n_repeats: int = 0
    n_options: int = 2
    overlap_share: float = 0.2
    """Share of questions that `overlap` people answer; the others are answered once."""
    overlap: int = 3
    accuracy: tuple[float, float] = (0.7, 0.8)
    left: float = 0.95
    """How often an always-left labeler takes the first place; else honest."""
    copying: float = 0.9
    """How often a copy-lover takes what copies most; else honest."""
    n_gold_questions: int = 80

    def kinds(self) -> dict[str, Kind]:
        """Return who is what."""
        found: list[Kind] = []
        for kind, share in self.shares:
            found += [kind] * round(share * self.n_people)
        found += ["honest"] * (self.n_people - len(found))
        return {f"{kind}-{i:03}": kind for i, kind in enumerate(found)}

    def history(self, seed: int) -> LabelHistory:
        """Return what these people answer."""
        return _Draw(self, seed).history()


class _Draw:
    """One seed's questions and answers."""

    def __init__(self, crowd: Crowd, seed: int) -> None:
        self.crowd = crowd
        self.rng = np.random.default_rng(seed)
        self.kinds = crowd.kinds()
        low, high = crowd.accuracy
        self.accuracy = {name: self.rng.uniform(low, high) for name in self.kinds}
        total = crowd.n_people * crowd.n_labels
        once = 1 - crowd.overlap_share
        n = int(total / (once + crowd.overlap_share * crowd.overlap))
        self.n_questions = n + crowd.n_gold_questions
        self.n_work = n
        self.best = self.rng.integers(crowd.n_options, size=self.n_questions)
        away = self.rng.integers(1, crowd.n_options, size=self.n_questions)
        self.worst = (self.best + away) % crowd.n_options
        self.copiest = self.rng.integers(crowd.n_options, size=self.n_questions)

    def history(self) -> LabelHistory:
        labels, checks = [], []
        mine: dict[str, list[Label]] = {name: [] for name in self.kinds}
        for question, name in self.assignment():
            chosen, shown = self.answer(question, name)
            label = _label(question, name, chosen, shown)
            mine[name].append(label)
            labels.append(label)
        for name in self.kinds:
            checks += self.gold(name)
            checks += self.repeats(name, mine[name])
        return LabelHistory(labels=labels, checks=checks, question_stats=self.question_stats())

    def assignment(self) -> list[tuple[int, str]]:
        """Return who answers what, no question twice by one person, in random order."""
        crowd, names = self.crowd, list(self.kinds)
        n_shared = round(self.n_work * crowd.overlap_share)
        wanted = np.where(np.arange(self.n_work) < n_shared, crowd.overlap, 1)
        places = self.rng.permutation(np.repeat(np.arange(self.n_work), wanted))
        people = np.arange(len(places)) % len(names)
        _, first = np.unique(places * len(names) + people, return_index=True)
        return [(int(places[i]), names[people[i]]) for i in np.sort(first)]

    def answer(self, question: int, name: str) -> tuple[int, list[int]]:
        """Return what one person chooses, and the order that was on screen."""
        rng, k = self.rng, self.crowd.n_options
        shown = rng.permutation(k).tolist()
        best = int(self.best[question])
        honest = best if rng.random() < self.accuracy[name] else self.other(best)
        match self.kinds[name]:
            case "random":
                return int(rng.integers(k)), shown
            case "left" if rng.random() < self.crowd.left:
                return shown[0], shown
            case "copying" if rng.random() < self.crowd.copying:
                return int(self.copiest[question]), shown
            case "flipped":
                worst = int(self.worst[question])
                is_sharp = rng.random() < self.accuracy[name]
                return (worst if is_sharp else self.other(worst)), shown
        return honest, shown

    def other(self, sample: int) -> int:
        return int((sample + self.rng.integers(1, self.crowd.n_options)) % self.crowd.n_options)

    def gold(self, name: str) -> list[QualityCheck]:
        pool = self.n_work + np.arange(self.crowd.n_gold_questions)
        asked = self.rng.choice(pool, self.crowd.n_gold, replace=False)
        found = []
        for question in asked.tolist():
            chosen, shown = self.answer(question, name)
            is_right = chosen == self.best[question]
            found.append(_check(question, name, "gold", chosen, shown, is_right=bool(is_right)))
        return found

    def repeats(self, name: str, labels: list[Label]) -> list[QualityCheck]:
        found = []
        for label in labels[: self.crowd.n_repeats]:
            question = int(label.comparison_id.removeprefix("q"))
            chosen, shown = self.answer(question, name)
            is_right = _sample(question, chosen) == label.chosen
            found.append(_check(question, name, "retest", chosen, shown, is_right=is_right))
        return found

    def question_stats(self) -> dict[str, QuestionStats]:
        return {
            f"q{q}": QuestionStats(n_words=60, copies_most=_sample(q, int(self.copiest[q])))
            for q in range(self.n_questions)
        }


def _sample(question: int, number: int) -> str:
    return f"q{question}-s{number}"


def _label(question: int, name: str, chosen: int, shown: list[int]) -> Label:
    return Label(
        id=f"q{question}-{name}",
        comparison_id=f"q{question}",
        labeler=name,
        answer="best",
        chosen=_sample(question, chosen),
        shown=tuple(_sample(question, number) for number in shown),
        seconds=9.0,
        instructions="1",
    )


def _check(
    question: int, name: str, kind: AssignmentKind, chosen: int, shown: list[int], *, is_right: bool
) -> QualityCheck:
    label = _label(question, name, chosen, shown)
    return QualityCheck(
        id=f"{kind}-{label.id}",
        comparison_id=label.comparison_id,
        labeler=name,
        kind=kind,
        answer="best",
        chosen=label.chosen,
        shown=label.shown,
        seconds=label.seconds,
        instructions="1",
        is_right=is_right,
    )
