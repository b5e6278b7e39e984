"""The cord: any labeler can stop the run."""

from fastapi import APIRouter

from prefloop.teamwork import StopRequest
from prefloop.web.http.errors import ApiError
from prefloop.web.http.messages import refusals
from prefloop.web.http.sessions import AnyCaller, LabelerCaller
from prefloop.web.labeling.messages import CordOutcome, NewStopRequest, StoppingOut, StopStateOut
from prefloop.web.services.services import Services, ServicesDep
from prefloop.web.strings import english, refusal

router = APIRouter(tags=["cord"])

PULL_SECONDS = 3600
"""Least time between two stop requests of one person."""


@router.post("/api/cord", responses=refusals(401, 403, 429))
def pull(body: NewStopRequest, caller: LabelerCaller, services: ServicesDep) -> StoppingOut:
    """Stop the run. The trainer writes a checkpoint and waits until the owner resumes it.

    Pulling again while one's own stop request is active changes nothing.
    """
    active = services.store.stop_requests.active()
    if active is not None and active.pulled_by == caller.name:
        return _told(active, "yours")
    wait = _seconds_to_wait(caller.name, services)
    if wait is not None:
        minutes = max(1, round(wait / 60))
        raise ApiError(
            429,
            "too_many",
            refusal("cord.again", minutes=str(minutes)),
            {"Retry-After": str(max(1, round(wait)))},
        )
    samples = _samples_of(body.assignment_id, caller.name, services)
    request = services.store.stop_requests.pull(caller.name, body.reason, samples)
    return _told(request, "stopping" if request.stopped_at is None else "stopped")


@router.get("/api/cord", responses=refusals(401, 403), response_model_exclude_unset=True)
def state(caller: AnyCaller, services: ServicesDep) -> StopStateOut:
    """Return whether a stop request is active; to owners and viewers also all earlier ones."""
    if caller.role == "labeler":
        return StopStateOut(is_stopped=services.store.stop_requests.active() is not None)
    requests = services.store.stop_requests.all()
    is_active = any(request.released_at is None for request in requests)
    return StopStateOut(is_stopped=is_active, cords=requests)


def _told(request: StopRequest, outcome: CordOutcome) -> StoppingOut:
    return StoppingOut(id=request.id, outcome=outcome, message=english(f"cord.{outcome}"))


def _samples_of(assignment_id: str | None, name: str, services: Services) -> list[str]:
    """Return the ids of the samples in a person's assignment; none if it is not theirs."""
    if assignment_id is None:
        return []
    assignment = services.store.queue.assignment(assignment_id)
    is_own = assignment is not None and assignment.labeler == name
    return [sample.id for sample in assignment.samples] if assignment and is_own else []


def _seconds_to_wait(name: str, services: Services) -> float | None:
    """Return how long a person must wait; the store knows requests from before a restart."""
    now = services.store.now()
    own = [r.pulled_at for r in services.store.stop_requests.all() if r.pulled_by == name]
    if own and now - own[-1] < PULL_SECONDS:
        return own[-1] + PULL_SECONDS - now
    return services.stop_limits.take(name)
