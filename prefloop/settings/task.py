"""A task: what a query is, when a response ends, and what labelers are asked. Data, not code."""

from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from prefloop.settings.section import Count, Finite, Index, Positive, Section

END_OF_TEXT = "end_of_text"
"""A stop that is no text but the model's own end-of-text token (EOS)."""


def is_chat(chat: object) -> bool:
    """Whether `task.chat`, as it stands in a run file, is on."""
    if isinstance(chat, dict):
        return bool(chat.get("on", True))
    return chat.on if isinstance(chat, ChatConfig) else chat is True


class ChatConfig(Section):
    """Whether prompts are turns of a chat. `chat: on` in a run file is short for `{on: true}`."""

    on: bool = False
    """Give each prompt as the user's turn, by the tokenizer's own chat template, and end a response
    where the model ends its turn."""

    system: str | None = None
    """What the system turn says before every prompt; `null` leaves it to the template."""

    @model_validator(mode="after")
    def _system_has_a_chat(self) -> Self:
        if self.system is not None and not self.on:
            raise ValueError("system is said in a chat only: set task.chat.on to true as well")
        return self


class TaskConfig(Section):
    """What a query is, when a response ends, and what labelers are asked."""

    name: str
    """The preset to start from: `sentiment`, `descriptiveness`, `summarization` or `custom`."""

    question: str
    """What labelers are asked about the samples."""

    instructions: str = ""
    """What labelers read before they begin; Markdown."""

    instructions_version: str = "1"
    """Stored with every label. Raise it whenever `instructions` or `question` change."""

    prefix: str = ""
    """Text before the query; the policy sees it, the reward model does not."""

    suffix: str = ""
    """Text after the query; the policy sees it, the reward model does not."""

    chat: ChatConfig = ChatConfig()
    """Whether prompts are turns of a chat."""

    query_tokens_min: Count = 1
    """Shorter queries are left out."""

    query_tokens_max: Count = 64
    """Longer passages are cut to this many tokens."""

    start_after: str | None = None
    """Drop the passage up to and including the first of this text; skip passages without it."""

    end_at: str | None = None
    """Cut the query after the last of this text; skip passages without it."""

    response_tokens: Count = 24
    """Tokens sampled for a response that does not end before; only `stop` ends one."""

    temperature: Positive = 0.7
    """Logits are divided by it in sampling and in every log-probability."""

    stop: Annotated[str, Field(min_length=1)] | None = "."
    """The response is cut after the first token that completes this text; `end_of_text` stands for
    the model's own end-of-text token (EOS); `null` keeps a response whole, but in a chat it is
    `end_of_text`."""

    stop_min: Index = 16
    """First index (from 0) of a token at which a stop counts; it must stand, from its first
    character on, in tokens from there on."""

    missing_stop_score: Finite = -1.0
    """Score of a response without a stop. It replaces the reward model's score."""

    @field_validator("chat", mode="before")
    @classmethod
    def _chat_in_short(cls, value: Any) -> Any:
        """`on` and `off` stand for a section; a section that only has a system line is on."""
        if isinstance(value, bool):
            return {"on": value}
        return {"on": True, **value} if isinstance(value, dict) else value

    @model_validator(mode="before")
    @classmethod
    def _a_turn_ends(cls, value: Any) -> Any:
        """In a chat, `stop: null` is the end of the model's turn: behind it nothing makes sense."""
        if isinstance(value, dict) and is_chat(value.get("chat")) and value.get("stop") is None:
            return {**value, "stop": END_OF_TEXT}
        return value

    @model_validator(mode="after")
    def _lengths_fit(self) -> Self:
        if self.query_tokens_min > self.query_tokens_max:
            raise ValueError(
                f"query_tokens_min {self.query_tokens_min} is more than "
                f"query_tokens_max {self.query_tokens_max}"
            )
        if self.stop is not None and self.stop_min >= self.response_tokens:
            raise ValueError(
                f"stop_min {self.stop_min} leaves no room in response_tokens {self.response_tokens}"
            )
        return self
