"""The labelers of a run, by the names that their labels carry.

A package of yours adds a labeler with one line in its pyproject.toml; the run file then says
`comparisons.labelers: editor`:

    [project.entry-points."prefloop.labelers"]
    editor = "my_package:EditorLabeler"

and gives it settings, if its class has a `Settings` section, in `comparisons.options`.
"""

from collections.abc import Mapping

from prefloop.choices import OPTIONS
from prefloop.comparisons.labelers.labeler import Labeler
from prefloop.comparisons.labelers.synthetic import SyntheticLabeler
from prefloop.registry import LABELERS
from prefloop.scorers.build import WeightedScorer, build_weighted
from prefloop.scorers.endpoint.usage import Metered
from prefloop.settings.comparisons import SYNTHETIC
from prefloop.settings.run import RunConfig


def build_labelers(config: RunConfig) -> dict[str, Labeler]:
    """Return who answers the questions of a run, by name; people are none of them."""
    name = config.comparisons.labelers
    if name == SYNTHETIC:
        return _synthetic(config)
    labeler, _ = LABELERS.make(name, config.comparisons.options, OPTIONS, called=name)
    return {name: labeler}


def metered_parts(labelers: Mapping[str, Labeler]) -> dict[str, Metered | None]:
    """Return the scorers that synthetic labelers ask, by name, as `CheckedScorer.metered`."""
    scorers = [part.scorer for part in labelers.values() if isinstance(part, SyntheticLabeler)]
    mixed = [scorer for scorer in scorers if isinstance(scorer, WeightedScorer)]
    # All labelers share one scorer.
    return mixed[0].metered if mixed else {}


def _synthetic(config: RunConfig) -> dict[str, Labeler]:
    """Return labelers that agree on what is scored, with private impressions of their own."""
    synthetic = config.comparisons.synthetic
    scorer = build_weighted(synthetic.scorers, config.scorers)
    names = [f"{SYNTHETIC}-{number}" for number in range(synthetic.labelers)]
    return {
        name: SyntheticLabeler(
            name,
            scorer,
            synthetic,
            seed=config.seed,
            instructions=config.task.instructions_version,
            rounds=config.rounds,
        )
        for name in names
    }
