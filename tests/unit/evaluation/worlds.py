"""Small prompts and samples for the evaluation's tests."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from prefloop.records import REFERENCE, Prompt, Purpose, Sample

POLICY = "policy/round-0"


class WordCountJudge:
    """Prefers more words: its verdicts can be worked out by eye."""

    name = "word-count"

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> NDArray[np.float64]:
        """Return the number of words, minus 3."""
        return np.array([len(response.split()) - 3.0 for response in responses])


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
