"""The prompts' own answers, written by people, as samples that models are compared with."""

import math
from collections.abc import Iterable

from prefloop.records import HUMAN, Prompt, Sample
from prefloop.seeding import stable_id


def human_samples(prompts: Iterable[Prompt]) -> list[Sample]:
    """Return the answers of those prompts that have one; no model drew them, none rates them."""
    return [
        Sample(
            id=stable_id("human answer", prompt.id, prompt.reference),
            prompt_id=prompt.id,
            model=HUMAN,
            round=0,
            purpose="evaluation",
            text=prompt.reference,
            response_ids=(),
            is_ended=True,
            logprob=math.nan,
            ref_logprob=None,
        )
        for prompt in prompts
        if prompt.reference is not None
    ]
