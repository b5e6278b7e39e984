"""What the newest labels say about labels, labelers and reward models."""

from dataclasses import dataclass

from prefloop.store.store import Store
from prefloop.web.dashboard_messages import LearningNow, QualityNow

NEWEST = 20_000
"""Labels that are looked at: enough for every figure, and a second of work."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Everything that is worked out at once."""

    quality: QualityNow
    learning: LearningNow | None


def measure(store: Store) -> Measured:
    """Return the figures of this moment."""
    labels = store.recent.labels(NEWEST)
    quality = QualityNow(at=store.now(), n_labels=len(labels), agreement=None, told="")
    return Measured(quality=quality, learning=None)
