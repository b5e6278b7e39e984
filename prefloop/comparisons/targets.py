"""Training targets: the labels of each comparison, averaged."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from prefloop.label_types.label_type import LabelTarget
from prefloop.label_types.types import type_of
from prefloop.records import Comparison, Label
from prefloop.settings.rewards import StrengthConfig


@dataclass(frozen=True, kw_only=True)
class Target:
    """The mean of a comparison's labels."""

    comparison: Comparison
    probabilities: tuple[float, ...]
    """How likely each sample is called best, in the order of `comparison.sample_ids`; sums to 1."""
    values: tuple[Any, ...]
    """What the loss of the label type trains on, as nested tuples of floats, one per sample."""
    n_labels: int
    """Number of labels with a preference."""


def preference_targets(
    comparisons: Sequence[Comparison],
    labels: Sequence[Label],
    strength: StrengthConfig,
) -> list[Target]:
    """Return a target for every comparison that has a preference, in the order of `comparisons`.

        values = mean over labels of [share * target + (1 - share) * target of a tie]

    `target` is the label type's, and `share` what the strength of the answer counts: soft targets.
    A comparison whose labels are all without a preference (`skip`, `flag`) is left out.
    """
    by_comparison: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        by_comparison[label.comparison_id].append(label)
    targets = [
        _target(comparison, by_comparison[comparison.id], strength) for comparison in comparisons
    ]
    return [target for target in targets if target is not None]


def _target(
    comparison: Comparison, labels: Sequence[Label], strength: StrengthConfig
) -> Target | None:
    label_type = type_of(comparison)
    found = [_soft_target(comparison, label, strength) for label in labels]
    known = [target for target in found if target is not None]
    if not known:
        return None
    mean = np.mean(known, axis=0)
    return Target(
        comparison=comparison,
        probabilities=_as_tuple(label_type.best_probabilities(mean).tolist()),
        values=_as_tuple(mean.tolist()),
        n_labels=len(known),
    )


def _soft_target(
    comparison: Comparison, label: Label, strength: StrengthConfig
) -> LabelTarget | None:
    """Return an answer as the loss takes it, moved towards a tie as far as it is a slight one."""
    label_type, ids = type_of(comparison), comparison.sample_ids
    target = label_type.target(label, ids)
    share = strength.share(label.details.get("strength"))
    if target is None or share == 1.0:
        return target
    tie = label_type.target(replace(label, answer="tie", chosen=None, details={}), ids)
    assert tie is not None  # a tie is a preference
    return share * target + (1.0 - share) * tie


def _as_tuple(values: Any) -> Any:
    return tuple(map(_as_tuple, values)) if isinstance(values, list) else values
