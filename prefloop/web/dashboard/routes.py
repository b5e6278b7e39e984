"""The dashboard for owners and viewers.

`app.py` admits owners and viewers; what changes something belongs in `team/routes.py`. The
dashboard reads sums and new rows, never all labels: a million of them do not make it slower.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from prefloop.figures.text import model_title
from prefloop.label_types.answers import ANSWERS, PREFERENCES
from prefloop.store.store import Store
from prefloop.teamwork import Batch, StopRequest, Tally, TrainerState, Update
from prefloop.web.dashboard.messages import (
    ActiveLabelerOut,
    ActiveStopOut,
    BatchOut,
    DashboardOut,
    HourOut,
    PastStopOut,
    QualityOut,
    SampleOut,
    StopSampleOut,
    StopsOut,
    TrainerOut,
    UpdateOut,
    WorkOut,
    finite,
)
from prefloop.web.dashboard.quality import forecast_out, quality_out
from prefloop.web.http.messages import Number, refusals
from prefloop.web.http.sessions import ViewerCaller
from prefloop.web.http.templating import owners_page
from prefloop.web.services import status_text
from prefloop.web.services.services import Services, ServicesDep
from prefloop.web.services.work_hours import Work, add_work
from prefloop.web.strings import InterfaceStrings

router = APIRouter(tags=["dashboard"])

SHOWN = ("policy/score", "policy/kl", "policy/kl_coef", "policy/entropy")
"""Metrics that have a chart."""
LINES_AT_ONCE = 1000
HOURS_SHOWN = 48
SAMPLED_UPDATES = 4
"""The number of newest updates that come with their samples."""
STOPS_SHOWN = 10


@router.get("/dashboard", include_in_schema=False)
async def dashboard_page(
    request: Request, caller: ViewerCaller, services: ServicesDep
) -> HTMLResponse:
    """Return the page without figures: the browser polls the API for them."""
    run = services.settings.run_name
    return owners_page(request, "dashboard.html.jinja", person=caller.person, run=run)


@router.get("/api/dashboard", responses=refusals(401, 403))
def dashboard(_caller: ViewerCaller, services: ServicesDep, after: Number = 0) -> DashboardOut:
    """Return the state of the run, and the lines of metrics after the one of number `after`."""
    store, strings = services.store, services.settings.owners_strings
    now = store.now()
    trainer = store.updates.state()
    batches = services.batches.get()[::-1]
    last = store.recent.last_line()
    is_reset = after > last
    lines = store.updates.after(0 if is_reset else max(0, after), LINES_AT_ONCE)
    figures = services.quality.latest()
    return DashboardOut(
        server_time=now,
        message=status_text.trainer_text(trainer, strings),
        questions_text=status_text.batch_text(batches[0] if batches else None, strings),
        trainer=None if trainer is None else _trainer(trainer, now, strings),
        batches=[_batch(batch, strings) for batch in batches],
        tallies=_work(services, now),
        cord=_stops(store, trainer, now, strings),
        updates=[_update(line) for line in lines],
        samples=list(_samples(lines)),
        last=lines[-1].number if lines else last,
        has_more=len(lines) == LINES_AT_ONCE,
        is_reset=is_reset,
        quality=quality_out(figures, strings),
        forecast=None if figures is None else forecast_out(figures.forecast),
        disk_text=services.disk.text(strings),
    )


@router.get("/api/quality", responses=refusals(401, 403))
def quality(_caller: ViewerCaller, services: ServicesDep) -> QualityOut | None:
    """Return agreement among labelers and alarms; null before the first measurement."""
    return quality_out(services.quality.latest(), services.settings.owners_strings)


def _trainer(trainer: TrainerState, now: float, strings: InterfaceStrings) -> TrainerOut:
    return TrainerOut(
        phase=trainer.phase,
        round=trainer.round,
        done=trainer.done,
        total=trainer.total,
        detail=trainer.detail,
        checkpoints=list(trainer.checkpoints),
        silent_seconds=max(0.0, now - trainer.heartbeat_at),
        is_missing=status_text.is_missing(trainer, now),
        missing_text=status_text.missing_text(trainer, now, strings),
    )


def _batch(batch: Batch, strings: InterfaceStrings) -> BatchOut:
    return BatchOut(
        round=batch.round,
        title=status_text.batch_title(batch, strings),
        opened_at=batch.opened_at,
        frozen_at=batch.frozen_at,
        wanted=batch.wanted,
        answered=batch.answered,
        per_minute=batch.per_minute,
        minutes_left=status_text.minutes_left(batch),
        message=status_text.pace_text(batch, strings),
    )


def _work(services: Services, now: float) -> WorkOut:
    hours = services.hours.read()
    this_hour = int(now // 3600)
    sums = services.hours.sums()
    everything = add_work(sums.values())
    settings = services.settings
    return WorkOut(
        labels=everything.preferences,
        hours=everything.seconds / 3600,
        cost=everything.seconds / 3600 * settings.hourly_wage,
        currency=settings.currency,
        message=status_text.work_text(
            everything.seconds,
            everything.preferences,
            settings.hourly_wage,
            settings.currency,
            settings.owners_strings,
        ),
        by_hour=[
            _hour(hour, sums.get(hour))
            for hour in range(this_hour - HOURS_SHOWN + 1, this_hour + 1)
        ],
        at_work=_active_labelers(hours, this_hour, services.store.recent.at_work()),
    )


def _hour(hour: int, work: Work | None) -> HourOut:
    n = Counter[str]() if work is None else work.n
    return HourOut(hour=hour, **{answer: n[answer] for answer in ANSWERS})


def _active_labelers(
    hours: Mapping[int, Sequence[Tally]], this_hour: int, holding: set[str]
) -> list[ActiveLabelerOut]:
    counts: dict[int, Counter[str]] = {0: Counter(), 1: Counter()}
    seconds: Counter[str] = Counter()
    for ago in (0, 1):
        for tally in hours.get(this_hour - ago, []):
            counts[ago][tally.labeler] += sum(tally.n.get(answer, 0) for answer in PREFERENCES)
            seconds[tally.labeler] += round(tally.seconds)
    names = sorted(holding | set(counts[0]), key=lambda name: (-counts[0][name], name))
    return [
        ActiveLabelerOut(
            name=name,
            this_hour=counts[0][name],
            last_hour=counts[1][name],
            minutes=seconds[name] / 60,
        )
        for name in names
    ]


def _stops(
    store: Store, trainer: TrainerState | None, now: float, strings: InterfaceStrings
) -> StopsOut:
    requests = store.stop_requests.all()
    active = next((request for request in requests if request.released_at is None), None)
    earlier = [request for request in requests if request.released_at is not None][-STOPS_SHOWN:]
    return StopsOut(
        active=None if active is None else _active_stop(store, active, trainer, now, strings),
        earlier=[_past_stop(request, strings) for request in reversed(earlier)],
    )


def _active_stop(
    store: Store,
    request: StopRequest,
    trainer: TrainerState | None,
    now: float,
    strings: InterfaceStrings,
) -> ActiveStopOut:
    return ActiveStopOut(
        id=request.id,
        pulled_by=request.pulled_by,
        pulled_at=request.pulled_at,
        reason=request.reason,
        samples=[
            StopSampleOut(
                id=found.sample.id,
                # People judge these without knowing whose they are; this page does not tell.
                model_text=""
                if found.sample.purpose in ("evaluation", "live")
                else model_title(found.sample.model),
                prompt=found.prompt,
                text=found.sample.text,
            )
            for found in store.recent.samples(request.samples)
        ],
        stopped_at=request.stopped_at,
        update=request.update,
        message=status_text.pulled_text(request, now, strings),
        stopped_text=status_text.stopped_text(request, trainer, now, strings),
    )


def _past_stop(request: StopRequest, strings: InterfaceStrings) -> PastStopOut:
    return PastStopOut(
        id=request.id,
        pulled_by=request.pulled_by,
        pulled_at=request.pulled_at,
        reason=request.reason,
        released_at=request.released_at,
        released_by=request.released_by,
        checked=request.checked,
        action_text=status_text.action_text(request, strings),
    )


def _update(update: Update) -> UpdateOut:
    return UpdateOut(
        number=update.number,
        stage=update.stage,
        round=update.round,
        update=update.update,
        at=update.created_at,
        line=finite(update.line, SHOWN),
    )


def _samples(lines: Sequence[Update]) -> Iterator[SampleOut]:
    """Yield the samples of the newest lines that have some, oldest first."""
    for line in [line for line in lines if line.samples][-SAMPLED_UPDATES:]:
        for sample in line.samples:
            yield SampleOut(
                number=line.number,
                round=line.round,
                update=line.update,
                prompt=str(sample.get("prompt", "")),
                response=str(sample.get("response", "")),
                score=sample.get("score"),
                kl=sample.get("kl"),
            )
