"""Reporting thresholds, in one place, each with its source."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Bars and least amounts of evidence. Our own choice unless a source is named."""

    pass_accuracy: float = 0.75
    """Share of gold to get right (Ouyang et al. 2022, arXiv:2203.02155: a soft cut at 75 %)."""
    pass_consistency: float = 0.6
    """Share of repeated questions to answer the same way."""
    least_gold: int = 30
    """Gold answers before they are graded: with 30, seven in ten who guess between two fail."""
    least_repeats: int = 15
    """Repeated questions before they are graded."""
    least_overlap: int = 30
    """Answers to gold, or to questions that others answered too, before a finding uses them."""
    grade_confidence: float = 0.99
    """Confidence at which an answer share fails."""

    position_q: float = 0.01
    """False discovery rate among labelers reported for a favorite position."""
    position_excess: float = 0.08
    """Smallest excess over chance of a favorite position that is reported."""
    exclude_position_share: float = 0.5
    """Exclusion is suggested if surely more than this share of answers goes by position alone."""

    words_per_second: float = 12.0
    """Skimming: three times the reading rate of 238 words per minute (Brysbaert 2019)."""
    last_answers: int = 50
    """Number of latest answers that speed is measured on."""
    too_fast_share: float = 0.2
    """Largest share of answers faster than skimming that is not reported."""

    streak_probability: float = 1e-4
    """A streak is reported if chance gives one as long with less than this probability."""

    copying_q: float = 0.01
    """False discovery rate among labelers reported for preferring copies."""
    copying_excess: float = 0.15
    """Smallest excess over the others' choice of copies that is reported."""

    flipped_probability: float = 0.95
    """Probability, that a labeler avoids what others choose, above which it is reported."""
    exclude_probability: float = 0.99
    """Probability above which exclusion is suggested."""

    least_labelers: int = 3
    """With fewer people, nothing is reported about the population as a whole."""
    recent_gold: int = 200
    """Number of latest gold answers that the whole population is measured on."""

    rule_share: float = 0.2
    """A rule that excludes more than this share of a day's labels raises an alarm."""
    rule_factor: float = 3.0
    """So does one that excludes this many times its median share of the week before,"""
    rule_floor: float = 0.05
    """if that is more than this share: a first exclusion raises no alarm."""
    introduction_share: float = 0.5
    """Where more than this share of people fails the introduction, it may be the introduction."""
