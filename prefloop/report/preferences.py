"""What synthetic labelers prefer, what that was calibrated on, and the size of their noise."""

from prefloop.choices import chosen_kind, scorer_calibration
from prefloop.comparisons.labelers.synthetic import PRIVATE_SD
from prefloop.figures.text import fixed, plain
from prefloop.scorers.hurried_vote import HurriedVoteScorer
from prefloop.scorers.sentiment import SentimentScorer
from prefloop.settings.run import RunConfig

MEASURED = {"normal": SentimentScorer.name, "gumbel": HurriedVoteScorer.name}
"""The scorer for which the size of each kind of noise was measured on people."""


def preferences_text(config: RunConfig) -> str:
    """Return what synthetic labelers prefer, in words for report and cards.

    Every scorer is given with its weight and with the people's answers that it was calibrated on,
    or with the statement that none are known.
    """
    weights = config.comparisons.synthetic.scorers
    parts = [
        f"{name} ({plain(weight)}; {_calibration(config, name)})"
        for name, weight in weights.items()
    ]
    return f"{', '.join(parts)}; {_noise(config)}"


def _calibration(config: RunConfig, name: str) -> str:
    said = scorer_calibration(config, name)
    return f"calibrated on {said}" if said else "not calibrated on people, as far as is known"


def _noise(config: RunConfig) -> str:
    """Return kind and size of the private noise, and whether people were measured to have it."""
    synthetic = config.comparisons.synthetic
    if not synthetic.disagreement:
        return "without noise: all of them prefer the same"
    kinds = {
        chosen_kind(config.scorers, name)[0] for name, weight in synthetic.scorers.items() if weight
    }
    measured = MEASURED[synthetic.noise]
    size = {
        "normal": f"a standard deviation of {fixed(synthetic.disagreement * PRIVATE_SD)} log-odds",
        "gumbel": f"a scale of {plain(synthetic.disagreement)}",
    }[synthetic.noise]
    people = "as people were measured to have"
    if synthetic.disagreement != 1.0:
        people = f"{plain(synthetic.disagreement)} times what people were measured to have"
    where = "" if kinds <= {measured} else f" for {measured}, and an assumption here"
    return f"{synthetic.noise} noise with {size}, {people}{where}"
