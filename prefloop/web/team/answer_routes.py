"""The API and the page of labelers' answers, for owners.

`app.py` admits owners only.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from prefloop.store.labeling.adjudications import OwnersVerdict
from prefloop.store.labeling.answer_log import AnswerFilter, AnswerView
from prefloop.web.http.errors import ApiError
from prefloop.web.http.messages import Number, refusals
from prefloop.web.http.reasons import require_known_reasons
from prefloop.web.http.sessions import OwnerCaller
from prefloop.web.http.templating import owners_page
from prefloop.web.services.services import Services, ServicesDep
from prefloop.web.team.answer_messages import (
    AdjudicationOut,
    AnswersOut,
    NewAdjudication,
    OfVersion,
    WhoseAnswers,
)
from prefloop.web.team.answers import (
    adjudication_out,
    as_csv,
    as_jsonl,
    exported_rows,
    list_answers,
    question_out,
)
from prefloop.web.team.routes import PathId
from prefloop.web.team.work import labelers_known

router = APIRouter(tags=["team"])
pages = APIRouter(include_in_schema=False)

AT_ONCE = 10
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answers, as a file.",
        "content": {"text/csv": {}, "application/jsonl": {}},
    }
}


def _filter(
    view: AnswerView = "all", labeler: WhoseAnswers = None, version: OfVersion = None
) -> AnswerFilter:
    return AnswerFilter(view=view, labeler=labeler or None, version=version or None)


Wanted = Annotated[AnswerFilter, Depends(_filter)]


@router.get("/api/team/answers", responses=refusals(401, 403))
def answers(
    _caller: OwnerCaller,
    services: ServicesDep,
    wanted: Wanted,
    before: Number | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> AnswersOut:
    """Return questions with all their answers, those with the newest answer that fits first."""
    return list_answers(services, wanted, before=before, limit=limit)


@router.get(
    "/api/team/answers.{form}",
    responses=refusals(401, 403) | FILES,
    response_class=StreamingResponse,
)
def export(
    form: Literal["csv", "jsonl"], _caller: OwnerCaller, services: ServicesDep, wanted: Wanted
) -> StreamingResponse:
    """Return all answers that fit, as a file: one row each, with prompt, texts and note."""
    rows = exported_rows(services.store, wanted)
    lines, kind = (
        (as_csv(rows), "text/csv") if form == "csv" else (as_jsonl(rows), "application/jsonl")
    )
    headers = {"Content-Disposition": f'attachment; filename="answers.{form}"'}
    return StreamingResponse(lines, media_type=f"{kind}; charset=utf-8", headers=headers)


@router.post("/api/adjudications", status_code=201, responses=refusals(401, 403, 409))
def adjudicate(
    body: NewAdjudication, caller: OwnerCaller, services: ServicesDep
) -> AdjudicationOut:
    """Decide on a question: from the next batch on, training reads this in place of its labels.

    Another owner's verdict is replaced only by who names it; else the answer is 409 and says what
    stands.
    """
    require_known_reasons(body.details, services.settings.reasons)
    verdict = OwnersVerdict(
        comparison_id=body.comparison,
        answer=body.answer,
        chosen=body.chosen,
        details=body.details,
        reason=body.reason,
        replaces=body.replaces,
    )
    return adjudication_out(services.store.adjudications.decide(verdict, caller.name))


@router.delete(
    "/api/adjudications/{adjudication_id}", status_code=204, responses=refusals(401, 403)
)
def withdraw(adjudication_id: PathId, caller: OwnerCaller, services: ServicesDep) -> None:
    """Take an owner's verdict back: training reads the labels again."""
    services.store.adjudications.withdraw(adjudication_id, caller.name)


@router.delete("/api/holds/{comparison}", status_code=204, responses=refusals(401, 403))
def release(comparison: PathId, caller: OwnerCaller, services: ServicesDep) -> None:
    """Let a question be asked as before that was held because somebody flagged it as harmful."""
    services.store.holds.release(comparison, caller.name)


@pages.get("/team/answers")
def answers_page(
    request: Request, caller: OwnerCaller, services: ServicesDep, wanted: Wanted
) -> HTMLResponse:
    """Return the page of all answers."""
    return owners_page(
        request,
        "answers.html.jinja",
        person=caller.person,
        names=labelers_known(services),
        versions=[version.version for version in services.store.instructions.all()],
        current=_current(services),
        n_held=len(services.store.holds.in_force()),
        **_listed(services, wanted, None),
    )


@pages.get("/team/parts/answers")
def answers_part(
    request: Request,
    _caller: OwnerCaller,
    services: ServicesDep,
    wanted: Wanted,
    before: Number | None = None,
) -> HTMLResponse:
    """Return the next questions with their answers."""
    listed = _listed(services, wanted, before)
    return owners_page(
        request, "answered_questions.html.jinja", current=_current(services), **listed
    )


@pages.get("/team/parts/answers/{comparison}")
def answered_question(
    request: Request, comparison: PathId, _caller: OwnerCaller, services: ServicesDep
) -> HTMLResponse:
    """Return one question with its answers as it is now."""
    found = services.store.answer_log.question(comparison)
    if found is None:
        raise ApiError(404, "unknown", "There is no such question. Reload the page.")
    return owners_page(
        request,
        "answered_question.html.jinja",
        current=_current(services),
        question=question_out(found),
    )


def _listed(services: Services, wanted: AnswerFilter, before: int | None) -> dict[str, Any]:
    listed = list_answers(services, wanted, before=before, limit=AT_ONCE)
    return {"wanted": wanted, "listed": listed}


def _current(services: Services) -> str | None:
    current = services.instructions.current()
    return None if current is None else current.version
