"""How responses are drawn."""

from typing import Literal

from prefloop.settings.section import Count, Section

StopMatch = Literal["token", "text"]


class SamplesConfig(Section):
    """How responses are drawn. Temperature and length belong to the task."""

    per_prompt: Count = 4
    """Responses shown in one comparison (2 to 8)."""

    batch_size: Count = 64
    """Responses drawn at once."""

    after_stop: Literal["ignore", "train"] = "ignore"
    """Whether tokens after the stop token are drawn, and KL and losses see them. 2019: `train`."""

    stop_match: StopMatch = "token"
    """What counts as `task.stop`: `text`, any tokens that complete it; `token`, only its own token
    where a vocabulary like GPT-2's has one, so that `."` and `...` end nothing (2019), else the
    text."""

    banned: Literal["pad", "special"] = "special"
    """Which tokens can never be sampled: padding alone (2019), or all special tokens."""

    attempts: Count = 4
    """How often a response for labelers is redrawn until it meets the stop rule."""
