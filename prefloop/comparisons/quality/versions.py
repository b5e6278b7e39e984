"""Figures by version of the instructions."""

from collections.abc import Mapping
from dataclasses import dataclass

from prefloop.comparisons.quality.gold import gold_share
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.peers import (
    Agreement,
    agreements_with_others,
    agreements_with_owners,
    overall_agreement,
    overall_with_owners,
)
from prefloop.comparisons.quality.self_consistency import Consistency, self_consistency
from prefloop.comparisons.quality.share import Share
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.functional.statistics import Estimate, paired_win_rate


@dataclass(frozen=True, kw_only=True)
class VersionFigures:
    """All labelers under one version of the instructions."""

    version: str
    n_labels: int
    n_labelers: int
    answers: Mapping[str, int]
    """Labels by answer; more ties or flags may mean less clear instructions."""
    agreement: Agreement | None
    with_owners: Estimate | None
    gold: Estimate | None
    """Silent gold, clustered by question and labeler."""


@dataclass(frozen=True, kw_only=True)
class LabelerVersion:
    """One labeler under one version of the instructions."""

    version: str
    n_labels: int
    gold: Share
    consistency: Consistency
    with_others: Estimate | None
    with_owners: Estimate | None


def version_figures(history: LabelHistory) -> list[VersionFigures]:
    """Return the figures of each version, oldest first.

    Agreement compares labels under the same version only: two people who read different
    instructions may both be right.
    """
    return [_version(history.of_version(version), version) for version in history.versions]


def labeler_versions(
    history: LabelHistory, thresholds: Thresholds
) -> dict[str, list[LabelerVersion]]:
    """Return for each labeler the figures by version, oldest first."""
    found: dict[str, list[LabelerVersion]] = {name: [] for name in history.labelers}
    for version in history.versions:
        part = history.of_version(version)
        with_others, with_owners = agreements_with_others(part), agreements_with_owners(part)
        for name in part.labelers:
            labels, checks = part.labels_by.get(name, []), part.checks_by.get(name, [])
            found[name].append(
                LabelerVersion(
                    version=version,
                    n_labels=len(labels),
                    gold=gold_share(checks, thresholds),
                    consistency=self_consistency(
                        checks, history.labels_by.get(name, []), thresholds
                    ),
                    with_others=with_others[name],
                    with_owners=with_owners[name],
                )
            )
    return found


def _version(part: LabelHistory, version: str) -> VersionFigures:
    answers: dict[str, int] = {}
    for label in part.labels:
        answers[label.answer] = answers.get(label.answer, 0) + 1
    return VersionFigures(
        version=version,
        n_labels=len(part.labels),
        n_labelers=len({label.labeler for label in part.labels}),
        answers=answers,
        agreement=overall_agreement(part),
        with_owners=overall_with_owners(part),
        gold=_gold(part),
    )


def _gold(part: LabelHistory) -> Estimate | None:
    known = [
        check
        for check in part.checks
        if check.kind == "gold"
        and check.is_right is not None
        and check.labeler not in part.excluded
    ]
    if not known:
        return None
    return paired_win_rate(
        [float(bool(check.is_right)) for check in known],
        [check.comparison_id for check in known],
        labelers=[check.labeler for check in known],
    )
