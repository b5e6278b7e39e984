"""What every section of a run file is made of: frozen, strict, and without unknown names."""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo

LARGEST = 2**31 - 1
"""The largest number of anything: what databases count to, and more than any memory holds."""

Count = Annotated[int, Field(gt=0, le=LARGEST)]
"""A whole number above 0."""

Index = Annotated[int, Field(ge=0, le=LARGEST)]
"""A whole number from 0."""

Seed = Annotated[int, Field(ge=0)]
"""A whole number from 0, however large: random numbers come from its hash."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A finite number above 0."""

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""A finite number from 0."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
"""Any number, but neither infinite nor NaN."""

Fraction = Annotated[float, Field(ge=0, le=1)]
"""A number from 0 to 1."""


RECORDED = {"recorded": True}
"""The validation context of settings that a run was made with; see `refuse`."""


class Section(BaseModel):
    """One section of a run file. The string under a field is its only description."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )

    operational: ClassVar[frozenset[str]] = frozenset()
    """Settings that change how a result is computed, but not the result: batch sizes, limits."""

    def meaning(self) -> dict[str, Any]:
        """Return the settings on which results depend."""
        return self.model_dump(exclude=set(self.operational))


def by_dotted_key(
    section: Mapping[str, Any],
    where: str = "",
    *,
    is_one: Callable[[str], bool] = lambda key: False,
) -> Iterator[tuple[str, Any]]:
    """Yield every setting under its dotted key; what `is_one` says is a single setting stays whole.

    >>> dict(by_dotted_key({"seed": 1, "policy": {"kl": {"cap": None}}}))
    {'seed': 1, 'policy.kl.cap': None}
    """
    for name, value in section.items():
        key = f"{where}.{name}" if where else str(name)
        if isinstance(value, Mapping) and not is_one(key):
            yield from by_dotted_key(value, key, is_one=is_one)
        else:
            yield key, value


def refuse(problems: Sequence[str], info: ValidationInfo) -> None:
    """Raise a ValueError that a section's validator may raise, one line per problem, if any.

    Settings that a run was made with (context RECORDED) are read as they are, contradictions and
    all: an earlier version may have taken them.
    """
    if problems and not (info.context or {}).get("recorded"):
        raise ValueError("\n".join(problems))


def problem_lines(error: ValidationError, section: type[BaseModel], where: str = "") -> list[str]:
    """Return what pydantic found, one line per problem, in the words of a run file."""
    return [line for problem in error.errors() for line in _lines(problem, section, where)]


def _lines(problem: Any, section: type[BaseModel], where: str) -> list[str]:
    place = ".".join([*([where] if where else []), *map(str, problem["loc"])])
    if problem["type"] == "extra_forbidden":
        known = _fields_at(section, problem["loc"][:-1])
        close = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
        guess = f"Did you mean {close[0]}?" if close else f"There are {', '.join(known)}."
        return [f"{place}: no such setting. {guess}"]
    if problem["type"] == "value_error":
        found = str(problem["ctx"]["error"]).splitlines()
        return [f"{place}: {line}" if place else line for line in found]
    if problem["type"] == "missing":
        # What was given instead is the whole section, in which a key may stand by mistake.
        return [f"{place}: this setting is required"]
    return [f"{place}: {problem['msg']}; got {problem['input']!r}"]


def _fields_at(section: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """Return the names of the settings of the section that `path` leads to."""
    for step in path:
        inner = section.model_fields[str(step)].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        section = inner
    return list(section.model_fields)
