"""What owners and viewers see while a run is alive.

`app.py` lets owners and viewers in; what changes something belongs in `team.py`. The dashboard
reads sums and what is new, never all labels: a million of them make it no slower.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from prefloop.figures.text import model_title
from prefloop.store.store import Store
from prefloop.teamwork import Batch, StopRequest, Tally, TrainerState, Update
from prefloop.web.dashboard.messages import (
    AtWork,
    BatchNow,
    CordNow,
    CordPast,
    CordSample,
    CordsNow,
    Dashboard,
    HourOfWork,
    QualityNow,
    SampleNow,
    TrainerNow,
    UpdateNow,
    WorkNow,
    finite,
)
from prefloop.web.http.sessions import Watcher
from prefloop.web.http.templating import page
from prefloop.web.labeling.messages import Number, refusals
from prefloop.web.services import status_text as standing
from prefloop.web.services.services import Here, Services
from prefloop.web.services.work_hours import ANSWERS, PREFERENCES, Work, together

router = APIRouter(tags=["dashboard"])

SHOWN = ("policy/score", "policy/kl", "policy/kl_coef", "policy/entropy")
"""Metrics that have a curve."""
LINES_AT_ONCE = 1000
HOURS_SHOWN = 48
SAMPLED_UPDATES = 4
"""So many of the newest updates come with their samples."""
STOPS_SHOWN = 10


@router.get("/dashboard", include_in_schema=False)
async def dashboard_page(request: Request, caller: Watcher, here: Here) -> HTMLResponse:
    """Return the dashboard. It holds no figure: the browser asks for them, and asks again."""
    return page(request, "dashboard.html.jinja", person=caller.person, run=here.settings.run_name)


@router.get("/api/dashboard", responses=refusals(401, 403))
def dashboard(_caller: Watcher, here: Here, after: Number = 0) -> Dashboard:
    """Return the state of the run, and the lines of metrics after the one of number `after`."""
    store = here.store
    now = store.now()
    trainer = store.updates.state()
    batches = here.batches.get()[::-1]
    last = store.recent.last_line()
    is_reset = after > last
    lines = store.updates.after(0 if is_reset else max(0, after), LINES_AT_ONCE)
    return Dashboard(
        server_time=now,
        told=standing.trainer_told(trainer),
        questions_told=standing.batch_told(batches[0] if batches else None),
        trainer=None if trainer is None else _trainer(trainer, now),
        batches=[_batch(batch) for batch in batches],
        tallies=_work(here, now),
        cord=_cords(store, trainer, now),
        updates=[_update(line) for line in lines],
        samples=list(_samples(lines)),
        last=lines[-1].number if lines else last,
        has_more=len(lines) == LINES_AT_ONCE,
        is_reset=is_reset,
        quality=here.quality.now(),
        forecast=here.quality.learning(),
    )


@router.get("/api/quality", responses=refusals(401, 403))
def quality(_caller: Watcher, here: Here) -> QualityNow | None:
    """Return how far labelers agree; null while that is being worked out."""
    return here.quality.now()


def _trainer(trainer: TrainerState, now: float) -> TrainerNow:
    return TrainerNow(
        phase=trainer.phase,
        round=trainer.round,
        done=trainer.done,
        total=trainer.total,
        detail=trainer.detail,
        checkpoints=list(trainer.checkpoints),
        silent_seconds=max(0.0, now - trainer.heartbeat_at),
        is_missing=standing.is_missing(trainer, now),
        missing_told=standing.missing_told(trainer, now),
    )


def _batch(batch: Batch) -> BatchNow:
    return BatchNow(
        round=batch.round,
        opened_at=batch.opened_at,
        frozen_at=batch.frozen_at,
        wanted=batch.wanted,
        answered=batch.answered,
        per_minute=batch.per_minute,
        minutes_left=standing.minutes_left(batch),
        told=standing.pace_told(batch),
    )


def _work(here: Services, now: float) -> WorkNow:
    hours = here.hours.read()
    this_hour = int(now // 3600)
    sums = here.hours.sums()
    everything = together(sums.values())
    settings = here.settings
    return WorkNow(
        labels=everything.preferences,
        hours=everything.seconds / 3600,
        cost=everything.seconds / 3600 * settings.hourly_wage,
        currency=settings.currency,
        told=standing.work_told(
            everything.seconds, everything.preferences, settings.hourly_wage, settings.currency
        ),
        by_hour=[
            _hour(hour, sums.get(hour))
            for hour in range(this_hour - HOURS_SHOWN + 1, this_hour + 1)
        ],
        at_work=_at_work(hours, this_hour, here.store.recent.at_work()),
    )


def _hour(hour: int, work: Work | None) -> HourOfWork:
    n = Counter[str]() if work is None else work.n
    return HourOfWork(hour=hour, **{kind: n[kind] for kind in ANSWERS})


def _at_work(
    hours: Mapping[int, Sequence[Tally]], this_hour: int, holding: set[str]
) -> list[AtWork]:
    counts: dict[int, Counter[str]] = {0: Counter(), 1: Counter()}
    seconds: Counter[str] = Counter()
    for ago in (0, 1):
        for tally in hours.get(this_hour - ago, []):
            counts[ago][tally.labeler] += sum(tally.n.get(kind, 0) for kind in PREFERENCES)
            seconds[tally.labeler] += round(tally.seconds)
    names = sorted(holding | set(counts[0]), key=lambda name: (-counts[0][name], name))
    return [
        AtWork(
            name=name,
            this_hour=counts[0][name],
            last_hour=counts[1][name],
            minutes=seconds[name] / 60,
        )
        for name in names
    ]


def _cords(store: Store, trainer: TrainerState | None, now: float) -> CordsNow:
    cords = store.stop_requests.all()
    taut = next((cord for cord in cords if cord.released_at is None), None)
    earlier = [cord for cord in cords if cord.released_at is not None][-STOPS_SHOWN:]
    return CordsNow(
        taut=None if taut is None else _taut(store, taut, trainer, now),
        earlier=[_past(cord) for cord in reversed(earlier)],
    )


def _taut(store: Store, cord: StopRequest, trainer: TrainerState | None, now: float) -> CordNow:
    return CordNow(
        id=cord.id,
        pulled_by=cord.pulled_by,
        pulled_at=cord.pulled_at,
        reason=cord.reason,
        samples=[
            CordSample(
                id=found.sample.id,
                model_told=model_title(found.sample.model),
                prompt=found.prompt,
                text=found.sample.text,
            )
            for found in store.recent.samples(cord.samples)
        ],
        stopped_at=cord.stopped_at,
        update=cord.update,
        told=standing.pulled_told(cord, now),
        stopped_told=standing.stopped_told(cord, trainer, now),
    )


def _past(cord: StopRequest) -> CordPast:
    return CordPast(
        id=cord.id,
        pulled_by=cord.pulled_by,
        pulled_at=cord.pulled_at,
        reason=cord.reason,
        released_at=cord.released_at,
        released_by=cord.released_by,
        checked=cord.checked,
        action_told=standing.action_told(cord),
    )


def _update(update: Update) -> UpdateNow:
    return UpdateNow(
        number=update.number,
        stage=update.stage,
        round=update.round,
        update=update.update,
        at=update.created_at,
        line=finite(update.line, SHOWN),
    )


def _samples(lines: Sequence[Update]) -> Iterator[SampleNow]:
    """Yield the samples of the newest lines that have some, oldest first."""
    for line in [line for line in lines if line.samples][-SAMPLED_UPDATES:]:
        for sample in line.samples:
            yield SampleNow(
                number=line.number,
                round=line.round,
                update=line.update,
                prompt=str(sample.get("prompt", "")),
                response=str(sample.get("response", "")),
                score=sample.get("score"),
                kl=sample.get("kl"),
            )
