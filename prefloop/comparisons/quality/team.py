"""All quality figures of a team of labelers, in one call."""

from dataclasses import dataclass

from prefloop.comparisons.quality.copying_preference import CopyingPreference, copying_preference
from prefloop.comparisons.quality.gold import DoubtfulGold, doubtful_gold
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.labelers import LabelerFigures, labeler_figures
from prefloop.comparisons.quality.peers import Agreement, overall_agreement, overall_with_owners
from prefloop.comparisons.quality.population import Alarm, population_alarms
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.comparisons.quality.versions import VersionFigures, version_figures
from prefloop.functional.statistics import Estimate


@dataclass(frozen=True, kw_only=True)
class TeamFigures:
    """A team's labels, labelers and instructions. Every interval is 95 %."""

    labelers: tuple[LabelerFigures, ...]
    """By name."""
    agreement: Agreement | None
    """Between labelers; None unless two answered the same question."""
    with_owners: Estimate | None
    copying: CopyingPreference | None
    versions: tuple[VersionFigures, ...]
    """Oldest first."""
    doubtful_gold: tuple[DoubtfulGold, ...]
    alarms: tuple[Alarm, ...]
    """About all labelers at once."""


def team_figures(history: LabelHistory, *, thresholds: Thresholds | None = None) -> TeamFigures:
    """Return all figures and findings. They have no effect: a person decides."""
    thresholds = thresholds or Thresholds()
    alarms = population_alarms(history, thresholds)
    return TeamFigures(
        labelers=tuple(labeler_figures(history, alarms, thresholds=thresholds)),
        agreement=overall_agreement(history),
        with_owners=overall_with_owners(history),
        copying=copying_preference(history),
        versions=tuple(version_figures(history)),
        doubtful_gold=tuple(doubtful_gold(history.checks)),
        alarms=tuple(alarms),
    )
