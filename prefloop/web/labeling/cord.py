"""The cord: whoever labels and sees that something is wrong stops the line."""

from fastapi import APIRouter
from pydantic import BaseModel

from prefloop.teamwork import StopRequest
from prefloop.web.http.errors import ApiError
from prefloop.web.http.sessions import Anybody, Worker
from prefloop.web.labeling.messages import Pull, refusals
from prefloop.web.services.services import Here, Services

router = APIRouter(tags=["cord"])

PULL_SECONDS = 3600
"""Each person may pull once in so long."""


class Pulled(BaseModel):
    """That the line will stop."""

    id: str
    told: str


class CordState(BaseModel):
    """Whether the line is stopped, or about to stop."""

    is_taut: bool
    cords: list[StopRequest] | None = None
    """For owners and viewers: every pull, and what came of it."""


@router.post("/api/cord", responses=refusals(401, 403, 429))
def pull(body: Pull, caller: Worker, here: Here) -> Pulled:
    """Stop the line. The trainer writes a checkpoint and stands still until the owner has looked.

    Pulling again while one's own cord is taut changes nothing.
    """
    taut = here.store.stop_requests.active()
    if taut is not None and taut.pulled_by == caller.name:
        return Pulled(id=taut.id, told="You stopped the run already. The owner will look at it.")
    wait = _seconds_to_wait(caller.name, here)
    if wait is not None:
        minutes = max(1, round(wait / 60))
        raise ApiError(
            429,
            "too_many",
            f"You stopped the run within the last hour. Tell the owner directly, or pull again in "
            f"{minutes} min.",
            {"Retry-After": str(max(1, round(wait)))},
        )
    samples = _samples_of(body.view, caller.name, here)
    request = here.store.stop_requests.pull(caller.name, body.reason, samples)
    message = "The run stops after its current step. The owner will see why."
    return Pulled(id=request.id, told=message)


@router.get("/api/cord", responses=refusals(401, 403), response_model_exclude_unset=True)
def state(caller: Anybody, here: Here) -> CordState:
    """Return whether the cord is taut; to owners and viewers all about every pull, too."""
    if caller.role == "labeler":
        return CordState(is_taut=here.store.stop_requests.active() is not None)
    cords = here.store.stop_requests.all()
    return CordState(is_taut=any(cord.released_at is None for cord in cords), cords=cords)


def _samples_of(assignment_id: str | None, name: str, here: Services) -> list[str]:
    """Return the ids of the samples in somebody's view; none of a view that is not theirs."""
    view = None if assignment_id is None else here.store.queue.assignment(assignment_id)
    return [sample.id for sample in view.samples] if view and view.labeler == name else []


def _seconds_to_wait(name: str, here: Services) -> float | None:
    """Return how long somebody must wait; the store remembers pulls from before a restart."""
    now = here.store.now()
    mine = [cord.pulled_at for cord in here.store.stop_requests.all() if cord.pulled_by == name]
    if mine and now - mine[-1] < PULL_SECONDS:
        return mine[-1] + PULL_SECONDS - now
    return here.cords.take(name)
