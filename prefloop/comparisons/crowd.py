"""The labelers of a run, by name.

A package of yours adds a labeler with one line in its pyproject.toml; the run file then says
`comparisons.labelers: editor`:

    [project.entry-points."prefloop.labelers"]
    editor = "my_package:EditorLabeler"
"""

import difflib
from importlib.metadata import entry_points

from prefloop.comparisons.config import NOBODY, PEOPLE, SYNTHETIC, ComparisonsConfig
from prefloop.comparisons.labeler import Labeler
from prefloop.comparisons.synthetic import SyntheticLabeler
from prefloop.comparisons.tastes.registry import build_taste
from prefloop.errors import SettingsError
from prefloop.prompts.task import TaskConfig

GROUP = "prefloop.labelers"
"""The entry point group of labelers from other packages."""


def build_labelers(
    config: ComparisonsConfig, *, seed: int, task: TaskConfig, rounds: int = 1
) -> dict[str, Labeler]:
    """Return who answers, by the name that their labels carry."""
    labelers = (
        _synthetic(config, seed=seed, task=task, rounds=rounds)
        if config.labelers == SYNTHETIC
        else {config.labelers: _plugin(config.labelers)}
    )
    if config.overlap > len(labelers):
        raise SettingsError(
            f"comparisons.overlap is {config.overlap}, but only {len(labelers)} labelers answer. "
            "Lower the overlap, or raise comparisons.synthetic.labelers."
        )
    return labelers


def _synthetic(
    config: ComparisonsConfig, *, seed: int, task: TaskConfig, rounds: int
) -> dict[str, Labeler]:
    """One taste, but private impressions of their own."""
    taste = build_taste(config.synthetic.taste)
    names = [f"{SYNTHETIC}-{number}" for number in range(config.synthetic.labelers)]
    return {
        name: SyntheticLabeler(
            name,
            taste,
            config.synthetic,
            seed=seed,
            instructions=task.instructions_version,
            rounds=rounds,
        )
        for name in names
    }


def _plugin(name: str) -> Labeler:
    points = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        known = [SYNTHETIC, PEOPLE, NOBODY, *sorted(points)]
        guess = difflib.get_close_matches(name, known, n=1)
        meant = f"; did you mean {guess[0]!r}?" if guess else "."
        raise SettingsError(
            f"comparisons.labelers is {name!r}, which is not known{meant} Known: {', '.join(known)}"
        )
    labeler: Labeler = points[name].load()()
    return labeler
