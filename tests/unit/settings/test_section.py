"""Sections: frozen, strict, closed, and clear about what is wrong."""

import pytest
from pydantic import Field, ValidationError

from prefloop.settings.section import Count, Fraction, Section, problem_lines


class Inner(Section):
    """Inside."""

    width: Count = 3
    """A width."""


class Outer(Section):
    """Outside."""

    share: Fraction = 0.5
    """A share."""

    inner: Inner = Field(default_factory=Inner)
    """A section."""

    maybe: Inner | None = None
    """A section or nothing."""


def problems(raw: dict[str, object], where: str = "") -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(raw)
    return problem_lines(caught.value, Outer, where)


def test_an_unknown_name_is_answered_with_the_nearest_or_with_all() -> None:
    assert problems({"shar": 1}) == ["shar: no such setting. Did you mean share?"]
    assert problems({"inner": {"widht": 1}}) == [
        "inner.widht: no such setting. Did you mean width?"
    ]
    assert problems({"qqq": 1}) == ["qqq: no such setting. There are share, inner, maybe."]


def test_a_wrong_value_is_shown_at_its_place() -> None:
    (line,) = problems({"inner": {"width": "3"}}, "run")
    assert line.startswith("run.inner.width: ") and line.endswith("got '3'")
    assert len(problems({"share": 2, "inner": {"width": 0}, "x": 1})) == 3


def test_whole_numbers_are_numbers_and_numbers_are_not_whole() -> None:
    assert Outer(share=1).share == 1.0
    assert problems({"inner": {"width": 3.0}})
    assert problems({"share": True})


@pytest.mark.parametrize("width", [2**31, 10**18, 10**400])
def test_no_count_is_larger_than_what_databases_count_to(width: int) -> None:
    assert Outer.model_validate({"inner": {"width": 2**31 - 1}}).inner.width == 2**31 - 1
    assert problems({"inner": {"width": width}})


def test_a_section_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Inner().width = 4
