"""The caller's own role, instructions, progress and agreement with gold."""

from typing import Annotated

from fastapi import APIRouter, Query

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
from prefloop.web.strings import english, refusal

router = APIRouter(tags=["me"])

GOLD_STEP = 10
"""Known answers are counted in steps: a count of one more would reveal a gold question."""

GOLD_ENOUGH = 30
"""The number of known answers from which they are evidence."""

MINUTE_SECONDS, HOUR_SECONDS, DAY_SECONDS = 60, 3600, 24 * 3600

UtcOffset = Annotated[int, Query(ge=-12 * 60, le=14 * 60)]
"""How many minutes the caller's clock is ahead of Greenwich; behind it the number is negative."""


@router.get("/api/me", responses=refusals(401, 403))
def me(caller: AnyCaller, services: ServicesDep, utc_offset_minutes: UtcOffset = 0) -> MeOut:
    """Return who is logged in, the instructions, and the progress.

    `progress.today_minutes` counts from midnight on the clock that `utc_offset_minutes` tells.
    """
    current = services.instructions.current()
    acknowledged = services.store.instructions.acknowledged(caller.person.id)
    return MeOut(
        name=caller.name,
        role=caller.role,
        csrf=caller.csrf,
        instructions=None if current is None else _instructions(current),
        acknowledged=acknowledged,
        must_read=services.instructions.must_read(acknowledged),
        progress=_progress(caller.name, services, utc_offset_minutes),
        settings=PageSettingsOut(
            strength=services.settings.asks_strength, reasons=list(services.settings.reasons)
        ),
    )


@router.post("/api/me/instructions", responses=refusals(401, 403, 404))
def acknowledge(body: Acknowledgment, caller: LabelerCaller, services: ServicesDep) -> MessageOut:
    """Record that a version of the instructions was read."""
    if services.store.instructions.by_version(body.version) is None:
        raise ApiError(404, "unknown", refusal("start.unknown_version"))
    services.store.instructions.acknowledge(caller.person.id, body.version)
    return MessageOut(message="Thank you.")


def _instructions(instructions: Instructions) -> InstructionsOut:
    return InstructionsOut(
        version=instructions.version,
        question=instructions.question,
        html=html(instructions.text),
        is_major=instructions.is_major,
    )


def _progress(name: str, services: Services, utc_offset_minutes: int) -> LabelingProgressOut:
    figures = services.store.own_answers.progress(name)
    return LabelingProgressOut(
        answered=figures["answered"],
        left=figures["left"],
        today_minutes=_minutes_today(name, services, utc_offset_minutes),
        gold=gold_agreement(services.store.gold.quality_checks(name)),
    )


def _minutes_today(name: str, services: Services, utc_offset_minutes: int) -> float:
    """Return the minutes of work since the person's midnight.

    Work is counted by the hour of Greenwich; where midnight falls within one, all of it counts.
    """
    offset = utc_offset_minutes * MINUTE_SECONDS
    local = services.store.now() + offset
    midnight = local - local % DAY_SECONDS - offset
    today = services.store.tallies.all(since_hour=int(midnight // HOUR_SECONDS))
    return round(sum(t.seconds for t in today if t.labeler == name) / 60, 1)


def gold_agreement(checks: list[QualityCheck]) -> GoldAgreementOut:
    """Return how often a labeler agreed with known answers, in steps of ten."""
    known = [c.is_right for c in checks if c.kind == "gold" and c.is_right is not None]
    known = known[: len(known) - len(known) % GOLD_STEP]
    right, n = sum(known), len(known)
    if n == 0:
        return GoldAgreementOut(right=0, n=0, message=english("progress.gold_none"))
    counted = {"right": str(right), "n": str(n)}
    if n < GOLD_ENOUGH:
        message = english("progress.gold_few", enough=str(GOLD_ENOUGH), **counted)
    else:
        message = english("progress.gold", **counted)
    return GoldAgreementOut(right=right, n=n, message=message)
