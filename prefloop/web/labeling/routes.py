"""The API of labelers: claim assignments, answer, withdraw answers, list the own answers.

The routes of claims and answers are asynchronous: they wait for the disk without holding a thread,
because a team sends hundreds a second. What they await is committed in groups.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool

from prefloop.errors import ConflictError
from prefloop.label_types.label_type import LabelType
from prefloop.label_types.types import label_type
from prefloop.records import Label
from prefloop.store.labeling.holds import HARMFUL
from prefloop.store.labeling.receipts import Receipt
from prefloop.store.labeling.submissions import position_name
from prefloop.teamwork import Assignment, Submission, Timing
from prefloop.web.http.errors import ApiError
from prefloop.web.http.messages import refusals
from prefloop.web.http.reasons import require_known_reasons
from prefloop.web.http.sessions import LabelerCaller
from prefloop.web.labeling.admission import is_known_ready, judge_introduction, require_ready
from prefloop.web.labeling.messages import (
    AnswerBody,
    AssignmentIds,
    AssignmentOut,
    AssignmentsOut,
    ClaimRequest,
    ExplanationOut,
    LeasedOut,
    OwnAnswerOut,
    OwnAnswersOut,
    ReceiptOut,
    SampleTextOut,
)
from prefloop.web.services.callers import Caller
from prefloop.web.services.rendered_text import rendered
from prefloop.web.services.services import Services, ServicesDep
from prefloop.web.strings import english, refusal

router = APIRouter(tags=["labeling"])

RANDOM = random.SystemRandom()
"""Nobody can predict the next assignment, nor the order of its samples."""


@router.post("/api/claims", responses=refusals(401, 403, 409), response_model_exclude_unset=True)
async def claim(body: ClaimRequest, caller: LabelerCaller, services: ServicesDep) -> AssignmentsOut:
    """Return assignments, leased to the caller for some minutes.

    Those that the caller holds already come first: two tabs show the same one.
    """
    if not is_known_ready(caller.person.id, services):
        await run_in_threadpool(require_ready, caller.name, caller.person.id, services)
    found = await _claimed(caller, services, body.n)
    if services.settings.renders_markdown or not services.clock.is_known():
        return await run_in_threadpool(_assignments, found, services)
    return _assignments(found, services)


async def _claimed(caller: Caller, services: Services, n: int) -> list[Assignment]:
    intake, policy = services.store.queue.claims, services.settings.claims
    if intake.had_nothing(caller.name, policy) and await run_in_threadpool(
        intake.is_nothing_left, caller.name, policy
    ):
        return []
    claimed = services.writer.claim(caller.name, n=n, rng=RANDOM, policy=policy)
    try:
        return await asyncio.wrap_future(claimed)
    except ConflictError:
        await run_in_threadpool(_require_unchanged, caller, services)
        raise


@router.post("/api/claims/renew", responses=refusals(401, 403))
def renew(body: AssignmentIds, caller: LabelerCaller, services: ServicesDep) -> LeasedOut:
    """Renew the leases of assignments that are still on screen; return which are leased now.

    One whose comparison another labeler has by now is not among them; an answer to it is still
    accepted.
    """
    return LeasedOut(assignments=services.store.queue.renew(body.assignments, caller.name))


@router.delete("/api/claims", status_code=204, responses=refusals(401, 403))
def give_back(body: AssignmentIds, caller: LabelerCaller, services: ServicesDep) -> None:
    """End the leases of assignments that the caller will not answer now."""
    services.store.queue.give_back(body.assignments, caller.name)


@router.put(
    "/api/answers/{answer_id}",
    responses=refusals(401, 403, 404, 409),
    response_model_exclude_unset=True,
)
async def answer(
    answer_id: UUID, body: AnswerBody, caller: LabelerCaller, services: ServicesDep
) -> ReceiptOut:
    """Store an answer; when this returns, it is on the disk.

    The id is chosen by the client. Sending the same answer again changes nothing and gives the same
    response, so a client retries until it gets one.
    """
    require_known_reasons(body.details, services.settings.reasons)
    submission = _submission(answer_id, body, caller.name)
    receipt = await asyncio.wrap_future(services.writer.submit(submission))
    if receipt.known is not None:
        # The last answer of the introduction decides at once whether earlier labels count.
        await run_in_threadpool(judge_introduction, caller.name, caller.person.id, services)
    if receipt.reason == "not_yours":
        await run_in_threadpool(_require_unchanged, caller, services)
    return _saved(receipt)


@router.delete("/api/answers/{answer_id}", responses=refusals(401, 403, 404, 409))
def take_back(answer_id: UUID, caller: LabelerCaller, services: ServicesDep) -> ReceiptOut:
    """Withdraw an answer, as long as its batch is open."""
    return _saved(services.store.answers.withdraw(str(answer_id), caller.name))


@router.get("/api/answers", responses=refusals(401, 403), response_model_exclude_unset=True)
def mine(
    caller: LabelerCaller, services: ServicesDep, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> OwnAnswersOut:
    """Return the caller's latest answers with their texts, newest first."""
    found = services.store.own_answers.latest(caller.name, limit)
    can_edit = services.store.own_answers.can_edit(label.id for _, label in found)
    is_rendered = services.settings.renders_markdown
    return OwnAnswersOut(
        answers=[
            _own(assignment, label, can_edit=label.id in can_edit, is_rendered=is_rendered)
            for assignment, label in found
        ]
    )


def _assignments(found: Sequence[Assignment], services: Services) -> AssignmentsOut:
    now, is_rendered = services.clock.now(), services.settings.renders_markdown
    return AssignmentsOut(
        assignments=[_assignment(each, now, is_rendered=is_rendered) for each in found]
    )


def _assignment(assignment: Assignment, now: float, *, is_rendered: bool) -> AssignmentOut:
    out = AssignmentOut(
        assignment_id=assignment.id,
        label_type=_type_of(assignment).name,
        prompt=assignment.prompt,
        samples=_texts(assignment, is_rendered=is_rendered),
        lease_seconds=max(0.0, assignment.leased_until - now),
    )
    # Gold and retest questions look like regular ones; only training is marked as such.
    if assignment.kind == "training":
        out.is_training = True
    if is_rendered:
        out.prompt_html = rendered(assignment.prompt)
    return out


def _texts(assignment: Assignment, *, is_rendered: bool) -> list[SampleTextOut]:
    # By position: from a sample's id a labeler could infer its model and round.
    return [
        SampleTextOut(
            id=position_name(position),
            text=sample.text,
            **({"html": rendered(sample.text)} if is_rendered else {}),
        )
        for position, sample in enumerate(assignment.samples)
    ]


def _type_of(assignment: Assignment) -> LabelType:
    return label_type(assignment.label_type, len(assignment.samples))


def _submission(answer_id: UUID, body: AnswerBody, labeler: str) -> Submission:
    return Submission(
        label=Label(
            id=str(answer_id),
            # Labelers do not know it, nor the samples' ids; the store finds them by the assignment.
            comparison_id="",
            labeler=labeler,
            answer=body.answer,
            chosen=body.chosen,
            details=body.details,
            shown=tuple(body.shown),
            seconds=body.seconds,
            instructions=body.instructions,
            note=body.note,
            confidence=body.confidence,
        ),
        assignment_id=body.assignment_id,
        timing=Timing(
            active_seconds=body.active_seconds,
            first_key_seconds=body.first_key_seconds,
            device=body.device,
        ),
        replaces=body.replaces,
        is_harmful=body.is_harmful or body.note.startswith(HARMFUL),
    )


def _require_unchanged(caller: Caller, services: Services) -> None:
    """Ask for the request again if another process has changed its caller while it was on its way.

    Whoever was locked out or erased is refused then.
    """
    person = services.store.people.by_id(caller.person.id)
    if person is None or (person.name, person.disabled_at) != (caller.name, None):
        services.forget_names()
        raise ApiError(503, "renamed", refusal("login.changed"), {"Retry-After": "1"})


def _saved(receipt: Receipt) -> ReceiptOut:
    """Return the response to an answer that was stored; an ApiError if it was not."""
    if receipt.outcome not in ("stored", "same", "late"):
        raise _not_stored(receipt)
    message = english("answering.late") if receipt.outcome == "late" else ""
    saved = ReceiptOut(outcome=receipt.outcome, message=message)
    if receipt.known is not None:
        saved.training = ExplanationOut(
            is_right=receipt.is_right,
            known=receipt.known,
            explanation=receipt.explanation,
            html=rendered(receipt.explanation) or "",
        )
    return saved


def _not_stored(receipt: Receipt) -> ApiError:
    values = {"problems": receipt.problems} if receipt.problems else {}
    message = refusal(f"answer.{receipt.reason}", **values)
    if receipt.reason == "not_yours":
        return ApiError(404, "unknown", message)
    return ApiError(422 if receipt.outcome == "refused" else 409, receipt.outcome, message)


def _own(
    assignment: Assignment, label: Label, *, can_edit: bool, is_rendered: bool
) -> OwnAnswerOut:
    names = {sample.id: position_name(i) for i, sample in enumerate(assignment.samples)}
    label = _type_of(assignment).renamed(label, names)
    out = OwnAnswerOut(
        id=label.id,
        assignment_id=assignment.id,
        label_type=_type_of(assignment).name,
        prompt=assignment.prompt,
        samples=_texts(assignment, is_rendered=is_rendered),
        answer=label.answer,
        chosen=label.chosen,
        details=dict(label.details),
        note=label.note,
        can_edit=can_edit,
    )
    if is_rendered:
        out.prompt_html = rendered(assignment.prompt)
    return out
