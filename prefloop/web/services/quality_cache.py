"""How good the labels are: worked out in the background, from the newest labels."""

from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.store.store import Store
from prefloop.web.dashboard.messages import LearningNow, QualityNow
from prefloop.web.services.background import Background
from prefloop.web.services.measuring import Measured, Measuring


class QualityCache:
    """The newest figures about labels and labelers, at most a minute old while somebody looks."""

    def __init__(self, store: Store, thresholds: Thresholds) -> None:
        self._background: Background[Measured] = Background(Measuring(store, thresholds))

    def now(self) -> QualityNow | None:
        """Return how far labelers agree; None while it is being worked out for the first time."""
        found = self._background.latest()
        return None if found is None else found.quality

    def learning(self) -> LearningNow | None:
        """Return how reward models got better with labels; None before the first."""
        found = self._background.latest()
        return None if found is None else found.learning

    def doubts(self) -> dict[str, str]:
        """Return why known answers may be wrong, by comparison."""
        found = self._background.latest()
        if found is None or found.team is None:
            return {}
        return {gold.comparison_id: gold.message for gold in found.team.doubtful_gold}

    def everything(self, *, patience_seconds: float) -> Measured | None:
        """Return all that was measured; wait so long if it is the first time."""
        return self._background.soon(patience_seconds)

    def renew(self) -> None:
        """Measure anew when asked next: a rule, a person or a known answer was changed."""
        self._background.renew()

    def close(self) -> None:
        """Let a measurement that is under way come to its end, and begin no other."""
        self._background.close()
