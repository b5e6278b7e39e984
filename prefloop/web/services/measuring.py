"""What the newest labels say about labels, labelers and reward models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prefloop.comparisons.quality.forecast import CurvePoint, Forecast, forecast
from prefloop.comparisons.quality.label_history import LabelHistory, QuestionStats, measure_question
from prefloop.comparisons.quality.peers import Agreement
from prefloop.comparisons.quality.population import Alarm
from prefloop.comparisons.quality.rule_health import rule_alarms, rule_health
from prefloop.comparisons.quality.team import TeamFigures, team_figures
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.comparisons.questions import Question
from prefloop.figures.text import percent, share_interval
from prefloop.records import Label, Prompt
from prefloop.store.labeling.recent import AskedQuestion
from prefloop.store.store import Store
from prefloop.web.dashboard.messages import (
    AlarmNow,
    CurveNow,
    LearningNow,
    MeasuredPoint,
    QualityNow,
    ShareNow,
)

NEWEST = 20_000
"""Labels that are looked at, and as many checks: enough for every figure, and seconds of work."""
WORDINGS_AT_ONCE = 2000
"""Questions that are read at one measurement; the others follow at the next ones."""
WORDINGS_KEPT = 100_000
LINES = 5000
"""Lines of the reward model's training that the forecast rests on."""
RULE_HOURS = 24 * 9
"""How far back the health of rules looks, and a day more."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Everything that is worked out at once, of one moment."""

    at: float
    n_labels: int
    quality: QualityNow
    learning: LearningNow | None
    team: TeamFigures | None
    """None before the first answer."""
    alarms: tuple[Alarm, ...]
    """What concerns everybody: of the labels, and of rules."""


class Measuring:
    """Measures a store again and again, and remembers what each question gives to read."""

    def __init__(self, store: Store, thresholds: Thresholds) -> None:
        self._store = store
        self._thresholds = thresholds
        self._wordings: dict[str, QuestionStats] = {}

    def __call__(self) -> Measured:
        """Return the figures of this moment."""
        store, now = self._store, self._store.now()
        thresholds = self._thresholds
        labels = store.recent.labels(NEWEST)
        history = self._evidence(labels)
        team = team_figures(history, thresholds=thresholds) if history.labelers else None
        recent = store.tallies.all(since_hour=int(now // 3600) - RULE_HOURS)
        health = rule_health(store.exclusions.all(), recent, now=now, thresholds=thresholds)
        alarms = (*(team.alarms if team else ()), *rule_alarms(health))
        return Measured(
            at=now,
            n_labels=len(labels),
            quality=_quality(now, len(labels), team.agreement if team else None, alarms),
            learning=_learning(store),
            team=team,
            alarms=alarms,
        )

    def _evidence(self, labels: Sequence[Label]) -> LabelHistory:
        store = self._store
        names = list(dict.fromkeys(label.comparison_id for label in reversed(labels)))
        self._read([name for name in names if name not in self._wordings])
        return LabelHistory(
            labels=labels,
            checks=store.recent.quality_checks(NEWEST),
            owners=frozenset(p.name for p in store.people.all() if p.role == "owner"),
            excluded=frozenset(store.exclusions.excluded()),
            active_seconds=store.recent.active_seconds(names),
            question_stats=self._wordings,
        )

    def _read(self, comparison_ids: Sequence[str]) -> None:
        wanted = comparison_ids[:WORDINGS_AT_ONCE]
        if len(self._wordings) > WORDINGS_KEPT:
            self._wordings.clear()
        for asked in self._store.recent.questions(limit=len(wanted), only=wanted):
            self._wordings[asked.comparison.id] = measure_question(_question(asked))


def _question(asked: AskedQuestion) -> Question:
    comparison = asked.comparison
    prompt = Prompt(id=comparison.prompt_id, text=asked.prompt, source="", split=comparison.split)
    return Question(comparison=comparison, prompt=prompt, samples=asked.samples)


def _quality(
    at: float, n_labels: int, agreement: Agreement | None, alarms: Sequence[Alarm]
) -> QualityNow:
    told = [AlarmNow(level=alarm.level, told=alarm.message) for alarm in alarms]
    if agreement is None:
        nothing = "no question was answered by two people yet"
        return QualityNow(at=at, n_labels=n_labels, agreement=None, told=nothing, alarms=told)
    found = agreement.estimate
    share = ShareNow(
        value=found.value,
        low=found.interval.low,
        high=found.interval.high,
        n=found.n,
        how=found.how,
    )
    words = f"{share_interval(*found.interval)}; guessing gives {percent(agreement.chance)}"
    return QualityNow(at=at, n_labels=n_labels, agreement=share, told=words, alarms=told)


def _learning(store: Store) -> LearningNow | None:
    lines: list[Mapping[str, object]] = [
        {**update.line, "stage": update.stage, "round": update.round}
        for update in store.recent.lines("rewards", LINES)
        if "labels" in update.line and update.line.get("rewards/accuracy") is not None
    ]
    return learning_told(forecast(lines)) if lines else None


def learning_told(found: Forecast) -> LearningNow:
    """Return a forecast as the dashboard draws it."""
    return LearningNow(
        status=found.status,
        told=found.message,
        n_labels=found.n_labels,
        round=found.round,
        points=[MeasuredPoint(labels=n, accuracy=accuracy) for n, accuracy in found.points],
        curve=[_curve(point) for point in found.curve],
        now=None if found.now is None else _curve(found.now),
        doubled=None if found.doubled is None else _curve(found.doubled),
    )


def _curve(point: CurvePoint) -> CurveNow:
    low, high = point.interval
    return CurveNow(labels=point.labels, accuracy=point.accuracy, low=low, high=high)
