"""A rating that a language model gives, asked over an OpenAI-compatible endpoint.

    score(x, y) = scale * (rating(x, y) - (lowest + highest) / 2)

The model is asked for one number from `lowest` to `highest`. A policy that is trained on such a
score learns to please that model, texts that talk to it included: judge with another one.
"""

import re
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
from pydantic import field_validator, model_validator

from prefloop.figures.usage import UsageFigures
from prefloop.scorers.endpoint.client import Endpoint
from prefloop.scorers.endpoint.settings import EndpointConfig, model_source
from prefloop.scorers.endpoint.template import check_template, fill
from prefloop.scorers.scorer import Scores
from prefloop.settings.section import Finite

TEMPLATE = """\
Below are the beginning of a text and a continuation of it. Rate the continuation from {lowest} \
(worst) to {highest} (best). Answer with the number alone.

Beginning:
{prompt}

Continuation:
{response}

Rating:"""

_THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?!\w)")


class RatingConfig(EndpointConfig):
    """A language model that is asked for a number."""

    template: str = TEMPLATE
    """The question. `{response}` is filled in, and where they occur `{prompt}`, `{lowest}` and
    `{highest}`."""

    lowest: Finite = 0.0
    """Lowest rating."""

    highest: Finite = 10.0
    """Highest rating."""

    scale: Finite = 1.0
    """Score of one point; 0 is the middle of the scale."""

    @field_validator("template")
    @classmethod
    def _has_its_fields(cls, value: str) -> str:
        optional = ("prompt", "lowest", "highest")
        return check_template(value, required=("response",), optional=optional)

    @model_validator(mode="after")
    def _has_a_range(self) -> Self:
        if self.lowest >= self.highest:
            raise ValueError(f"lowest {self.lowest:g} is not below highest {self.highest:g}")
        return self


class OpenAIScorer:
    """Prefers what a language model rates high."""

    name: ClassVar[str] = "openai"
    description: ClassVar[str] = "a language model's rating"
    Settings = RatingConfig

    def __init__(self, settings: RatingConfig) -> None:
        self._settings = settings
        self._endpoint = Endpoint(settings)

    @staticmethod
    def sources(settings: RatingConfig) -> frozenset[str]:
        """Return the model's name, without provider and date."""
        return frozenset({model_source(settings.model)})

    def take_usage(self, name: str) -> UsageFigures | None:
        """Return what was used since this was asked last, under a name; None if nothing was."""
        return self._endpoint.take_usage(name)

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return one scaled rating per response; InputError if the endpoint gives none."""
        settings = self._settings
        limits = {"lowest": f"{settings.lowest:g}", "highest": f"{settings.highest:g}"}
        questions = [
            fill(settings.template, {"prompt": prompt, "response": response, **limits})
            for prompt, response in zip(prompts, responses, strict=True)
        ]
        ratings = np.array(self._endpoint.ask(questions, self._rating), dtype=np.float64)
        return settings.scale * (ratings - (settings.lowest + settings.highest) / 2)

    def _rating(self, answer: str) -> float:
        return read_rating(answer, self._settings.lowest, self._settings.highest)


def read_rating(answer: str, lowest: float, highest: float) -> float:
    """Return the one number of an answer; ValueError if there is none, or more than one.

    >>> read_rating("7", 0, 10), read_rating("**8.5/10**", 0, 10), read_rating("6 out of 10", 0, 10)
    (7.0, 8.5, 6.0)
    """
    text = _THOUGHTS.sub("", answer)
    text = re.sub(rf"(?:/|out of)\s*{highest:g}\b", "", text)
    numbers = {float(number) for number in _NUMBER.findall(text)}
    if len(numbers) != 1:
        found = f"{len(numbers)} numbers" if numbers else "no number"
        raise ValueError(f"it holds {found} instead of one from {lowest:g} to {highest:g}")
    rating = numbers.pop()
    if not lowest <= rating <= highest:
        raise ValueError(f"{rating:g} is not from {lowest:g} to {highest:g}")
    return rating
