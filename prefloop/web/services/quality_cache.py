"""The newest quality figures, measured in the background."""

from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.store.store import Store
from prefloop.web.services.background import Background
from prefloop.web.services.quality_meter import QualityFigures, QualityMeter


class QualityCache:
    """The newest quality figures, at most a minute old while somebody asks for them."""

    def __init__(self, store: Store, thresholds: Thresholds) -> None:
        self._background: Background[QualityFigures] = Background(QualityMeter(store, thresholds))

    def latest(self, *, wait_seconds: float = 0.0) -> QualityFigures | None:
        """Return the newest figures; None before the first, after waiting for them this long."""
        if not wait_seconds:
            return self._background.latest()
        return self._background.latest_within(wait_seconds)

    def doubtful_gold(self) -> dict[str, str]:
        """Return why known answers may be wrong, by comparison."""
        figures = self._background.latest()
        if figures is None or figures.team is None:
            return {}
        return {gold.comparison_id: gold.message for gold in figures.team.doubtful_gold}

    def invalidate(self) -> None:
        """Measure again at the next request: an exclusion, a person or a known answer changed."""
        self._background.invalidate()

    def close(self) -> None:
        """Wait for a running measurement, and start no other."""
        self._background.close()
