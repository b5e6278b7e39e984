"""The API for owners: people, instructions, gold, exclusions, releasing the cord.

`app.py` admits owners only. The pages that call it are in `pages.py`.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from prefloop.teamwork import Exclusion, Gold, Person
from prefloop.web.http.errors import ApiError
from prefloop.web.http.messages import Number, refusals
from prefloop.web.http.sessions import OwnerCaller
from prefloop.web.services.instructions_cache import html
from prefloop.web.services.services import Services, ServicesDep
from prefloop.web.services.status_text import action_text
from prefloop.web.team.comparisons import list_comparisons
from prefloop.web.team.messages import (
    ComparisonsOut,
    ExclusionsOut,
    InstructionsDraft,
    InviteOut,
    NewExclusion,
    NewGold,
    NewInstructions,
    NewName,
    NewPerson,
    NewToken,
    NewTokenOut,
    PeopleOut,
    PersonOut,
    PreviewOut,
    PublishedOut,
    Release,
    ReleasedOut,
    TeamOut,
    TokenOut,
    TokensOut,
)
from prefloop.web.team.work import team_work

router = APIRouter(tags=["team"])

INVITE_HOURS = 72
PathId = Annotated[str, Path(max_length=200)]


@router.get("/api/team", responses=refusals(401, 403))
def team(_caller: OwnerCaller, services: ServicesDep, version: str | None = None) -> TeamOut:
    """Return the work and quality figures of all labelers, under one version or all."""
    return team_work(services, version)


@router.get("/api/people", responses=refusals(401, 403))
def people(_caller: OwnerCaller, services: ServicesDep) -> PeopleOut:
    """Return all people, disabled ones included."""
    codes = services.store.access.open_codes()
    return PeopleOut(
        people=[
            _person(person, services).model_copy(update={"code_expires_at": codes.get(person.id)})
            for person in services.store.people.all()
        ]
    )


@router.post("/api/people", status_code=201, responses=refusals(401, 403))
def add(body: NewPerson, _caller: OwnerCaller, services: ServicesDep) -> PersonOut:
    """Add a person, who then logs in with an invite code."""
    return _person(services.store.people.add(body.name, body.role), services)


@router.post("/api/people/{person_id}/invites", status_code=201, responses=refusals(401, 403, 404))
def invite(person_id: PathId, _caller: OwnerCaller, services: ServicesDep) -> InviteOut:
    """Return a code with which a person logs in once, within three days; it ends the one before."""
    _known(person_id, services)
    expires_at = services.store.now() + 3600 * INVITE_HOURS
    return InviteOut(
        code=services.store.access.invite(person_id, INVITE_HOURS), expires_at=expires_at
    )


@router.delete(
    "/api/people/{person_id}/invites", status_code=204, responses=refusals(401, 403, 404)
)
def end_code(person_id: PathId, _caller: OwnerCaller, services: ServicesDep) -> None:
    """End the code that a person has not used yet, if there is one."""
    _known(person_id, services)
    services.store.access.end_code(person_id)


@router.post("/api/people/{person_id}/disable", responses=refusals(401, 403, 404, 409))
def disable(person_id: PathId, caller: OwnerCaller, services: ServicesDep) -> PersonOut:
    """Disable an account at once; its labels stay."""
    if person_id == caller.person.id:
        raise ApiError(409, "oneself", "You cannot lock yourself out. Another owner can.")
    _known(person_id, services)
    services.store.people.disable(person_id)
    return _changed(person_id, services)


@router.post("/api/people/{person_id}/enable", responses=refusals(401, 403, 404))
def enable(person_id: PathId, _caller: OwnerCaller, services: ServicesDep) -> PersonOut:
    """Enable an account again; the person needs a new code."""
    _known(person_id, services)
    services.store.people.enable(person_id)
    return _changed(person_id, services)


@router.post("/api/people/{person_id}/rename", responses=refusals(401, 403, 404))
def rename(
    person_id: PathId, body: NewName, _caller: OwnerCaller, services: ServicesDep
) -> PersonOut:
    """Change a person's name, also on all answers that are signed with it."""
    _known(person_id, services)
    services.store.people.rename(person_id, body.name)
    services.forget_names()
    return _changed(person_id, services)


@router.post("/api/people/{person_id}/erase", responses=refusals(401, 403, 404, 409))
def erase(person_id: PathId, caller: OwnerCaller, services: ServicesDep) -> PersonOut:
    """Take a person's name and notes out of the store, for good; the answers stay."""
    if person_id == caller.person.id:
        raise ApiError(409, "oneself", "You cannot erase yourself. Another owner can.")
    _known(person_id, services)
    services.store.people.erase(person_id)
    services.forget_names()
    return _changed(person_id, services)


@router.post("/api/people/{person_id}/pass", responses=refusals(401, 403, 404))
def qualify(person_id: PathId, caller: OwnerCaller, services: ServicesDep) -> PersonOut:
    """Qualify a labeler who failed the training questions: from now on their answers count."""
    _known(person_id, services)
    services.store.exclusions.qualify(person_id, has_passed=True, by=caller.name)
    services.quality.invalidate()
    return _changed(person_id, services)


@router.get("/api/people/{person_id}/tokens", responses=refusals(401, 403, 404))
def tokens(person_id: PathId, _caller: OwnerCaller, services: ServicesDep) -> TokensOut:
    """Return a person's tokens for programs."""
    _known(person_id, services)
    found = services.store.access.tokens(person_id)
    return TokensOut(
        tokens=[
            TokenOut(id=token_id, name=name, created_at=made, revoked_at=revoked)
            for token_id, name, made, revoked in found
        ]
    )


@router.post("/api/people/{person_id}/tokens", status_code=201, responses=refusals(401, 403, 404))
def new_token(
    person_id: PathId, body: NewToken, _caller: OwnerCaller, services: ServicesDep
) -> NewTokenOut:
    """Return a token with which a program labels in a person's name."""
    _known(person_id, services)
    token_id, secret = services.store.access.new_token(person_id, body.name)
    return NewTokenOut(id=token_id, secret=secret)


@router.delete("/api/tokens/{token_id}", status_code=204, responses=refusals(401, 403))
def revoke(token_id: PathId, _caller: OwnerCaller, services: ServicesDep) -> None:
    """Revoke a token at once; one that was revoked before stays so."""
    services.store.access.revoke_token(token_id)
    services.callers.forget_all()


@router.post("/api/instructions/preview", responses=refusals(401, 403))
def preview(body: InstructionsDraft, _caller: OwnerCaller) -> PreviewOut:
    """Return instructions as labelers will see them; nothing is stored."""
    return PreviewOut(html=html(body.text))


@router.post("/api/instructions", status_code=201, responses=refusals(401, 403))
def publish(body: NewInstructions, caller: OwnerCaller, services: ServicesDep) -> PublishedOut:
    """Publish a version of the instructions. Labels name it, so it cannot change later."""
    stored = services.store.instructions.publish(
        body.version, body.question, body.text, body.is_major, caller.name
    )
    services.instructions.invalidate()
    readers = "everybody reads it first" if stored.is_major else "nobody is interrupted"
    message = f"Version {stored.version} is in force; {readers}."
    return PublishedOut(version=stored.version, message=message)


@router.get("/api/questions", responses=refusals(401, 403))
def questions(
    _caller: OwnerCaller,
    services: ServicesDep,
    before: Number | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    known: bool = False,
) -> ComparisonsOut:
    """Return comparisons with their answers, newest first; with `known`, only gold."""
    return list_comparisons(services, before=before, limit=limit, known=known)


@router.post("/api/gold", status_code=201, responses=refusals(401, 403))
def add_gold(body: NewGold, caller: OwnerCaller, services: ServicesDep) -> NewGold:
    """Mark the best sample of a comparison as known."""
    record = Gold(
        comparison_id=body.comparison,
        chosen=body.chosen,
        explanation=body.explanation,
        is_training=body.is_training,
        created_by=caller.name,
    )
    services.store.gold.add(record)
    services.quality.invalidate()
    return body


@router.delete("/api/gold/{comparison}", status_code=204, responses=refusals(401, 403))
def end_gold(comparison: PathId, _caller: OwnerCaller, services: ServicesDep) -> None:
    """Remove a comparison from gold; the answers to it stay."""
    services.store.gold.end(comparison)
    services.quality.invalidate()


@router.get("/api/exclusions", responses=refusals(401, 403))
def exclusions(_caller: OwnerCaller, services: ServicesDep) -> ExclusionsOut:
    """Return all exclusions."""
    return ExclusionsOut(exclusions=services.store.exclusions.all())


@router.post("/api/exclusions", status_code=201, responses=refusals(401, 403))
def exclude(body: NewExclusion, caller: OwnerCaller, services: ServicesDep) -> Exclusion:
    """Leave a labeler's answers out, from the next batch on. Nothing is deleted."""
    exclusion = services.store.exclusions.apply(body.name, body.labeler, body.reason, caller.name)
    services.quality.invalidate()
    return exclusion


@router.delete("/api/exclusions/{exclusion_id}", responses=refusals(401, 403))
def undo_exclusion(exclusion_id: PathId, caller: OwnerCaller, services: ServicesDep) -> Exclusion:
    """Undo an exclusion: the labeler's answers count again."""
    exclusion = services.store.exclusions.undo(exclusion_id, caller.name)
    services.quality.invalidate()
    return exclusion


@router.post("/api/cord/{stop_request_id}/release", responses=refusals(401, 403))
def release(
    stop_request_id: PathId, body: Release, caller: OwnerCaller, services: ServicesDep
) -> ReleasedOut:
    """Resume the run, from its current state or from an earlier checkpoint."""
    request = services.store.stop_requests.release(
        stop_request_id, caller.name, body.checked, body.action, body.roll_back_to
    )
    strings = services.settings.owners_strings
    action = action_text(request, strings)
    return ReleasedOut(message=strings.text("status.released", action=action))


def _known(person_id: str, services: Services) -> Person:
    person = services.store.people.by_id(person_id)
    if person is None:
        raise ApiError(404, "unknown", "There is nobody with this id. Look at the list of people.")
    return person


def _changed(person_id: str, services: Services) -> PersonOut:
    services.callers.forget_all()
    return _person(_known(person_id, services), services)


def _person(person: Person, services: Services) -> PersonOut:
    return PersonOut(
        id=person.id,
        name=person.name,
        role=person.role,
        created_at=person.created_at,
        disabled_at=person.disabled_at,
        qualification=person.qualification,
        read_instructions=services.store.instructions.acknowledged(person.id),
    )
