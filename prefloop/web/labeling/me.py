"""What one may know of oneself: role, instructions, progress, agreement with gold."""

from fastapi import APIRouter

from prefloop.teamwork import Instructions, QualityCheck
from prefloop.web.http.errors import ApiError
from prefloop.web.http.sessions import Anybody, Worker
from prefloop.web.labeling.messages import (
    Acknowledgment,
    GoldSoFar,
    Guidance,
    Me,
    PageSettings,
    Progress,
    Told,
    refusals,
)
from prefloop.web.services.instructions_cache import html
from prefloop.web.services.services import Here, Services

router = APIRouter(tags=["me"])

GOLD_STEP = 10
"""Known answers are told of in steps, or the step itself would say which question was one."""

GOLD_ENOUGH = 30
"""With fewer known answers nothing can be said about a person."""

HOUR_SECONDS = 3600
DAY_HOURS = 24


@router.get("/api/me", responses=refusals(401, 403))
def me(caller: Anybody, here: Here) -> Me:
    """Return who is logged in, what they are to read, and how far they have come."""
    current = here.guide.current()
    acknowledged = here.store.instructions.acknowledged(caller.person.id)
    return Me(
        name=caller.name,
        role=caller.role,
        csrf=caller.csrf,
        instructions=None if current is None else _guidance(current),
        acknowledged=acknowledged,
        must_read=here.guide.must_read(acknowledged),
        progress=_progress(caller.name, here),
        settings=PageSettings(confidence=here.settings.asks_confidence),
    )


@router.post("/api/me/instructions", responses=refusals(401, 403, 404))
def acknowledge(body: Acknowledgment, caller: Worker, here: Here) -> Told:
    """Say that a version of the instructions was read."""
    if here.store.instructions.by_version(body.version) is None:
        raise ApiError(404, "unknown", "There is no such version of the instructions.")
    here.store.instructions.acknowledge(caller.person.id, body.version)
    return Told(told="Thank you.")


def _guidance(instructions: Instructions) -> Guidance:
    return Guidance(
        version=instructions.version,
        question=instructions.question,
        html=html(instructions.text),
        is_major=instructions.is_major,
    )


def _progress(name: str, here: Services) -> Progress:
    figures = here.store.own_answers.progress(name)
    return Progress(
        answered=figures["answered"],
        left=figures["left"],
        today_minutes=_minutes_today(name, here),
        gold=gold_so_far(here.store.gold.quality_checks(name)),
    )


def _minutes_today(name: str, here: Services) -> float:
    hour = int(here.store.now() // HOUR_SECONDS)
    today = here.store.tallies.all(since_hour=hour - hour % DAY_HOURS)
    return round(sum(t.seconds for t in today if t.labeler == name) / 60, 1)


def gold_so_far(checks: list[QualityCheck]) -> GoldSoFar:
    """Return how often somebody agreed with known answers, and what that says."""
    known = [c.is_right for c in checks if c.kind == "gold" and c.is_right is not None]
    told = known[: len(known) - len(known) % GOLD_STEP]
    right, n = sum(told), len(told)
    if n == 0:
        return GoldSoFar(right=0, n=0, told="Not enough known answers yet to say anything.")
    words = f"You agreed with {right} of {n} known answers."
    if n < GOLD_ENOUGH:
        words += f" That is not enough to judge by; from {GOLD_ENOUGH} on it is."
    return GoldSoFar(right=right, n=n, told=words)
