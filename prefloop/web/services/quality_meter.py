"""Quality figures of the newest labels, of labelers, and of the reward models' accuracy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prefloop.comparisons.quality.forecast import Forecast, forecast
from prefloop.comparisons.quality.label_history import LabelHistory, QuestionStats, measure_question
from prefloop.comparisons.quality.peers import Agreement
from prefloop.comparisons.quality.population import Alarm
from prefloop.comparisons.quality.rule_health import introduction_alarm, rule_alarms, rule_health
from prefloop.comparisons.quality.team import TeamFigures, team_figures
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.comparisons.questions import Question
from prefloop.records import Label, Prompt
from prefloop.store.labeling.recent import AskedQuestion
from prefloop.store.store import Store

NEWEST = 20_000
"""Labels that are used, and as many quality checks: enough for every figure, seconds of work."""
QUESTIONS_AT_ONCE = 2000
"""Comparisons whose texts are read in one measurement; the others follow in the next ones."""
QUESTIONS_CACHED = 100_000
LINES = 5000
"""Lines of the reward model's metrics that the forecast uses."""
EXCLUSION_HOURS = 24 * 9
"""Hours of tallies for the alarms on exclusions: their window and a day more."""


@dataclass(frozen=True, kw_only=True)
class QualityFigures:
    """All figures of one measurement."""

    at: float
    """Seconds since 1970."""
    n_labels: int
    """The newest labels, which the figures are computed from."""
    team: TeamFigures | None
    """None before the first answer."""
    alarms: tuple[Alarm, ...]
    """Alarms on all labels add_work, and on exclusions."""
    forecast: Forecast | None
    """None before the first reward model."""

    @property
    def agreement(self) -> Agreement | None:
        """Agreement among labelers; None before two have answered the same comparison."""
        return None if self.team is None else self.team.agreement


class QualityMeter:
    """Measures a store again and again; caches the figures of each comparison's texts."""

    def __init__(self, store: Store, thresholds: Thresholds) -> None:
        self._store = store
        self._thresholds = thresholds
        self._question_stats: dict[str, QuestionStats] = {}

    def __call__(self) -> QualityFigures:
        """Return the present figures."""
        store, now = self._store, self._store.now()
        thresholds = self._thresholds
        labels = store.recent.labels(NEWEST)
        history = self._history(labels)
        team = team_figures(history, thresholds=thresholds) if history.labelers else None
        recent = store.tallies.all(since_hour=int(now // 3600) - EXCLUSION_HOURS)
        health = rule_health(store.exclusions.all(), recent, now=now, thresholds=thresholds)
        introduction = introduction_alarm(store.people.all(), thresholds)
        return QualityFigures(
            at=now,
            n_labels=len(labels),
            team=team,
            alarms=(
                *(team.alarms if team else ()),
                *rule_alarms(health),
                *([introduction] if introduction else []),
            ),
            forecast=_forecast(store),
        )

    def _history(self, labels: Sequence[Label]) -> LabelHistory:
        store = self._store
        names = list(dict.fromkeys(label.comparison_id for label in reversed(labels)))
        self._read([name for name in names if name not in self._question_stats])
        return LabelHistory(
            labels=labels,
            checks=store.recent.quality_checks(NEWEST),
            owners=frozenset(p.name for p in store.people.all() if p.role == "owner"),
            excluded=frozenset(store.exclusions.excluded()),
            times=store.recent.answer_times(names),
            question_stats=self._question_stats,
        )

    def _read(self, comparison_ids: Sequence[str]) -> None:
        wanted = comparison_ids[:QUESTIONS_AT_ONCE]
        if len(self._question_stats) > QUESTIONS_CACHED:
            self._question_stats.clear()
        for asked in self._store.recent.questions(limit=len(wanted), only=wanted):
            self._question_stats[asked.comparison.id] = measure_question(_question(asked))


def _question(asked: AskedQuestion) -> Question:
    comparison = asked.comparison
    prompt = Prompt(id=comparison.prompt_id, text=asked.prompt, source="", split=comparison.split)
    return Question(comparison=comparison, prompt=prompt, samples=asked.samples)


def _forecast(store: Store) -> Forecast | None:
    lines: list[Mapping[str, object]] = [
        {**update.line, "stage": update.stage, "round": update.round}
        for update in store.recent.lines("rewards", LINES)
        if "labels" in update.line and update.line.get("rewards/accuracy") is not None
    ]
    return forecast(lines) if lines else None
