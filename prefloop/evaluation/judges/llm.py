"""A language model as a judge: it sees both responses, in both orders.

Asked in one order only, a model prefers the first or the second place, whatever stands there (Zheng
et al. 2023, arXiv:2306.05685, sections 3.3-3.4). A response wins if it wins in both orders; where
the orders disagree it is a tie.
"""

import re
from collections.abc import Sequence
from typing import ClassVar

from pydantic import field_validator

from prefloop.evaluation.judges.judge import Outcome
from prefloop.figures.usage import UsageFigures
from prefloop.scorers.endpoint.client import Endpoint
from prefloop.scorers.endpoint.settings import EndpointConfig, model_source
from prefloop.scorers.endpoint.template import check_template, fill

TEMPLATE = """\
Below are the beginning of a text and two continuations of it, A and B. Which continuation is \
better? Answer with A, B or tie, and nothing else.

Beginning:
{prompt}

A:
{a}

B:
{b}

Better:"""

_THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)
_LETTER = re.compile(r"\b[AB]\b|\b(?:tie|Tie|TIE)\b")
_OUTCOMES: dict[str, Outcome] = {"A": "win", "B": "loss", "TIE": "tie"}
_SWAPPED: dict[Outcome, Outcome] = {"win": "loss", "tie": "tie", "loss": "win"}


class LLMJudgeConfig(EndpointConfig):
    """A language model that is asked which of two responses is better."""

    template: str = TEMPLATE
    """The question. The two responses are filled in for `{a}` and `{b}`, and the prompt for
    `{prompt}` where it occurs. The answer must be A, B or tie."""

    @field_validator("template")
    @classmethod
    def _has_its_fields(cls, value: str) -> str:
        return check_template(value, required=("a", "b"), optional=("prompt",))


class LLMJudge:
    """Asks a language model about each pair twice, with the responses in either order."""

    name: ClassVar[str] = "llm"
    description: ClassVar[str] = "a language model that compares two texts"
    Settings = LLMJudgeConfig

    def __init__(self, settings: LLMJudgeConfig) -> None:
        self._settings = settings
        self._endpoint = Endpoint(settings)

    @staticmethod
    def sources(settings: LLMJudgeConfig) -> frozenset[str]:
        """Return the model's name, without provider and date."""
        return frozenset({model_source(settings.model)})

    def take_usage(self, name: str) -> UsageFigures | None:
        """Return what was used since this was asked last, under a name; None if nothing was."""
        return self._endpoint.take_usage(name)

    def compare(self, prompt: str, a: str, b: str) -> Outcome:
        """Return what became of `a` beside `b`."""
        return self.compare_all([prompt], [a], [b])[0]

    def compare_all(
        self, prompts: Sequence[str], a: Sequence[str], b: Sequence[str]
    ) -> list[Outcome]:
        """Return one outcome for each of `a`; InputError if the endpoint gives none."""
        pairs = list(zip(prompts, a, b, strict=True))
        questions = [self._question(*pair) for pair in pairs]
        questions += [self._question(prompt, second, first) for prompt, first, second in pairs]
        outcomes = self._endpoint.ask(questions, read_outcome)
        return [
            there if there == _SWAPPED[back] else "tie"
            for there, back in zip(outcomes[: len(pairs)], outcomes[len(pairs) :], strict=True)
        ]

    def _question(self, prompt: str, a: str, b: str) -> str:
        return fill(self._settings.template, {"prompt": prompt, "a": a, "b": b})


def read_outcome(answer: str) -> Outcome:
    """Return what an answer says of A; ValueError if it says neither A, B nor tie, or several.

    >>> read_outcome("A"), read_outcome("**b**"), read_outcome("It is a tie.")
    ('win', 'loss', 'tie')
    """
    text = _THOUGHTS.sub("", answer).strip()
    alone = text.strip(" .:*\"'`()[]\n").upper()
    if alone in _OUTCOMES:
        return _OUTCOMES[alone]
    found = {letter.upper() for letter in _LETTER.findall(text)}
    if len(found) != 1:
        what = f"says {' and '.join(sorted(found))}" if found else "names none"
        raise ValueError(f"it {what} of A, B and tie")
    return _OUTCOMES[found.pop()]
