"""What is asked, how much of it, and who answers."""

from typing import Self

from pydantic import Field

from prefloop.settings import Count, Fraction, Index, NonNegative, Section


class SyntheticConfig(Section):
    """Labelers with a known taste and known faults, for experiments without people."""

    labelers: Count = 10
    """How many of them share the work."""

    taste: dict[str, float] = Field(default_factory=lambda: {"sentiment": 1.0})
    """What they like: names of tastes and their weights."""

    disagreement: NonNegative = 1.0
    """Spread of their private impressions, in units of what real raters show; 0 is perfect."""

    flips: Fraction = 0.0
    """Share of answers that are a slip of the hand: any of the samples, at random."""

    position_bias: NonNegative = 0.0
    """Bonus, in units of taste, that the sample shown first gets."""

    laziness: Fraction = 0.0
    """Share of answers given without reading the prompt: whatever copies most from it."""

    drift: float = 0.0
    """Change of taste over the run: the weight of the taste goes from 1 to 1 + drift."""

    tie_margin: NonNegative = 0.0
    """Impressions closer than this are answered with a tie."""


class ComparisonsConfig(Section):
    """How many labels are gathered, and from whom."""

    labelers: str = "synthetic"
    """Who answers: `synthetic`, or a labeler that an installed package registered."""

    labels: Count = 600
    """Training labels in the whole run, all rounds together."""

    initial_labels: Count | None = None
    """Labels before the first PPO update; `null` is `labels / rounds`, at least a quarter."""

    validation_labels: Index = 100
    """Labels on validation prompts in each round; they only measure, and never train."""

    overlap: Count = 1
    """Labels per question, each by another labeler."""

    validation_overlap: Count = 2
    """Labels per validation question. Two or more show how far labelers agree."""

    synthetic: SyntheticConfig = Field(default_factory=SyntheticConfig)
    """The synthetic labelers' taste and faults."""

    def for_split(self, split: str) -> Self:
        """Return the settings with the overlap that holds for a split."""
        if split != "validation":
            return self
        return self.model_copy(update={"overlap": self.validation_overlap})
