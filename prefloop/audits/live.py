"""What people said of the policy while it trained: answers to live questions, and the bet on them.

Everything is read from the ledger, so a run that was killed comes to the same wealth.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from prefloop.figures.live import LiveFigures
from prefloop.figures.record import to_json
from prefloop.files import write_if_changed
from prefloop.functional.e_process import log_wealth
from prefloop.label_types.answers import PREFERENCES
from prefloop.run_folder import LIVE_AUDIT
from prefloop.store.store import Store
from prefloop.teamwork import LIVE, LiveQuestion, VerdictAnswer

LIVE_WATCH = "people's answers about the policy"
"""Who asks to stop when people like the policy less than the reference."""

LARGEST = 700.0
"""The log of a wealth beyond which there is no floating-point number."""


@dataclass(frozen=True, kw_only=True)
class LiveView:
    """Live questions and answers at one moment."""

    figures: LiveFigures
    questions: tuple[LiveQuestion, ...]
    """Those of this count, in the order in which they were asked."""
    lost: tuple[str, ...]
    """Ids of the policy's samples that were not taken, newest first."""
    open: frozenset[str]
    """The comparisons that wait for an answer."""
    n_asked_ever: int
    """Earlier counts included."""

    @property
    def judged_update(self) -> int:
        """The newest update that somebody judged: by an answer, or by letting the run go on."""
        return max(self.figures.since_update, self.figures.judged_update or 0)


def look_at(store: Store, alpha: float) -> LiveView:
    """Return what is asked and answered since the count began.

    It begins again where a stop that these answers caused was released, and after a roll back:
    earlier answers are about a policy that is gone, or that the owner has judged.
    """
    since, update = _beginning(store)
    asked = store.live.questions()
    questions = {q.comparison_id: q for q in asked if q.sequence > since}
    counted = _counted(store.judging.answers(LIVE), questions)
    outcomes = tuple(_outcome(answer, questions) for answer in counted)
    who = tuple(answer.label.labeler for answer in counted)
    about = [questions[answer.label.comparison_id] for answer in counted]
    return LiveView(
        figures=LiveFigures(
            since_update=update,
            asked=len(questions),
            people=tuple(sorted(set(who))),
            wins=outcomes.count(1.0),
            ties=outcomes.count(0.5),
            losses=outcomes.count(0.0),
            judged_update=max((q.update for q in about), default=None),
            wealth=math.exp(min(LARGEST, _log_wealth(outcomes, who))),
            stops_at=1 / alpha,
        ),
        questions=tuple(questions.values()),
        lost=tuple(
            q.policy_sample for q, y in zip(about[::-1], outcomes[::-1], strict=True) if y == 0.0
        ),
        open=frozenset(store.live.open()),
        n_asked_ever=len(asked),
    )


def write_live_audit(run: Path, figures: LiveFigures) -> None:
    """Keep the figures in the run folder, for doctor and report."""
    write_if_changed(run / LIVE_AUDIT, to_json(figures))


def is_own(store: Store, stop_request_id: str, pulled_by: str) -> bool:
    """Whether these answers pulled the cord, or gave one more reason."""
    return pulled_by == LIVE_WATCH or LIVE_WATCH in store.stop_requests.added_by(stop_request_id)


def _beginning(store: Store) -> tuple[int, int]:
    """Return the event after which answers count, and the update at that time."""
    requests = store.stop_requests.all()
    own = {r.id: r.update or 0 for r in requests if is_own(store, r.id, r.pulled_by)}
    found = [(0, 0)]
    for event in store.events_of_kind("cord_released"):
        name = json.loads(event.payload)["id"]
        found += [(event.sequence, own[name])] if name in own else []
    for event in store.events_of_kind("run_rolled_back"):
        found.append((event.sequence, json.loads(event.payload)["update"]))
    return max(found)


def _counted(
    answers: Iterable[VerdictAnswer], questions: dict[str, LiveQuestion]
) -> list[VerdictAnswer]:
    """Return the live answers to these questions, in the order in which each was first given."""
    first: dict[tuple[str, str], int] = {}
    live = []
    for answer in answers:
        label = answer.label
        if label.comparison_id in questions:
            first.setdefault((label.comparison_id, label.labeler), answer.sequence)
            live += [answer] if answer.ended_by is None and label.answer in PREFERENCES else []
    return sorted(live, key=lambda a: first[a.label.comparison_id, a.label.labeler])


def _outcome(answer: VerdictAnswer, questions: dict[str, LiveQuestion]) -> float:
    label = answer.label
    if label.chosen is None:
        return 0.5
    return float(label.chosen == questions[label.comparison_id].policy_sample)


@lru_cache(maxsize=16)
def _log_wealth(outcomes: tuple[float, ...], who: tuple[str, ...]) -> float:
    """Return the log wealth; kept, because it is asked for after every update."""
    return log_wealth(outcomes, who)
