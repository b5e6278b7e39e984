"""How the reward model learns from labels."""

from typing import Annotated, Self

from pydantic import Field, ValidationInfo, model_validator

from prefloop.settings.section import Count, Fraction, Index, NonNegative, Positive, Section, refuse


class StrengthConfig(Section):
    """What share of a vote a preference counts, by how strong it was said to be."""

    slightly: Fraction = 0.5
    """For `slightly`; the rest is spread as in a tie. 0.5, an assumption, is 75 to 25 of a pair."""

    clearly: Fraction = 1.0
    """For `clearly`. An answer that says neither counts whole."""

    @model_validator(mode="after")
    def _clearly_is_more(self, info: ValidationInfo) -> Self:
        if self.slightly > self.clearly:
            refuse([f"slightly {self.slightly} counts more than clearly {self.clearly}"], info)
        return self

    def share(self, strength: str | None) -> float:
        """Return the share of a vote that an answer of this strength counts.

        >>> StrengthConfig().share("slightly"), StrengthConfig().share(None)
        (0.5, 1.0)
        """
        return {"slightly": self.slightly, "clearly": self.clearly}.get(strength or "", 1.0)


class RewardsConfig(Section):
    """How the reward model learns from labels."""

    batch_size: Count = 32
    """Comparisons per optimizer step."""

    microbatch_size: Count = 8
    """Comparisons per backward pass; changes memory, never the result."""

    epochs: Count = 1
    """Passes over the labels. More than one over-fits (2019)."""

    lr: Positive = 5e-5
    """Adam step size at the start; falls linearly to 0."""

    adam_eps: Positive = 1e-5
    """Adam's epsilon."""

    weight_decay: NonNegative = 0.0
    """AdamW's decoupled weight decay."""

    ensemble: Annotated[int, Field(ge=1, le=32)] = 1
    """Linear heads on one model, trained in one pass, each from a start of its own and on labels
    drawn with replacement. Their mean is the score; where they disagree the reward model guesses
    (docs/audits.md). Four cost little more than one."""

    hold_out: list[str] = Field(default_factory=list)
    """Scorers that the policy is not paid for: what of the reward model's scores goes with their
    numbers is taken out before the policy follows them, such as `copying` where labelers in a hurry
    rewarded copies (docs/audits.md)."""

    normalize_before: bool = True
    """Start from mean 0 and standard deviation `start_std` on reference samples."""

    start_std: Positive = 1.0
    """Spread of the untrained scores. 2019 began at 1; with a few hundred labels a random head
    of that spread is not forgotten in time, and 0.1 is better."""

    normalize_after: bool = True
    """End at mean 0 and variance 1 on reference samples: the KL coefficient keeps its meaning."""

    normalize_samples: Count = 256
    """Reference samples that the normalization looks at."""

    checkpoint_every: Index = 10
    """Optimizer steps between checkpoints; 0 writes none."""

    strength: StrengthConfig = Field(default_factory=StrengthConfig)
    """What slight and clear preferences count."""

    @model_validator(mode="after")
    def _normalization_has_a_spread(self, info: ValidationInfo) -> Self:
        if self.normalize_samples < 2 and (self.normalize_before or self.normalize_after):
            refuse(
                [
                    f"normalize_samples {self.normalize_samples} has no spread to normalize by: "
                    "write 2 or more (256 is usual), or turn off normalize_before and "
                    "normalize_after"
                ],
                info,
            )
        return self
