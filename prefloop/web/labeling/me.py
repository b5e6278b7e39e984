"""The caller's own role, instructions, progress and agreement with gold."""

from fastapi import APIRouter

from prefloop.teamwork import Instructions, QualityCheck
from prefloop.web.http.errors import ApiError
from prefloop.web.http.messages import MessageOut, refusals
from prefloop.web.http.sessions import AnyCaller, LabelerCaller
from prefloop.web.labeling.messages import (
    Acknowledgment,
    GoldAgreementOut,
    InstructionsOut,
    LabelingProgressOut,
    MeOut,
    PageSettingsOut,
)
from prefloop.web.services.instructions_cache import html
from prefloop.web.services.services import Services, ServicesDep

router = APIRouter(tags=["me"])

GOLD_STEP = 10
"""Known answers are counted in steps: a count of one more would reveal a gold question."""

GOLD_ENOUGH = 30
"""The number of known answers from which they are evidence."""

HOUR_SECONDS = 3600
DAY_HOURS = 24


@router.get("/api/me", responses=refusals(401, 403))
def me(caller: AnyCaller, services: ServicesDep) -> MeOut:
    """Return who is logged in, the instructions, and the progress."""
    current = services.instructions.current()
    acknowledged = services.store.instructions.acknowledged(caller.person.id)
    return MeOut(
        name=caller.name,
        role=caller.role,
        csrf=caller.csrf,
        instructions=None if current is None else _instructions(current),
        acknowledged=acknowledged,
        must_read=services.instructions.must_read(acknowledged),
        progress=_progress(caller.name, services),
        settings=PageSettingsOut(confidence=services.settings.asks_confidence),
    )


@router.post("/api/me/instructions", responses=refusals(401, 403, 404))
def acknowledge(body: Acknowledgment, caller: LabelerCaller, services: ServicesDep) -> MessageOut:
    """Record that a version of the instructions was read."""
    if services.store.instructions.by_version(body.version) is None:
        raise ApiError(404, "unknown", "There is no such version of the instructions.")
    services.store.instructions.acknowledge(caller.person.id, body.version)
    return MessageOut(message="Thank you.")


def _instructions(instructions: Instructions) -> InstructionsOut:
    return InstructionsOut(
        version=instructions.version,
        question=instructions.question,
        html=html(instructions.text),
        is_major=instructions.is_major,
    )


def _progress(name: str, services: Services) -> LabelingProgressOut:
    figures = services.store.own_answers.progress(name)
    return LabelingProgressOut(
        answered=figures["answered"],
        left=figures["left"],
        today_minutes=_minutes_today(name, services),
        gold=gold_agreement(services.store.gold.quality_checks(name)),
    )


def _minutes_today(name: str, services: Services) -> float:
    hour = int(services.store.now() // HOUR_SECONDS)
    today = services.store.tallies.all(since_hour=hour - hour % DAY_HOURS)
    return round(sum(t.seconds for t in today if t.labeler == name) / 60, 1)


def gold_agreement(checks: list[QualityCheck]) -> GoldAgreementOut:
    """Return how often a labeler agreed with known answers, in steps of ten."""
    known = [c.is_right for c in checks if c.kind == "gold" and c.is_right is not None]
    counted = known[: len(known) - len(known) % GOLD_STEP]
    right, n = sum(counted), len(counted)
    if n == 0:
        message = "Not enough known answers yet to say anything."
        return GoldAgreementOut(right=0, n=0, message=message)
    message = f"You agreed with {right} of {n} known answers."
    if n < GOLD_ENOUGH:
        message += f" That is not enough to judge by; from {GOLD_ENOUGH} on it is."
    return GoldAgreementOut(right=right, n=n, message=message)
