"""Who answers in the zoo: people with a taste that is written down, and who differ.

What one thinks of a text, in log-odds, is our own choice:

    liking = sentiment, within -3 and 3 - 3 * odd pairs - 4 * copied - 6 * repeated

`sentiment` is the scorer of that name; the shares are those of word pairs that no passage holds, of
runs of two and three words from the prompt, and of words said before beyond a natural 0.15. So a
text that is all copied, or one word again and again, loses nine times of ten; an odd word in a good
sentence costs little. Without the bound lists of liked words won 94 % of the time. What people
cannot notice in one text, such as that all prompts get the same, they do not mind.
"""

from collections.abc import Sequence

import numpy as np
from zoo_texts import Row

from prefloop.scorers.build import build_scorer
from prefloop.text.overlap import copied_share
from prefloop.text.words import ngrams, words

N_PEOPLE = 5
BOUND = 3.0
SPREAD = 0.5
"""Standard deviation of people in log-odds, as in `live_questions.py`."""
ODD, COPIED, REPEATED, NATURAL = 3.0, 4.0, 6.0, 0.15


class People:
    """A taste, and the reference's texts with which others are compared."""

    def __init__(self, rows: Sequence[Row], *, sound: Sequence[Row] | None = None) -> None:
        """`sound` are passages whose word pairs are not odd; without them, the reference's."""
        self._pairs = {pair for row in (sound or rows) for pair in _pairs(row)}
        self._sentiment = build_scorer("sentiment", {})
        self.liking = self.like(rows)

    def like(self, rows: Sequence[Row]) -> np.ndarray:
        """Return what people think of texts, in log-odds."""
        prompts, texts = [prompt.text for prompt, _ in rows], [text for _, text in rows]
        flaws = np.array([self._flaws(*row) for row in zip(prompts, texts, strict=True)])
        return np.clip(self._sentiment.score(prompts, texts), -BOUND, BOUND) - flaws

    def labelers(self, stream: np.random.Generator) -> np.ndarray:
        """Return how much each labeler of a run leans towards the policy, in log-odds."""
        return SPREAD * stream.normal(size=N_PEOPLE)

    def answer(
        self, stream: np.random.Generator, labelers: np.ndarray, row: Row
    ) -> tuple[float, int]:
        """Return 1 if the policy's text is taken, not one of the reference, and who said so."""
        who = int(stream.integers(len(labelers)))
        by = self.like([row])[0] - stream.choice(self.liking) + labelers[who]
        return float(stream.random() < 1 / (1 + np.exp(-by))), who

    def win_rate(self, rows: Sequence[Row]) -> float:
        """Return how often such texts are taken, over all of the reference's and all people."""
        points, weights = np.polynomial.hermite.hermgauss(9)
        leans = SPREAD * np.sqrt(2) * points
        by = self.like(rows)[:, None] - self.liking[:: max(1, len(self.liking) // 500)]
        rates = np.array([np.mean(1 / (1 + np.exp(-by - lean))) for lean in leans])
        return float(rates @ weights / weights.sum())

    def _flaws(self, prompt: str, text: str) -> float:
        said = words(text)
        pairs = ngrams(said, 2)
        odd = sum(pair not in self._pairs for pair in pairs) / max(1, len(pairs))
        repeated = 1 - len(set(said)) / max(1, len(said))
        return (
            ODD * odd + COPIED * copied_share(text, prompt) + REPEATED * max(0, repeated - NATURAL)
        )


def _pairs(row: Row) -> set[tuple[str, ...]]:
    """Return the word pairs of a passage: of its prompt and of what follows."""
    prompt, text = row
    return {tuple(pair) for pair in ngrams(words(f"{prompt.text} {text}"), 2)}
