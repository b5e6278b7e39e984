"""A labeler with known preferences and known faults, for experiments without people.

    impression_i = (1 + drift * elapsed) * score(x, y_i)
                   + disagreement * e_i + position_bias * [i is shown first]
    answer       = argmax_i impression_i;  a tie if the two best are closer than tie_margin
    ranking      = impressions in falling order;  with Gumbel noise it is Plackett-Luce's

e_i is private to this labeler and question. With `noise: normal` it is s z_i, z_i standard normal
and s the spread that people's impressions were measured to have (`disagreement.json`, made by
`scorer_training/measure_disagreement.py`); for scorers other than sentiment s is an assumption:
nobody was asked. With `noise: gumbel` it is standard Gumbel, made from the same z_i: the noise of a
vote whose log-odds are the score, so that choices follow the softmax of the scores
(`prefloop/functional/votes.py`); that is measured for hurried_vote alone.

With probability `laziness` the labeler picks what copies most from the prompt instead, and with
probability `flips` the hand slips to any of the samples. `elapsed` goes from 0 in the first round
to 1 in the last; a run of one round has no drift.

Every number is drawn from a stream named by comparison and labeler, so an answer depends neither on
the order of the questions nor on whether the run was interrupted.
"""

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from prefloop.comparisons.labelers.labeler import LabelerKind
from prefloop.comparisons.questions import Question
from prefloop.functional.votes import standard_gumbel
from prefloop.label_types.answers import AnswerContent
from prefloop.label_types.types import type_of
from prefloop.records import Label
from prefloop.scorers.copying import CopyingScorer
from prefloop.scorers.scorer import Scorer, Scores
from prefloop.seeding import numpy_stream, stable_id
from prefloop.settings.comparisons import SyntheticConfig
from prefloop.text.words import reading_words

DISAGREEMENT = Path(__file__).with_name("disagreement.json")
PRIVATE_SD = float(json.loads(DISAGREEMENT.read_text("utf-8"))["private_sd_log_odds"])
"""Spread of people's private impressions of one sentence, in log-odds of the classifier."""

READING_SPREAD = 0.3
"""Standard deviation of the log of reading time from view to view; an assumption."""
DECISION_SECONDS = 2.0
"""Time for one choice and its key press, such as one place of a ranking; an assumption."""


class SyntheticLabeler:
    """Answers questions by a scorer, with the faults that the settings name."""

    kind: ClassVar[LabelerKind] = "synthetic"
    sources: ClassVar[frozenset[str]] = frozenset()
    """Those of its scorer; see `choices.synthetic_sources`."""

    def __init__(
        self,
        name: str,
        scorer: Scorer,
        config: SyntheticConfig,
        *,
        seed: int,
        instructions: str,
        rounds: int = 1,
    ) -> None:
        self.name = name
        self.scorer = scorer
        self._config = config
        self._seed = seed
        self._instructions = instructions
        self._rounds = rounds
        self._copying = CopyingScorer()

    def answer(self, question: Question) -> Label:
        """Return this labeler's answer; asked again it is the same answer under the same id."""
        comparison = question.comparison
        stream = numpy_stream(self._seed, "labels", comparison.id, self.name)
        n = len(question.samples)
        # All draws come first and in a fixed order: switching one fault on leaves the others alone.
        shown = stream.permutation(n)
        noise = private_noise(stream.standard_normal(n), self._config)
        is_lazy, slips = stream.random(2) < (self._config.laziness, self._config.flips)
        slip_to = int(stream.integers(n))
        pace = float(stream.standard_normal())
        if is_lazy:
            impressions = self._score(self._copying, question)
        else:
            impressions = self._impressions(question, noise, first=int(shown[0]))
        if slips:
            impressions = np.eye(n)[slip_to]
        # Of equal copies a lazy labeler takes the first that is shown.
        order = shown if is_lazy and not slips else np.arange(n)
        content = type_of(comparison).from_scores(
            impressions[order],
            [comparison.sample_ids[int(i)] for i in order],
            tie_margin=0.0 if is_lazy or slips else self._config.tie_margin,
        )
        details = {**content.details, **self._how_clearly(impressions, content)}
        return Label(
            id=stable_id("label", self._seed, comparison.id, self.name),
            comparison_id=comparison.id,
            labeler=self.name,
            answer=content.answer,
            chosen=content.chosen,
            details=details,
            shown=tuple(comparison.sample_ids[int(i)] for i in shown),
            seconds=self._seconds(
                question, pace, reads_prompt=not is_lazy, n_choices=content.n_choices
            ),
            instructions=self._instructions,
        )

    def _impressions(self, question: Question, noise: NDArray[np.float64], *, first: int) -> Scores:
        impressions = self._strength(question.comparison.round) * self._score(self.scorer, question)
        impressions += noise
        impressions[first] += self._config.position_bias
        return impressions

    def _how_clearly(self, impressions: Scores, content: AnswerContent) -> dict[str, str]:
        """Return how much better the best is, as a detail of the answer, if that is said."""
        if content.answer != "best" or not self._config.slight_margin:
            return {}
        second, first = np.sort(impressions)[-2:]
        is_slight = first - second < self._config.slight_margin
        return {"strength": "slightly" if is_slight else "clearly"}

    def _strength(self, round_number: int) -> float:
        if self._config.drift and round_number >= self._rounds:
            raise ValueError(f"round {round_number} lies beyond a run of {self._rounds} rounds")
        return 1.0 + self._config.drift * round_number / max(1, self._rounds - 1)

    @staticmethod
    def _score(scorer: Scorer, question: Question) -> Scores:
        texts = question.texts
        return np.array(scorer.score([question.prompt.text] * len(texts), texts), dtype=np.float64)

    def _seconds(
        self, question: Question, pace: float, *, reads_prompt: bool, n_choices: int
    ) -> float:
        """Return the time to read, log-normal from view to view, and to choose."""
        read = question.texts + ([question.prompt.text] if reads_prompt else [])
        reading = 60.0 * sum(map(reading_words, read)) / self._config.words_per_minute
        choosing = DECISION_SECONDS * n_choices
        return round(choosing + reading * float(np.exp(READING_SPREAD * pace)), 2)


def private_noise(normal: NDArray[np.float64], config: SyntheticConfig) -> NDArray[np.float64]:
    """Return the private part of impressions, made from standard normal numbers.

    Whatever the kind, the same numbers are drawn: choosing another leaves all other draws alone.
    """
    if config.noise == "gumbel":
        return config.disagreement * standard_gumbel(normal)
    return config.disagreement * PRIVATE_SD * normal
