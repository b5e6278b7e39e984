"""Prompts as token ids: what the policy answers, and what a reward model reads before a response.

    policy:        [beginning] prefix prompt suffix
    reward model:  [beginning] prompt

The beginning is what the tokenizer's own template puts first (BOS), if it puts anything there.
"""

from prefloop.models.loading import Tokenizer
from prefloop.settings.task import TaskConfig


class QueryEncoder:
    """Encodes prompts for policy and reward model under the task's rules."""

    def __init__(self, tokenizer: Tokenizer, task: TaskConfig) -> None:
        self._tokenizer = tokenizer
        self._task = task
        self._beginning = list(tokenizer.beginning_ids)
        self._prefix = tokenizer.encode(task.prefix) if task.prefix else []
        self._suffix = tokenizer.encode_after(task.suffix) if task.suffix else []

    @property
    def n_around(self) -> int:
        """How many tokens of the policy's query stand around the prompt."""
        return len(self._beginning) + len(self._prefix) + len(self._suffix)

    def policy_query(self, prompt_text: str) -> list[int]:
        """Return the policy's query: prefix, prompt and suffix, each encoded on its own (2019)."""
        encode = self._tokenizer.encode_after if self._prefix else self._tokenizer.encode
        return self._beginning + self._prefix + encode(prompt_text) + self._suffix

    def reward_query(self, prompt_text: str) -> list[int]:
        """Return what a reward model reads before a response."""
        return self._beginning + self._tokenizer.encode(prompt_text)
