"""Prompts as token ids: what the policy answers, and what a reward model reads before a response.

    policy:              [beginning] prefix prompt suffix
    reward model:        [beginning] prompt
    both, with a chat:   the chat template's rendering of prefix, prompt and suffix as one turn

The beginning is what the tokenizer's own template puts first (BOS), if it puts anything there.
"""

from typing import Any

from prefloop.models.chat_template import ChatTemplate
from prefloop.models.loading import Tokenizer
from prefloop.settings.task import END_OF_TEXT, ChatConfig, TaskConfig


class QueryEncoder:
    """Encodes prompts for policy and reward model under the task's rules.

    `end_ids` are the tokens that end a response where they are known; else the task's stop says.
    """

    def __init__(
        self, tokenizer: Tokenizer, task: TaskConfig, *, end_ids: tuple[int, ...] | None = None
    ) -> None:
        self._tokenizer = tokenizer
        self._task = task
        self._end_ids = end_ids
        self._chat = ChatTemplate(tokenizer, task.chat.system) if task.chat.on else None
        self._beginning = list(tokenizer.beginning_ids)
        self._prefix = tokenizer.encode(task.prefix) if task.prefix else []
        self._suffix = tokenizer.encode_after(task.suffix) if task.suffix else []

    @property
    def n_around(self) -> int:
        """How many tokens of the policy's query stand around the prompt."""
        if self._chat is not None:
            return len(self.policy_query("")) + 1  # Its first characters may share a token.
        return len(self._beginning) + len(self._prefix) + len(self._suffix)

    @property
    def end_ids(self) -> tuple[int, ...]:
        """Tokens that end a response by their ids, where end of text is the task's stop."""
        if self._end_ids is not None:
            return self._end_ids
        if self._task.stop != END_OF_TEXT:
            return ()
        return self._tokenizer.end_ids if self._chat is None else self._chat.end_ids

    def policy_query(self, prompt_text: str) -> list[int]:
        """Return the policy's query: prefix, prompt and suffix, each encoded on its own (2019)."""
        if self._chat is not None:
            return self._chat.encode(self._task.prefix + prompt_text + self._task.suffix)
        encode = self._tokenizer.encode_after if self._prefix else self._tokenizer.encode
        return self._beginning + self._prefix + encode(prompt_text) + self._suffix

    def reward_query(self, prompt_text: str) -> list[int]:
        """Return what a reward model reads before a response."""
        if self._chat is not None:
            return self.policy_query(prompt_text)
        return self._beginning + self._tokenizer.encode(prompt_text)

    def reward_text(self, prompt_text: str, response: str) -> list[int]:
        """Return what a reward model reads of a response that is known as text only.

        Its end is that of a response which was drawn: the stop, or the end-of-text token.
        """
        end = list(self.end_ids[:1])
        return self.reward_query(prompt_text) + self._tokenizer.encode_after(response) + end

    def described(self) -> dict[str, Any]:
        """Return what a saved reward model has to know to read texts as it did in training."""
        task = self._task
        return {
            "chat": task.chat.on,
            "system": task.chat.system,
            "prefix": task.prefix if task.chat.on else "",
            "suffix": task.suffix if task.chat.on else "",
            "end_id": next(iter(self.end_ids), None),
            "response": "behind" if self._tokenizer.adds_space else "alone",
        }


def described_encoder(tokenizer: Tokenizer, described: dict[str, Any]) -> QueryEncoder:
    """Return the encoder of a saved reward model; one of an earlier version describes nothing.

    Its end is the one that is described: in a chat a task without a stop would be given one.
    """
    end_id = described.get("end_id")
    chat = ChatConfig(on=described.get("chat", False), system=described.get("system"))
    return QueryEncoder(
        tokenizer,
        TaskConfig(
            name="saved",
            question="",
            prefix=described.get("prefix", ""),
            suffix=described.get("suffix", ""),
            stop_min=0,
            chat=chat,
        ),
        end_ids=() if end_id is None else (end_id,),
    )
