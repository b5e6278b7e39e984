"""A measured value with its interval, as figures files hold it."""

from pydantic import BaseModel

from prefloop.figures.record import RECORD


class EstimateFigure(BaseModel):
    """A mean or share with its confidence interval and what it rests on.

    >>> EstimateFigure(value=0.5, low=0.4, high=0.6, confidence=0.95, n=96, n_clusters=96,
    ...                how="Wilson interval over comparisons").is_bounded
    True
    """

    model_config = RECORD

    value: float
    """The estimate itself."""
    low: float | None
    """Lower end of the interval; null where it is unbounded."""
    high: float | None
    """Upper end of the interval; null where it is unbounded."""
    confidence: float
    """How often such an interval holds the true value, such as 0.95."""
    n: int
    """Observations."""
    n_clusters: int
    """Independent groups of observations, such as prompts."""
    how: str
    """Which interval, and what it takes into account."""

    @property
    def is_bounded(self) -> bool:
        """Whether both ends of the interval are known."""
        return self.low is not None and self.high is not None

    def lies_above(self, value: float) -> bool:
        """Whether the whole interval lies above `value`."""
        return self.low is not None and self.low > value

    def lies_below(self, value: float) -> bool:
        """Whether the whole interval lies below `value`."""
        return self.high is not None and self.high < value
