"""Quality figures as the dashboard shows them."""

from prefloop.comparisons.quality.forecast import CurvePoint, Forecast
from prefloop.figures.text import percent, share_interval
from prefloop.web.dashboard.messages import (
    AccuracyPointOut,
    AlarmOut,
    CurvePointOut,
    ForecastOut,
    QualityOut,
    ShareOut,
)
from prefloop.web.services.quality_meter import QualityFigures
from prefloop.web.strings import InterfaceStrings


def quality_out(figures: QualityFigures | None, strings: InterfaceStrings) -> QualityOut | None:
    """Return agreement and alarms; None before the first measurement."""
    if figures is None:
        return None
    agreement = figures.agreement
    if agreement is None:
        share, text = None, strings.text("status.no_agreement")
    else:
        found = agreement.estimate
        low, high = found.interval.low, found.interval.high
        share = ShareOut(value=found.value, low=low, high=high, n=found.n, how=found.how)
        text = strings.text(
            "status.agreement",
            range=share_interval(*found.interval),
            chance=percent(agreement.chance),
        )
    return QualityOut(
        at=figures.at,
        n_labels=figures.n_labels,
        agreement=share,
        message=text,
        alarms=[AlarmOut(level=alarm.level, message=alarm.message) for alarm in figures.alarms],
    )


def forecast_out(found: Forecast | None) -> ForecastOut | None:
    """Return the reward models' accuracy as labels grow; None before the first."""
    if found is None:
        return None
    return ForecastOut(
        status=found.status,
        message=found.message,
        n_labels=found.n_labels,
        round=found.round,
        points=[AccuracyPointOut(labels=n, accuracy=accuracy) for n, accuracy in found.points],
        curve=[_curve_point(point) for point in found.curve],
        now=None if found.now is None else _curve_point(found.now),
        doubled=None if found.doubled is None else _curve_point(found.doubled),
    )


def _curve_point(point: CurvePoint) -> CurvePointOut:
    low, high = point.interval
    return CurvePointOut(labels=point.labels, accuracy=point.accuracy, low=low, high=high)
