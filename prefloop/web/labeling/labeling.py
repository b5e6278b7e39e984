"""What a labeler does: take questions, answer, take back, look at the own answers.

An answer is a route of its own kind: it waits for the disk without holding a thread, because a team
sends hundreds a second.
"""

import asyncio
import random
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from prefloop.records import Label
from prefloop.store.labeling.submissions import NOT_YOURS, position_name
from prefloop.teamwork import Assignment, Receipt, Submission, Timing
from prefloop.web.http.errors import ApiError
from prefloop.web.http.sessions import Worker
from prefloop.web.labeling.admission import require_ready
from prefloop.web.labeling.messages import (
    AnswerBody,
    ClaimRequest,
    Explanation,
    Leased,
    OwnAnswer,
    OwnAnswers,
    Question,
    Questions,
    SampleText,
    Saved,
    ViewIds,
    refusals,
)
from prefloop.web.services.services import Here

router = APIRouter(tags=["labeling"])

RANDOM = random.SystemRandom()
"""Which question comes next, and in which order its samples stand, is nobody's to predict."""


@router.post("/api/claims", responses=refusals(401, 403, 409), response_model_exclude_unset=True)
def claim(body: ClaimRequest, caller: Worker, here: Here) -> Questions:
    """Return questions, leased to the caller for some minutes.

    A question that is leased to the caller already comes first: two tabs show the same one.
    """
    require_ready(caller.name, caller.person.id, here)
    policy = here.settings.claims
    views = here.store.queue.claim(caller.name, n=body.n, rng=RANDOM, policy=policy)
    now = here.clock.now()
    return Questions(views=[_question(view, now) for view in views])


@router.post("/api/claims/renew", responses=refusals(401, 403))
def renew(body: ViewIds, caller: Worker, here: Here) -> Leased:
    """Prolong the leases of views that are still on screen; return which are leased now.

    A question that went to somebody else meanwhile is not among them. An answer to it is taken all
    the same.
    """
    return Leased(views=here.store.queue.renew(body.views, caller.name))


@router.delete("/api/claims", status_code=204, responses=refusals(401, 403))
def give_back(body: ViewIds, caller: Worker, here: Here) -> None:
    """Let others have questions that the caller will not answer now."""
    here.store.queue.give_back(body.views, caller.name)


@router.put(
    "/api/answers/{answer_id}",
    responses=refusals(401, 403, 404, 409),
    response_model_exclude_unset=True,
)
async def answer(answer_id: UUID, body: AnswerBody, caller: Worker, here: Here) -> Saved:
    """Store an answer; when this returns, it is on the disk.

    The id is the client's own. Sending the same answer again changes nothing and is answered alike,
    so a client repeats until it hears back.
    """
    submission = _submission(answer_id, body, caller.name)
    return _saved(await asyncio.wrap_future(here.answers.submit(submission)))


@router.delete("/api/answers/{answer_id}", responses=refusals(401, 403, 404, 409))
def take_back(answer_id: UUID, caller: Worker, here: Here) -> Saved:
    """Take an answer back, as long as its batch is open."""
    return _saved(here.store.answers.withdraw(str(answer_id), caller.name))


@router.get("/api/answers", responses=refusals(401, 403))
def mine(caller: Worker, here: Here, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> OwnAnswers:
    """Return the caller's latest answers with their texts, newest first."""
    found = here.store.own_answers.latest(caller.name, limit)
    can_edit = here.store.own_answers.can_edit(label.id for _, label in found)
    return OwnAnswers(
        answers=[_own(view, label, can_edit=label.id in can_edit) for view, label in found]
    )


def _question(view: Assignment, now: float) -> Question:
    # Gold and repeats look like work; only a lesson says that it is one.
    example = {"is_training": True} if view.kind == "training" else {}
    return Question(
        view=view.id,
        prompt=view.prompt,
        samples=_texts(view),
        lease_seconds=max(0.0, view.leased_until - now),
        **example,
    )


def _texts(view: Assignment) -> list[SampleText]:
    # By place: from a sample's own id somebody could work out which model and round it is from.
    return [
        SampleText(id=position_name(place), text=sample.text)
        for place, sample in enumerate(view.samples)
    ]


def _place_of(sample_id: str, view: Assignment) -> str:
    return position_name([sample.id for sample in view.samples].index(sample_id))


def _submission(answer_id: UUID, body: AnswerBody, labeler: str) -> Submission:
    return Submission(
        label=Label(
            id=str(answer_id),
            # Labelers are not told which, nor the samples' ids; the store knows them by the view.
            comparison_id="",
            labeler=labeler,
            answer=body.answer,
            chosen=body.chosen,
            shown=tuple(body.shown),
            seconds=body.seconds,
            instructions=body.instructions,
            note=body.note,
            confidence=body.confidence,
        ),
        assignment_id=body.view,
        timing=Timing(
            active_seconds=body.active_seconds,
            first_key_seconds=body.first_key_seconds,
            device=body.device,
        ),
        replaces=body.replaces,
    )


def _saved(receipt: Receipt) -> Saved:
    """Return what the labeler hears of a receipt that says: stored. Refuse the others."""
    if receipt.outcome == "refused" and receipt.message == NOT_YOURS:
        raise ApiError(404, "unknown", receipt.message)
    if receipt.outcome == "refused":
        raise ApiError(422, "refused", receipt.message)
    if receipt.outcome == "conflict" or receipt.outcome == "closed":
        raise ApiError(409, receipt.outcome, receipt.message)
    saved = Saved(outcome=receipt.outcome, told=receipt.message)
    if receipt.known is not None:
        saved.training = Explanation(
            is_right=receipt.is_right, known=receipt.known, explanation=receipt.explanation
        )
    return saved


def _own(view: Assignment, label: Label, *, can_edit: bool) -> OwnAnswer:
    return OwnAnswer(
        id=label.id,
        view=view.id,
        prompt=view.prompt,
        samples=_texts(view),
        answer=label.answer,
        chosen=None if label.chosen is None else _place_of(label.chosen, view),
        note=label.note,
        confidence=label.confidence,
        can_edit=can_edit,
    )
