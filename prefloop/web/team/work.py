"""The work of each labeler: its amount, its cost, and its quality.

Amounts are of the whole run, quality figures of the newest labels. Both can be limited to one
version of the instructions.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping

from prefloop.comparisons.quality.finding import LabelerFinding
from prefloop.comparisons.quality.labelers import LabelerFigures
from prefloop.comparisons.quality.self_consistency import Consistency
from prefloop.comparisons.quality.share import Share
from prefloop.comparisons.quality.team import TeamFigures
from prefloop.figures.text import counted
from prefloop.functional.statistics import Estimate
from prefloop.store.labeling.recent import Unanswered
from prefloop.teamwork import Tally
from prefloop.web.services import status_text
from prefloop.web.services.services import Services
from prefloop.web.services.work_hours import Work, total
from prefloop.web.team.messages import FindingOut, LabelerOut, TeamOut, TeamShareOut, VersionOut

WAIT_SECONDS = 3.0
"""How long the first request waits for the quality figures."""

NONE_LEFT = Unanswered(questions=0, known=0)


def team_work(services: Services, version: str | None) -> TeamOut:
    """Return the work of all labelers, under one version of the instructions or all."""
    tallies = [tally for tallies in services.hours.read().values() for tally in tallies]
    versions = list(dict.fromkeys(tally.instructions for tally in tallies))
    kept = [t for t in tallies if version is None or t.instructions == version]
    figures = services.quality.latest(wait_seconds=WAIT_SECONDS)
    team = None if figures is None else figures.team
    settings = services.settings
    everything = total(kept)
    return TeamOut(
        at=None if figures is None else figures.at,
        n_labels=0 if figures is None else figures.n_labels,
        version=version,
        versions=versions,
        currency=settings.currency,
        message=status_text.work_text(
            everything.seconds,
            everything.preferences,
            settings.hourly_wage,
            settings.currency,
            settings.owners_strings,
        ),
        labelers=_labelers(services, kept, version, team),
        by_version=[] if team is None else _versions(tallies, team),
        warnings=[] if figures is None else [alarm.message for alarm in figures.alarms],
    )


def labelers_known(services: Services) -> list[str]:
    """Return the names of everybody who has labeled or may."""
    people = [p.name for p in services.store.people.all() if p.role != "viewer"]
    answered = [tally.labeler for tallies in services.hours.read().values() for tally in tallies]
    return sorted(dict.fromkeys([*people, *answered]))


def _labelers(
    services: Services, tallies: list[Tally], version: str | None, team: TeamFigures | None
) -> list[LabelerOut]:
    work: dict[str, list[Tally]] = defaultdict(list)
    for tally in tallies:
        work[tally.labeler].append(tally)
    figures = {} if team is None else {f.labeler: f for f in team.labelers}
    excluded = services.store.exclusions.excluded()
    # Which version of the instructions they would have been answered under is not known.
    left = services.store.recent.unanswered() if version is None else {}
    disabled = {p.name for p in services.store.people.all() if p.disabled_at is not None}
    names = set(work) if version is not None else set(work) | set(figures) | set(left)
    rows = [
        _labeler(
            name,
            total(work[name]),
            figures.get(name),
            version,
            left.get(name, NONE_LEFT),
            wage=services.settings.hourly_wage,
            is_excluded=name in excluded,
            is_disabled=name in disabled,
        )
        for name in names
    ]
    return sorted(rows, key=lambda row: (-row.answers, row.name))


def _labeler(
    name: str,
    work: Work,
    figures: LabelerFigures | None,
    version: str | None,
    left: Unanswered,
    *,
    wage: float,
    is_excluded: bool,
    is_disabled: bool,
) -> LabelerOut:
    hours = work.seconds / 3600
    gold, others, consistency = _quality(figures, version)
    return LabelerOut(
        name=name,
        is_excluded=is_excluded,
        is_disabled=is_disabled,
        answers=work.preferences,
        skips=work.n["skip"],
        flags=work.n["flag"],
        unanswered=left.questions,
        unanswered_known=left.known,
        hours=hours,
        cost=hours * wage,
        median_seconds=None if figures is None else figures.median_seconds,
        gold=None if gold is None else _share(gold),
        training=None if figures is None else _share(figures.training),
        others=None if others is None else _estimate(others),
        itself=None if consistency is None else _share(consistency.share),
        findings=[] if figures is None else [_finding(f) for f in figures.findings],
    )


def _quality(
    figures: LabelerFigures | None, version: str | None
) -> tuple[Share | None, Estimate | None, Consistency | None]:
    """Return the gold accuracy, agreement with others, and test-retest consistency."""
    if figures is None:
        return None, None, None
    if version is None:
        return figures.gold, figures.with_others, figures.consistency
    found = next((v for v in figures.by_version if v.version == version), None)
    return (
        (None, None, None) if found is None else (found.gold, found.with_others, found.consistency)
    )


def _versions(tallies: list[Tally], team: TeamFigures) -> list[VersionOut]:
    n: Mapping[str, Counter[str]] = defaultdict(Counter)
    for tally in tallies:
        n[tally.instructions].update(tally.n)
    return [
        VersionOut(
            version=found.version,
            labelers=found.n_labelers,
            answers=dict(n[found.version] or found.answers),
            agreement=None if found.agreement is None else _estimate(found.agreement.estimate),
            gold=None if found.gold is None else _estimate(found.gold),
        )
        for found in team.versions
    ]


def _share(share: Share) -> TeamShareOut:
    return TeamShareOut(
        value=share.value,
        low=share.interval.low,
        high=share.interval.high,
        n=share.n,
        verdict=share.grade,
        message=share.message,
    )


def _estimate(found: Estimate) -> TeamShareOut:
    return TeamShareOut(
        value=found.value,
        low=found.interval.low,
        high=found.interval.high,
        n=found.n,
        verdict="",
        message=f"{counted(found.n, 'answer')}; {found.how}.",
    )


def _finding(finding: LabelerFinding) -> FindingOut:
    return FindingOut(
        kind=finding.kind,
        status=finding.status,
        message=finding.message,
        n=finding.n,
        action=finding.action,
    )
