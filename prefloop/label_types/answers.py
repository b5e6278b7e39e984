"""Answers that every label type has in common, and the checks of every label."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, ValidationError, field_validator

from prefloop.records import Answer, Label
from prefloop.settings.comparisons import MOST_REASON_CHARACTERS, MOST_REASONS
from prefloop.settings.section import Section

ANSWERS: tuple[Answer, ...] = get_args(Answer)
PREFERENCES: tuple[Answer, ...] = ("best", "tie", "all_bad")
"""Answers that say what somebody prefers; after `skip` and `flag` somebody else is asked."""


Strength = Literal["slightly", "clearly"]
"""How much better the best sample is."""

Reason = Annotated[str, Field(min_length=1, max_length=MOST_REASON_CHARACTERS)]


class AnyDetails(Section):
    """What any answer may say besides."""

    copies_marked: bool = False
    """Whether the page had marked copies from the prompt when the answer was given; earlier pages
    did not say."""


class AnswerDetails(AnyDetails):
    """What any answer `best` may say besides the best sample."""

    strength: Strength | None = None
    """How much better it is; None: not said."""
    reasons: Annotated[tuple[Reason, ...], Field(max_length=MOST_REASONS)] = ()
    """Why, in words that the run gave to choose from."""

    @field_validator("reasons")
    @classmethod
    def _each_once(cls, reasons: tuple[str, ...]) -> tuple[str, ...]:
        twice = [reason for reason, n in Counter(reasons).items() if n > 1]
        if twice:
            raise ValueError(f"{twice[0]!r} stands there twice")
        return reasons


@dataclass(frozen=True, kw_only=True)
class AnswerContent:
    """What an answer says, apart from who gave it and when.

    >>> AnswerContent(answer="best", chosen="s2").details
    {}
    """

    answer: Answer
    chosen: str | None = None
    """The id of the best sample; None unless `answer` is `best`."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What the label type adds, as JSON."""
    n_choices: int = 1
    """How many choices, one after another, it takes."""


def answer_problems(label: Label, sample_ids: Sequence[str], details: type[Section]) -> list[str]:
    """Return what is wrong with a label, whatever its type; `details` is the type's schema."""
    name, problems = f"label {label.id}", []
    if label.answer not in ANSWERS:
        problems.append(f"{name} has answer {label.answer!r}; known are {', '.join(ANSWERS)}")
    if label.answer == "best" and label.chosen is None:
        problems.append(f"{name} says `best` and names no chosen sample")
    if label.answer != "best" and label.chosen is not None:
        problems.append(f"{name} says `{label.answer}` and yet names {label.chosen} as chosen")
    if label.chosen is not None and label.chosen not in sample_ids:
        problems.append(
            f"{name} chooses the unknown sample {label.chosen}; "
            f"its comparison has {', '.join(sample_ids)}"
        )
    if sorted(label.shown) != sorted(sample_ids):
        problems.append(
            f"{name} was shown {', '.join(label.shown) or 'nothing'}; "
            f"that is no order of {', '.join(sample_ids)}"
        )
    # NaN is allowed: the time that an imported label took is not known.
    if label.seconds < 0 or math.isinf(label.seconds):
        problems.append(f"{name} took {label.seconds} seconds; give 0 or more")
    if label.confidence is not None and not math.isfinite(label.confidence):
        problems.append(f"{name} has confidence {label.confidence}; give a number or none")
    return problems + _details_problems(name, label, details)


def _details_problems(name: str, label: Label, details: type[Section]) -> list[str]:
    if label.answer != "best":
        if label.details.keys() - AnyDetails.model_fields.keys():
            return [f"{name} says `{label.answer}` and yet has details"]
        details = AnyDetails
    try:
        details.model_validate_json(json.dumps(dict(label.details)))
    except ValidationError as error:
        return [
            f"{name} has details.{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
            for problem in error.errors()
        ]
    return []
