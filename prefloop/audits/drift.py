"""How far what the policy says moved from its first update, in every shortcut of the audits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefloop.audits.measures import MEASURES, measure_text
from prefloop.audits.shortcuts import TEXT_SHORTCUTS, shortcuts_without_meaning

StartLevel = tuple[float, float]
"""Mean and standard deviation of a shortcut over the responses of an update."""


@dataclass(frozen=True)
class DriftStart:
    """What the responses of a run's first update were like; in every checkpoint."""

    levels: Mapping[str, StartLevel] = field(default_factory=dict)
    """By shortcut: those that mean something there and in which the responses differ."""

    def drifts(self, prompts: Sequence[str], texts: Sequence[str]) -> dict[str, float]:
        """Return how far the mean of each shortcut is from the first update's, in its spread there.

        `prompts` has the prompt of every text.
        """
        if not self.levels:
            return {}
        means = dict(zip(MEASURES, _figures(prompts, texts).mean(axis=0).tolist(), strict=False))
        # In the order of the measures: a checkpoint may hold the levels in another, and the line of
        # an update is to be the same, byte for byte, after a resume.
        known = {name: self.levels[name] for name in MEASURES if name in self.levels}
        return {name: (means[name] - mean) / sd for name, (mean, sd) in known.items()}

    def state(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {name: list(level) for name, level in self.levels.items()}


def drift_start(task: str, prompts: Sequence[str], texts: Sequence[str]) -> DriftStart:
    """Return where the drift of a run begins, from the responses of its first update.

    What the task asks for is no shortcut.
    """
    rows = _figures(prompts, texts)
    meaningless = shortcuts_without_meaning(rows, texts)
    asked = {s.name for s in TEXT_SHORTCUTS if task in s.asked_by}
    means, spreads = rows.mean(axis=0).tolist(), rows.std(axis=0).tolist()
    levels = {
        name: (means[i], spreads[i])
        for i, name in enumerate(MEASURES)
        # Not by the spread alone: that of equal numbers may be off from 0 by rounding.
        if name not in meaningless and name not in asked and np.ptp(rows[:, i]) > 0
    }
    return DriftStart(levels)


def read_drift_start(state: Mapping[str, Sequence[float]]) -> DriftStart:
    """Return the start that a checkpoint holds; an empty one of nothing."""
    return DriftStart({name: (mean, sd) for name, (mean, sd) in state.items()})


def _figures(prompts: Sequence[str], texts: Sequence[str]) -> NDArray[np.float64]:
    return np.array([measure_text(x, y) for x, y in zip(prompts, texts, strict=True)])
