"""The findings of all checks for all labelers, each cause reported once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from prefloop.comparisons.quality.copying_preference import copying_findings
from prefloop.comparisons.quality.finding import FindingKind, LabelerFinding, share_finding, unknown
from prefloop.comparisons.quality.gold import gold_share
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.population import Alarm, key_is_in_doubt
from prefloop.comparisons.quality.position import position_findings
from prefloop.comparisons.quality.self_consistency import self_consistency
from prefloop.comparisons.quality.skill import LabelerSkill, chance_finding, flipped_finding
from prefloop.comparisons.quality.speed import speed_finding
from prefloop.comparisons.quality.straight_lining import straight_lining_findings
from prefloop.comparisons.quality.thresholds import Thresholds

BASED_ON_GOLD: tuple[FindingKind, ...] = ("flipped", "chance", "gold")
"""Kinds that mean nothing while the known answers themselves are in doubt."""
IN_DOUBT = (
    "All labelers together fail the gold questions: they are not used until the reason is known."
)
CAUSES: tuple[FindingKind, ...] = ("position", "copying")
"""Kinds that explain why a labeler is at chance."""
KINDS: tuple[FindingKind, ...] = (
    "flipped",
    "chance",
    "position",
    "streaks",
    "copying",
    "speed",
    "gold",
    "test_retest",
)
"""In the order in which they are reported."""


def labeler_findings(
    history: LabelHistory,
    skills: Mapping[str, LabelerSkill],
    alarms: Sequence[Alarm],
    thresholds: Thresholds,
) -> dict[str, list[LabelerFinding]]:
    """Return for each labeler one finding per check; most are "not found".

    A finding has no effect by itself. While all labelers together fail the gold questions, findings
    based on gold are "not enough evidence". A labeler who chooses by position, or copies, is at
    chance for that reason, and only the reason is reported.
    """
    together: dict[str, list[LabelerFinding]] = {name: [] for name in history.labelers}
    for found in (
        position_findings(history, thresholds),
        straight_lining_findings(history, thresholds),
        copying_findings(history, thresholds),
    ):
        for finding in found:
            together[finding.labeler].append(finding)
    is_in_doubt = key_is_in_doubt(list(alarms))
    return {
        name: _once_per_cause(
            [*rest, *_alone(history, name, skills[name], thresholds)], is_in_doubt=is_in_doubt
        )
        for name, rest in together.items()
    }


def _alone(
    history: LabelHistory, labeler: str, skill: LabelerSkill, thresholds: Thresholds
) -> list[LabelerFinding]:
    checks = history.checks_by.get(labeler, ())
    repeats = self_consistency(checks, history.labels_by.get(labeler, ()), thresholds)
    return [
        flipped_finding(labeler, skill, thresholds),
        chance_finding(labeler, skill, thresholds),
        speed_finding(history, labeler, thresholds),
        share_finding(labeler, "gold", gold_share(checks, thresholds), lead="Gold"),
        share_finding(labeler, "test_retest", repeats.share, lead="Same answer again"),
    ]


def _once_per_cause(findings: list[LabelerFinding], *, is_in_doubt: bool) -> list[LabelerFinding]:
    causes = [f.kind for f in findings if f.kind in CAUSES and f.status == "found"]
    ordered = sorted(findings, key=lambda finding: KINDS.index(finding.kind))
    return [_reviewed(finding, causes, is_in_doubt=is_in_doubt) for finding in ordered]


def _reviewed(
    finding: LabelerFinding, causes: Sequence[FindingKind], *, is_in_doubt: bool
) -> LabelerFinding:
    if finding.status != "found":
        return finding
    if is_in_doubt and finding.kind in BASED_ON_GOLD:
        return unknown(finding.labeler, finding.kind, finding.n, IN_DOUBT)
    is_weak = finding.kind == "flipped" and finding.action != "exclude"
    if causes and (finding.kind == "chance" or is_weak):
        message = f"{finding.message} See “{causes[0]}”, which explains it."
        return replace(finding, status="not found", message=message, action=None)
    return finding
