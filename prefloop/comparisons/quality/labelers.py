"""All figures of each labeler."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from prefloop.comparisons.quality.finding import LabelerFinding
from prefloop.comparisons.quality.findings import IN_DOUBT, labeler_findings
from prefloop.comparisons.quality.gold import gold_share
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.peers import agreements_with_others, agreements_with_owners
from prefloop.comparisons.quality.population import Alarm, key_is_in_doubt
from prefloop.comparisons.quality.self_consistency import Consistency, self_consistency
from prefloop.comparisons.quality.share import Share, in_doubt
from prefloop.comparisons.quality.skill import LabelerSkill, labeler_skills
from prefloop.comparisons.quality.speed import median_seconds
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.comparisons.quality.versions import LabelerVersion, labeler_versions
from prefloop.functional.statistics import Estimate


@dataclass(frozen=True, kw_only=True)
class LabelerFigures:
    """The figures of one labeler. Every interval is 95 %."""

    labeler: str
    is_owner: bool
    is_excluded: bool
    n_labels: int
    n_checks: int
    answers: Mapping[str, int]
    """Labels by kind of answer."""
    median_seconds: float | None
    gold: Share
    training: Share
    """Gold questions that were explained; no finding uses them."""
    consistency: Consistency
    skill: LabelerSkill
    with_others: Estimate | None
    with_owners: Estimate | None
    by_version: tuple[LabelerVersion, ...]
    findings: tuple[LabelerFinding, ...]
    """One per check, whatever its status."""

    @property
    def found(self) -> tuple[LabelerFinding, ...]:
        """The findings with the status "found"."""
        return tuple(finding for finding in self.findings if finding.status == "found")


def labeler_figures(
    history: LabelHistory, alarms: list[Alarm], *, thresholds: Thresholds
) -> list[LabelerFigures]:
    """Return every labeler's figures, by name."""
    skills = labeler_skills(history, thresholds)
    findings = labeler_findings(history, skills, alarms, thresholds)
    with_others, with_owners = agreements_with_others(history), agreements_with_owners(history)
    versions = labeler_versions(history, thresholds)
    is_in_doubt = key_is_in_doubt(alarms)
    rows = []
    for name in history.labelers:
        labels, checks = history.labels_by.get(name, ()), history.checks_by.get(name, ())
        gold = gold_share(checks, thresholds)
        rows.append(
            LabelerFigures(
                labeler=name,
                is_owner=name in history.owners,
                is_excluded=name in history.excluded,
                n_labels=len(labels),
                n_checks=len(checks),
                answers=Counter(label.answer for label in labels),
                median_seconds=median_seconds(history, name),
                gold=in_doubt(gold, IN_DOUBT) if is_in_doubt else gold,
                training=gold_share(checks, thresholds, "training"),
                consistency=self_consistency(checks, labels, thresholds),
                skill=skills[name],
                with_others=with_others[name],
                with_owners=with_owners[name],
                by_version=tuple(versions[name]),
                findings=tuple(findings[name]),
            )
        )
    return rows
