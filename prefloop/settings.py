"""What every section of a run file is made of: frozen, strict, and without unknown names."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(gt=0)]
"""A whole number above 0."""

Index = Annotated[int, Field(ge=0)]
"""A whole number from 0."""

Positive = Annotated[float, Field(gt=0)]
"""A number above 0."""

NonNegative = Annotated[float, Field(ge=0)]
"""A number from 0."""

Fraction = Annotated[float, Field(ge=0, le=1)]
"""A number from 0 to 1."""


class Section(BaseModel):
    """One section of a run file. The string under a field is its only description."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )
