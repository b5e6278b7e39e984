"""From where on something is told, in one place, each with where it comes from."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Bars and least amounts of evidence. Proposals, unless a source is named: see the docs."""

    pass_accuracy: float = 0.75
    """Share of gold to get right (Ouyang et al. 2022, arXiv:2203.02155: a soft cut at 75 %)."""
    pass_consistency: float = 0.6
    """Share of repeated questions to answer the same way."""
    least_gold: int = 30
    """Gold answers before there is a verdict: with 30, seven in ten who guess between two fail."""
    least_repeats: int = 15
    """Repeated questions before there is a verdict."""
    least_overlap: int = 30
    """Answers that others or the key can speak to, before a finding rests on them."""
    verdict_confidence: float = 0.99
    """How sure a "fail" is."""

    place_q: float = 0.01
    """Share of false discoveries among labelers told of a favorite place."""
    place_excess: float = 0.08
    """A favorite place with less beyond chance is not told."""
    exclude_place_share: float = 0.5
    """Exclusion is suggested if surely more of the answers than this go by the place alone."""

    words_per_second: float = 12.0
    """Skimming: three times the reading rate of 238 words per minute (Brysbaert 2019)."""
    last_answers: int = 50
    """How many of the latest answers the speed is judged on."""
    too_fast_share: float = 0.2
    """Share of answers below skimming pace from where on it is told."""

    run_probability: float = 1e-4
    """A row of like answers is told if chance brings one as long less often than this."""

    copy_q: float = 0.01
    """Share of false discoveries among labelers told of a liking for copies."""
    copy_excess: float = 0.15
    """A liking for copies less beyond the others' is not told."""

    flipped_probability: float = 0.95
    """How sure it must be that a labeler avoids what others choose, to be told."""
    exclude_probability: float = 0.99
    """How sure it must be for exclusion to be suggested."""

    least_labelers: int = 3
    """Fewer people are no population: what they do is told of each, not of all."""
    recent_gold: int = 200
    """How many of the latest gold answers the whole population is judged on."""

    rule_share: float = 0.2
    """A rule that keeps out more of a day's labels is told."""
    rule_factor: float = 3.0
    """... or this many times its median day of the week before,"""
    rule_floor: float = 0.05
    """... if it is more than this share: a first exclusion is no alarm."""
