"""Every detector's word on every labeler, told once per cause."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from prefloop.comparisons.quality.copying_preference import copy_findings
from prefloop.comparisons.quality.finding import Finding, Kind, share_finding, unknown
from prefloop.comparisons.quality.gold import gold_share
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.population import Alarm, key_is_in_doubt
from prefloop.comparisons.quality.position import position_findings
from prefloop.comparisons.quality.self_consistency import self_consistency
from prefloop.comparisons.quality.skill import Skill, chance_finding, flipped_finding
from prefloop.comparisons.quality.speed import speed_finding
from prefloop.comparisons.quality.straight_lining import straight_lining_findings
from prefloop.comparisons.quality.thresholds import Thresholds

BY_THE_KEY: tuple[Kind, ...] = ("flipped", "chance", "gold")
"""Findings that say nothing while the key itself is in doubt."""
IN_DOUBT = (
    "All labelers together fail the gold questions: nobody is judged by them until it is known why."
)
CAUSES: tuple[Kind, ...] = ("place", "copying")
"""What makes a labeler look like a coin, and says why."""
KINDS: tuple[Kind, ...] = (
    "flipped",
    "chance",
    "place",
    "rows",
    "copying",
    "speed",
    "gold",
    "repeats",
)
"""In the order they are told."""


def labeler_findings(
    history: LabelHistory,
    skills: Mapping[str, Skill],
    alarms: Sequence[Alarm],
    thresholds: Thresholds,
) -> dict[str, list[Finding]]:
    """Return for each labeler one finding per detector; most say "not found".

    Nothing follows from a finding by itself. While all labelers together fail the gold questions,
    what rests on gold is "not enough evidence" for each of them. A labeler who goes by the place or
    by copies is at chance for that reason, and is told of once.
    """
    together: dict[str, list[Finding]] = {name: [] for name in history.labelers}
    for found in (
        position_findings(history, thresholds),
        straight_lining_findings(history, thresholds),
        copy_findings(history, thresholds),
    ):
        for finding in found:
            together[finding.labeler].append(finding)
    is_in_doubt = key_is_in_doubt(list(alarms))
    return {
        name: _told_once(
            [*rest, *_alone(history, name, skills[name], thresholds)], is_in_doubt=is_in_doubt
        )
        for name, rest in together.items()
    }


def _alone(
    history: LabelHistory, labeler: str, skill: Skill, thresholds: Thresholds
) -> list[Finding]:
    checks = history.checks_by.get(labeler, ())
    repeats = self_consistency(checks, history.labels_by.get(labeler, ()), thresholds)
    return [
        flipped_finding(labeler, skill, thresholds),
        chance_finding(labeler, skill, thresholds),
        speed_finding(history, labeler, thresholds),
        share_finding(labeler, "gold", gold_share(checks, thresholds), lead="Gold"),
        share_finding(labeler, "repeats", repeats.share, lead="Same answer again"),
    ]


def _told_once(findings: list[Finding], *, is_in_doubt: bool) -> list[Finding]:
    causes = [f.kind for f in findings if f.kind in CAUSES and f.status == "found"]
    ordered = sorted(findings, key=lambda finding: KINDS.index(finding.kind))
    return [_reviewed(finding, causes, is_in_doubt=is_in_doubt) for finding in ordered]


def _reviewed(finding: Finding, causes: Sequence[Kind], *, is_in_doubt: bool) -> Finding:
    if finding.status != "found":
        return finding
    if is_in_doubt and finding.kind in BY_THE_KEY:
        return unknown(finding.labeler, finding.kind, finding.n, IN_DOUBT)
    is_weak = finding.kind == "flipped" and finding.action != "exclude"
    if causes and (finding.kind == "chance" or is_weak):
        told = f"{finding.told} See “{causes[0]}”, which explains it."
        return replace(finding, status="not found", told=told, action=None)
    return finding
