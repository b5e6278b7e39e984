"""What the report shows."""

from prefloop.settings.section import Count, NonNegative, Section


class ReportConfig(Section):
    """What the report shows."""

    pairs: Count = 12
    """Randomly chosen before-and-after pairs that are printed in full."""

    hourly_wage: NonNegative = 15.0
    """What an hour of labeling costs, for the cost table."""

    currency: str = "USD"
    """Currency of `hourly_wage`."""
