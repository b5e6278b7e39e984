"""What an experiment varies over its run file: starts, labelers, seeds. Data, not code."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from prefloop.settings.section import Fraction, Section, Seed


class VariantConfig(Section):
    """One start or one arm: what its runs change of the experiment's run file."""

    title: str
    """What readers call it."""

    changes: dict[str, Any] = Field(default_factory=dict)
    """Settings by their dotted names, such as `policy.warm_start.epochs`, each with its value."""

    copying: Literal["rises", "stays", "open"] = "open"
    """What the experiment expects of the share of copied sentences against the start's."""

    dose: float | None = None
    """Weight of the verbatim term, as a share of the fitted one; `null` if the arm is no dose."""


class ExperimentConfig(Section):
    """A set of runs: every start with its arms, once for each seed."""

    starts: dict[str, VariantConfig]
    """Models that policies start from; samples are drawn once for each of them and each seed."""

    arms: dict[str, VariantConfig]
    """Labelers, and what is made of their labels. An arm never changes what is asked."""

    members: dict[str, list[str]]
    """The arms that are trained from each start."""

    seeds: list[Seed] = Field(min_length=1)
    """Roots of the random numbers."""

    extent: Fraction | None = None
    """Share of copied sentences that hurried labelers are to bring a zero-shot policy to; `null`
    if the experiment is too short for one."""

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        named = [arm for arms in self.members.values() for arm in arms]
        unknown = sorted({*self.members} - {*self.starts} | {*named} - {*self.arms})
        if unknown:
            raise ValueError(
                f"members names {', '.join(unknown)}, and no start or arm is called so"
            )
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {self.seeds} must be different numbers")
        return self
