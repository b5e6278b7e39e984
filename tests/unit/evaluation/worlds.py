"""Small prompts and samples for the evaluation's tests."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from prefloop.evaluation.judges.build import CheckedJudge
from prefloop.evaluation.judges.judge import Outcome
from prefloop.evaluation.judges.scorer_judge import ScorerJudge
from prefloop.records import REFERENCE, Prompt, Purpose, Sample
from prefloop.scorers.build import CheckedScorer

POLICY = "policy/update-8"


class WordCount:
    """Prefers more words: its verdicts can be worked out by eye."""

    name: ClassVar[str] = "word-count"
    sources: ClassVar[frozenset[str]] = frozenset({"length"})
    description: ClassVar[str] = "a count of words"

    def __init__(self) -> None:
        self.n_scored = 0

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> NDArray[np.float64]:
        """Return the number of words, minus 3."""
        self.n_scored += len(responses)
        return np.array([len(response.split()) - 3.0 for response in responses])


class FirstLetter:
    """Sees both texts and prefers what comes first in the alphabet; gives no scores."""

    name: ClassVar[str] = "first-letter"
    sources: ClassVar[frozenset[str]] = frozenset({"the alphabet"})
    description: ClassVar[str] = "a reader of first letters"

    def __init__(self) -> None:
        self.n_asked = 0

    def compare(self, prompt: str, a: str, b: str) -> Outcome:
        """Return `win` if `a` begins with the earlier letter."""
        self.n_asked += 1
        return "tie" if a[0] == b[0] else "win" if a[0] < b[0] else "loss"


def word_count_judge(tie_margin: float = 0.0) -> CheckedJudge:
    """Return a judge by the number of words."""
    return CheckedJudge("words", ScorerJudge(CheckedScorer("words", WordCount()), tie_margin))


def prompt(number: int, text: str = "A fine day.", reference: str | None = None) -> Prompt:
    """Return a held-out prompt."""
    return Prompt(id=f"p{number}", text=text, source="test", split="held_out", reference=reference)


def sample(
    number: int,
    text: str,
    *,
    model: str = POLICY,
    kl: float = 0.0,
    purpose: Purpose = "evaluation",
    copy: int = 0,
) -> Sample:
    """Return a sample of prompt `number` whose KL estimate is `kl`."""
    is_reference = model == REFERENCE
    return Sample(
        id=f"{model}/{purpose}/{number}/{copy}",
        prompt_id=f"p{number}",
        model=model,
        round=0,
        purpose=purpose,
        text=text,
        response_ids=(1, 2, 3, 4),
        is_ended=True,
        logprob=-8.0 + kl,
        ref_logprob=None if is_reference else -8.0,
    )
