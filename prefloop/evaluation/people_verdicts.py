"""Verdicts of people: the questions they are asked, and what their answers say, look by look.

Everything here is computed from the ledger's order of the answers. So a run that was killed comes
to the same looks at the same answers, and stops where it would have stopped.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations

from prefloop.evaluation.win_rate import POINTS, SamplePair
from prefloop.functional.panels import FEW_LABELERS, majority_outcome, panel_win_rate
from prefloop.functional.sequential import look_confidences
from prefloop.functional.statistics import Estimate
from prefloop.label_types.answers import PREFERENCES
from prefloop.records import Comparison
from prefloop.seeding import stable_id
from prefloop.teamwork import JudgingTerms, VerdictAnswer


@dataclass(frozen=True, kw_only=True)
class Ballot:
    """What people said of one pair."""

    pair: SamplePair
    votes: Mapping[str, float]
    """By labeler: 1 for the model's sample, 0 for the baseline's, 0.5 for a tie."""

    @property
    def outcome(self) -> float:
        """What the majority says; a tie where there is none."""
        return majority_outcome(list(self.votes.values()))


@dataclass(frozen=True, kw_only=True)
class Look:
    """The result at one look at the answers."""

    ballots: Mapping[str, Ballot]
    """By comparison."""
    rate: Estimate
    """With an interval that holds at all looks together."""
    confidence: float
    """The interval's confidence if this were the only look."""

    @property
    def is_clear(self) -> bool:
        """Whether one half lies outside the interval, and enough people stand behind it.

        The interval of a few is about those few only: they do not end it for everybody.
        """
        people = {who for ballot in self.ballots.values() for who in ballot.votes}
        is_outside = not self.rate.interval.low <= 0.5 <= self.rate.interval.high
        return is_outside and len(people) >= FEW_LABELERS


def judging_question(pair: SamplePair) -> Comparison:
    """Return the question which of two samples is better; it does not say whose they are."""
    ours, theirs = pair
    return Comparison(
        id=stable_id("judged by people", ours.id, theirs.id),
        prompt_id=ours.prompt_id,
        sample_ids=(min(ours.id, theirs.id), max(ours.id, theirs.id)),
        round=ours.round,
        split="held_out",
        label_type="pairs",
    )


def take_looks(
    pairs: Mapping[str, SamplePair],
    answers: Sequence[VerdictAnswer],
    terms: JudgingTerms,
    *,
    is_over: bool,
) -> list[Look]:
    """Return the looks at these answers, up to the first that is clear.

    `pairs` are all pairs that people are asked about, by comparison. A look comes whenever another
    1 / `terms.looks` of the questions are fully answered, and a last one when no more answers come.
    """
    count = _Count(pairs, terms.answers)
    due = [math.ceil(terms.questions * k / terms.looks) for k in range(1, terms.looks + 1)]
    due = list(dict.fromkeys(due))
    looks: list[Look] = []
    fractions: list[float] = []
    for _, is_new, answer in sorted(_changes(answers), key=lambda change: change[:2]):
        count.apply(answer, is_new=is_new)
        if len(fractions) < len(due) and len(count.complete) >= due[len(fractions)]:
            fractions.append(len(count.complete) / terms.questions)
            looks.append(_look(count.ballots(count.complete), fractions))
            if looks[-1].is_clear:
                return looks
    rest = count.ballots(key for key, votes in count.votes.items() if votes)
    if is_over and rest and (not fractions or fractions[-1] < 1):
        looks.append(_look(rest, [*fractions, 1.0]))
    return looks


def agreeing_pairs(ballots: Sequence[Ballot]) -> tuple[list[float], list[str]]:
    """Return for each two answers to one question whether they agree, and the question's prompt."""
    found = [
        (float(a == b), ballot.pair[0].prompt_id)
        for ballot in ballots
        for a, b in combinations(ballot.votes.values(), 2)
    ]
    return [agree for agree, _ in found], [prompt for _, prompt in found]


@dataclass
class _Count:
    """The votes that count, while the answers are gone through in their order."""

    pairs: Mapping[str, SamplePair]
    wanted: int
    votes: dict[str, dict[str, float]] = field(default_factory=dict)
    complete: dict[str, None] = field(default_factory=dict)

    def apply(self, answer: VerdictAnswer, *, is_new: bool) -> None:
        """Count an answer, or no longer."""
        label = answer.label
        votes = self.votes.setdefault(label.comparison_id, {})
        votes.pop(label.labeler, None)
        if is_new and label.answer in PREFERENCES:
            ours = self.pairs[label.comparison_id][0].id
            is_win = label.chosen == ours
            votes[label.labeler] = POINTS[
                "tie" if label.chosen is None else "win" if is_win else "loss"
            ]
        if len(votes) >= self.wanted:
            self.complete[label.comparison_id] = None
        else:
            self.complete.pop(label.comparison_id, None)

    def ballots(self, keys: Iterable[str]) -> dict[str, Ballot]:
        """Return the first votes, as many as are wanted, on these comparisons."""
        return {
            key: Ballot(
                pair=self.pairs[key], votes=dict(list(self.votes[key].items())[: self.wanted])
            )
            for key in sorted(keys)
        }


def _changes(answers: Sequence[VerdictAnswer]) -> list[tuple[int, bool, VerdictAnswer]]:
    """Return when each answer came and ended; a new one comes after the one that it replaces."""
    came = [(answer.sequence, True, answer) for answer in answers]
    return came + [(a.ended_by, False, a) for a in answers if a.ended_by is not None]


@lru_cache(maxsize=64)
def _confidence(fractions: tuple[float, ...]) -> float:
    """Return the confidence of the last look; kept, because it is asked for at every answer."""
    return look_confidences(fractions)[-1]


def _look(ballots: Mapping[str, Ballot], fractions: Sequence[float]) -> Look:
    confidence = _confidence(tuple(fractions))
    return Look(
        ballots=ballots,
        rate=ballots_rate(list(ballots.values()), confidence),
        confidence=confidence,
    )


def ballots_rate(ballots: Sequence[Ballot], confidence: float) -> Estimate:
    """Return the win rate of what majorities said, clustered by prompt and labeler."""
    prompts = [ballot.pair[0].prompt_id for ballot in ballots]
    return panel_win_rate([ballot.votes for ballot in ballots], prompts, confidence)
