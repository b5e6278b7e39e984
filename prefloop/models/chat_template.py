"""A prompt as the user's turn of a chat, by the tokenizer's own template."""

from typing import Any, cast

from jinja2 import TemplateError

from prefloop.errors import InputError
from prefloop.models.loading import Tokenizer

PROBE = "What is 7 plus 5?"
"""A turn that a template must repeat."""


class ChatTemplate:
    """The tokenizer's chat template, with the same system line for every prompt."""

    def __init__(self, tokenizer: Tokenizer, system: str | None = None) -> None:
        self._tokenizer = tokenizer
        self._system = system
        if not tokenizer.hf_tokenizer.chat_template:
            raise InputError(
                "task.chat is on, and this model's tokenizer has no chat template: it is no chat "
                "model. Set task.chat to off, or models.name to a chat model such as smollm2."
            )
        if PROBE not in self._checked(PROBE):
            raise InputError(
                "task.chat is on, and this tokenizer's chat template leaves the user's turn out. "
                "Set task.chat to off, or models.name to another chat model."
            )

    def encode(self, turn: str) -> list[int]:
        """Return the ids of the user's turn, up to where the model's own turn begins."""
        return self._tokenizer.encode(self._render(self._messages(turn)))

    @property
    def end_ids(self) -> tuple[int, ...]:
        """Tokens that end the model's turn: the one in the template, and end-of-text."""
        said = [*self._messages(PROBE), {"role": "assistant", "content": PROBE}]
        rest = self._render(said, is_asking=False).rpartition(PROBE)[2]
        special = set(self._tokenizer.special_ids)
        marks = [token for token in self._tokenizer.encode(rest) if token in special]
        return tuple(dict.fromkeys([*marks[:1], *self._tokenizer.end_ids]))

    def _checked(self, turn: str) -> str:
        """Return the chat; an InputError says what the template refuses."""
        try:
            return self._render(self._messages(turn))
        except (TemplateError, TypeError, ValueError) as error:
            remedy = "Leave task.chat.system out." if self._system else "Set task.chat to off."
            raise InputError(
                f"task.chat is on, and this tokenizer's chat template refuses it: {error}. {remedy}"
            ) from error

    def _messages(self, turn: str) -> list[dict[str, str]]:
        system = [] if self._system is None else [{"role": "system", "content": self._system}]
        return [*system, {"role": "user", "content": turn}]

    def _render(self, messages: list[dict[str, str]], *, is_asking: bool = True) -> str:
        hf_tokenizer: Any = self._tokenizer.hf_tokenizer
        chat = hf_tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=is_asking
        )
        return cast(str, chat)
