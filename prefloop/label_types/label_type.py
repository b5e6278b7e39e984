"""What a label type is."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from prefloop.label_types.answers import AnswerContent
from prefloop.records import Label
from prefloop.settings.section import Section

LabelTarget = NDArray[np.float64]
"""What a loss trains on, for one comparison of k samples: shape (k,) or (k, ...)."""


class LabelType(Protocol):
    """How a comparison is answered, and what an answer means.

    Whatever the type, `Label.chosen` is the best sample of an answer `best`, and `tie`, `all_bad`,
    `skip` and `flag` mean the same: agreement, gold, and position figures read no more than that.
    What a type says besides stands in `Label.details`.

    A type is a folder of `label_types/`: this class, `loss.py` if no known loss fits, and
    `widget.js`, which the labeling page shows.
    """

    @property
    def name(self) -> str:
        """What records and the page call it; the name of its folder."""
        ...

    @property
    def description(self) -> str:
        """What the labeler says, as a phrase."""
        ...

    @property
    def sizes(self) -> range:
        """How many samples a comparison may have."""
        ...

    @property
    def details(self) -> type[Section]:
        """The schema of `Label.details` for an answer `best`."""
        ...

    @property
    def loss(self) -> str:
        """The name of its loss in `losses.py`."""
        ...

    def problems(self, label: Label, sample_ids: Sequence[str]) -> list[str]:
        """Return what is wrong with a label as an answer to a comparison of these samples."""
        ...

    def renamed(self, label: Label, names: Mapping[str, str]) -> Label:
        """Return the label with every sample named as `names` says, such as by its position."""
        ...

    def from_scores(
        self, scores: NDArray[np.float64], sample_ids: Sequence[str], *, tie_margin: float
    ) -> AnswerContent:
        """Return the answer of a labeler whose impressions are `scores`.

        A tie if the best two are closer than `tie_margin`; of equals the first is better.
        """
        ...

    def preferred_pairs(self, label: Label) -> list[tuple[str, str]]:
        """Return the (better, worse) pairs of sample ids that an answer implies."""
        ...

    def target(self, label: Label, sample_ids: Sequence[str]) -> LabelTarget | None:
        """Return the label as the loss takes it; None without a preference.

        The target of a comparison is the mean over its labels.
        """
        ...

    def best_probabilities(self, target: LabelTarget) -> LabelTarget:
        """Return how likely each sample is called best under a comparison's target; sums to 1."""
        ...

    def loss_at_chance(self, n_samples: int) -> float:
        """Return the loss, in nats, of a model that scores all samples alike."""
        ...
