"""For whom each open batch of questions is: the owner's API, and its part of the page of work."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from prefloop.teamwork import Batch
from prefloop.web.http.messages import RequestBody, Text, refusals
from prefloop.web.http.sessions import OwnerCaller
from prefloop.web.http.templating import owners_page
from prefloop.web.services import status_text
from prefloop.web.services.services import Services, ServicesDep

router = APIRouter(tags=["team"])

Round = Annotated[int, Path(ge=-(2**31), lt=2**31)]


class ForWhom(RequestBody):
    """For whom a batch is to be."""

    people: Text = Field(max_length=20_000)
    """Names, one a line, each alone or with a share of the answers, as `ann=0.5`. Empty: whoever is
    free."""


class BatchShareOut(BaseModel):
    """Somebody whom a batch is for."""

    labeler: str
    share: float | None
    """Of the answers that it wants; null: any number."""


class BatchForOut(BaseModel):
    """A batch that is open, and for whom."""

    round: int
    """Of questions whose answers are verdicts a negative number."""
    title: str
    wanted: int
    answered: int
    shares: list[BatchShareOut]
    """Nobody: for whoever is free."""
    message: str


class OpenBatchesOut(BaseModel):
    """The batches that are open, oldest first."""

    batches: list[BatchForOut]


@router.get("/api/batches", responses=refusals(401, 403))
def batches(_caller: OwnerCaller, services: ServicesDep) -> OpenBatchesOut:
    """Return the open batches of questions, and for whom they are."""
    return open_batches(services)


@router.put("/api/batches/{round}/shares", responses=refusals(401, 403))
def assign(
    round: Round, body: ForWhom, caller: OwnerCaller, services: ServicesDep
) -> OpenBatchesOut:
    """Give an open batch to some people, by share, or to whoever is free."""
    texts = [line.strip() for line in body.people.splitlines() if line.strip()]
    shares = services.store.batch_shares.read(texts)
    services.store.batch_shares.assign(round, shares, caller.name)
    return open_batches(services)


@router.get("/team/parts/batches", include_in_schema=False)
def batches_part(request: Request, _caller: OwnerCaller, services: ServicesDep) -> HTMLResponse:
    """Return the part of the page of work that says whom the open batches are for."""
    return owners_page(request, "batches.html.jinja", batches=open_batches(services).batches)


def open_batches(services: Services) -> OpenBatchesOut:
    """Return the open batches of questions, and for whom they are."""
    found = [batch for batch in services.store.queue.batches() if batch.frozen_at is None]
    return OpenBatchesOut(batches=[_batch(batch, services) for batch in found])


def _batch(batch: Batch, services: Services) -> BatchForOut:
    shares, strings = services.store.batch_shares.of(batch.round), services.settings.owners_strings
    return BatchForOut(
        round=batch.round,
        title=status_text.batch_title(batch, strings),
        wanted=batch.wanted,
        answered=batch.answered,
        shares=[BatchShareOut(labeler=name, share=share) for name, share in shares.items()],
        message=status_text.for_whom_text(shares, strings),
    )
