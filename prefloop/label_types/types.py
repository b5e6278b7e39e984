"""The table of label types, by name."""

from pathlib import Path

from prefloop.label_types.best_of_k.type import BEST_OF_K, UNLIMITED
from prefloop.label_types.label_type import LabelType
from prefloop.label_types.pairs.type import PAIRS
from prefloop.label_types.ranking.type import RANKING
from prefloop.records import Comparison

TYPES: dict[str, LabelType] = {each.name: each for each in (BEST_OF_K, PAIRS, RANKING)}

FOLDER = Path(__file__).parent


def type_of(comparison: Comparison) -> LabelType:
    """Return how a comparison is answered; without a name, by the best of its samples.

    A name that is not known is a KeyError: the store refuses such comparisons.
    """
    return label_type(comparison.label_type, len(comparison.sample_ids))


def label_type(name: str | None, n_samples: int) -> LabelType:
    """Return the type of that name; for None a choice of the best of `n_samples`.

    >>> label_type(None, 2).name, label_type(None, 4).name
    ('pairs', 'best_of_k')
    """
    if name is not None:
        return TYPES[name]
    return PAIRS if n_samples == 2 else BEST_OF_K


def type_problems(comparison: Comparison) -> list[str]:
    """Return what is wrong with the label type of a comparison."""
    name, n = comparison.label_type, len(comparison.sample_ids)
    if name is None:
        return []
    subject = f"comparison {comparison.id}"
    if name not in TYPES:
        return [f"{subject} has label type {name!r}; known are {', '.join(TYPES)}"]
    sizes = TYPES[name].sizes
    if n in sizes:
        return []
    last = sizes.stop - 1
    wanted = f"{sizes[0]} or more" if last >= UNLIMITED - 1 else f"{sizes[0]} to {last}"
    wanted = f"{sizes[0]}" if len(sizes) == 1 else wanted
    return [f"{subject} has {n} samples; label type {name} takes {wanted}"]


def widget_path(name: str) -> Path:
    """Return the script that shows a type on the labeling page."""
    return FOLDER / name / "widget.js"
