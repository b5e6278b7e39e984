"""What the owner does with people: invite, disable, publish instructions, gold, rules.

`app.py` lets only owners in. The pages that call this are in `team_pages.py`.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from prefloop.teamwork import Exclusion, Gold, Person
from prefloop.web.http.errors import ApiError
from prefloop.web.http.sessions import Owner
from prefloop.web.labeling.messages import Number, refusals
from prefloop.web.services.instructions_cache import html
from prefloop.web.services.services import Here, Services
from prefloop.web.services.status_text import action_told
from prefloop.web.team.messages import (
    Draft,
    Invite,
    NewGold,
    NewInstructions,
    NewPerson,
    NewRule,
    NewToken,
    People,
    PersonNow,
    Preview,
    Published,
    QuestionsAsked,
    Release,
    Released,
    Rules,
    TeamNow,
    Token,
    TokenNow,
    Tokens,
)
from prefloop.web.team.questions_asked import questions_asked
from prefloop.web.team.work import team_work

router = APIRouter(tags=["team"])

INVITE_HOURS = 72
Name = Annotated[str, Path(max_length=200)]


@router.get("/api/team", responses=refusals(401, 403))
def team(_caller: Owner, here: Here, version: str | None = None) -> TeamNow:
    """Return everybody's work and how far it can be trusted, under one version or all."""
    return team_work(here, version)


@router.get("/api/people", responses=refusals(401, 403))
def people(_caller: Owner, here: Here) -> People:
    """Return everybody who may log in, and who could once."""
    return People(people=[_person(person, here) for person in here.store.people.all()])


@router.post("/api/people", status_code=201, responses=refusals(401, 403))
def add(body: NewPerson, _caller: Owner, here: Here) -> PersonNow:
    """Add somebody. They get in with a code of an invitation."""
    return _person(here.store.people.add(body.name, body.role), here)


@router.post("/api/people/{person_id}/invites", status_code=201, responses=refusals(401, 403, 404))
def invite(person_id: Name, _caller: Owner, here: Here) -> Invite:
    """Return a code that lets somebody in once, within three days."""
    _known(person_id, here)
    expires_at = here.store.now() + 3600 * INVITE_HOURS
    return Invite(code=here.store.access.invite(person_id, INVITE_HOURS), expires_at=expires_at)


@router.post("/api/people/{person_id}/disable", responses=refusals(401, 403, 404, 409))
def disable(person_id: Name, caller: Owner, here: Here) -> PersonNow:
    """Lock somebody out at once; their labels stay."""
    if person_id == caller.person.id:
        raise ApiError(409, "oneself", "You cannot lock yourself out. Another owner can.")
    _known(person_id, here)
    here.store.people.disable(person_id)
    return _changed(person_id, here)


@router.post("/api/people/{person_id}/enable", responses=refusals(401, 403, 404))
def enable(person_id: Name, _caller: Owner, here: Here) -> PersonNow:
    """Let somebody in again; they need a new code."""
    _known(person_id, here)
    here.store.people.enable(person_id)
    return _changed(person_id, here)


@router.post("/api/people/{person_id}/pass", responses=refusals(401, 403, 404))
def let_through(person_id: Name, _caller: Owner, here: Here) -> PersonNow:
    """Let somebody label whose answers in the introduction were not as expected."""
    _known(person_id, here)
    here.store.people.qualify(person_id, has_passed=True)
    return _changed(person_id, here)


@router.get("/api/people/{person_id}/tokens", responses=refusals(401, 403, 404))
def tokens(person_id: Name, _caller: Owner, here: Here) -> Tokens:
    """Return somebody's keys for programs."""
    _known(person_id, here)
    found = here.store.access.tokens(person_id)
    return Tokens(
        tokens=[
            TokenNow(id=token_id, name=name, created_at=made, revoked_at=revoked)
            for token_id, name, made, revoked in found
        ]
    )


@router.post("/api/people/{person_id}/tokens", status_code=201, responses=refusals(401, 403, 404))
def new_token(person_id: Name, body: NewToken, _caller: Owner, here: Here) -> Token:
    """Return a key with which a program labels in somebody's name."""
    _known(person_id, here)
    token_id, secret = here.store.access.new_token(person_id, body.name)
    return Token(id=token_id, secret=secret)


@router.delete("/api/tokens/{token_id}", status_code=204, responses=refusals(401, 403))
def revoke(token_id: Name, _caller: Owner, here: Here) -> None:
    """End a key at once; one that has ended stays so."""
    here.store.access.revoke_token(token_id)
    here.callers.forget_all()


@router.post("/api/instructions/preview", responses=refusals(401, 403))
def preview(body: Draft, _caller: Owner) -> Preview:
    """Return instructions as labelers will see them; nothing is stored."""
    return Preview(html=html(body.text))


@router.post("/api/instructions", status_code=201, responses=refusals(401, 403))
def publish(body: NewInstructions, caller: Owner, here: Here) -> Published:
    """Put a version of the instructions in force. Labels name it, so its words stay."""
    stored = here.store.instructions.publish(
        body.version, body.question, body.text, body.is_major, caller.name
    )
    here.guide.forget()
    readers = "everybody reads it first" if stored.is_major else "nobody is interrupted"
    told = f"Version {stored.version} is in force; {readers}."
    return Published(version=stored.version, told=told)


@router.get("/api/questions", responses=refusals(401, 403))
def questions(
    _caller: Owner,
    here: Here,
    before: Number | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    known: bool = False,
) -> QuestionsAsked:
    """Return questions, newest first, with the answers to them; with `known`, the gold pool."""
    return questions_asked(here, before=before, limit=limit, known=known)


@router.post("/api/gold", status_code=201, responses=refusals(401, 403))
def add_gold(body: NewGold, caller: Owner, here: Here) -> NewGold:
    """Mark the best sample of a question as known."""
    record = Gold(
        comparison_id=body.comparison,
        chosen=body.chosen,
        explanation=body.explanation,
        is_training=body.is_training,
        created_by=caller.name,
    )
    here.store.gold.add(record)
    here.quality.renew()
    return body


@router.delete("/api/gold/{comparison}", status_code=204, responses=refusals(401, 403))
def end_gold(comparison: Name, _caller: Owner, here: Here) -> None:
    """Take a question out of the pool; the answers to it stay."""
    here.store.gold.end(comparison)
    here.quality.renew()


@router.get("/api/rules", responses=refusals(401, 403))
def rules(_caller: Owner, here: Here) -> Rules:
    """Return every exclusion."""
    return Rules(rules=here.store.exclusions.all())


@router.post("/api/rules", status_code=201, responses=refusals(401, 403))
def apply_rule(body: NewRule, caller: Owner, here: Here) -> Exclusion:
    """Leave somebody's answers out, from the next batch on. Nothing is deleted."""
    rule = here.store.exclusions.apply(body.name, body.labeler, body.reason, caller.name)
    here.quality.renew()
    return rule


@router.delete("/api/rules/{rule_id}", responses=refusals(401, 403))
def undo_rule(rule_id: Name, caller: Owner, here: Here) -> Exclusion:
    """Let somebody's answers count again."""
    rule = here.store.exclusions.undo(rule_id, caller.name)
    here.quality.renew()
    return rule


@router.post("/api/cord/{cord_id}/release", responses=refusals(401, 403))
def release(cord_id: Name, body: Release, caller: Owner, here: Here) -> Released:
    """Let the run go on, from where it stands or from an earlier checkpoint."""
    cord = here.store.stop_requests.release(
        cord_id, caller.name, body.checked, body.action, body.roll_back_to
    )
    return Released(told=f"The run is {action_told(cord)}.")


def _known(person_id: str, here: Services) -> Person:
    person = here.store.people.by_id(person_id)
    if person is None:
        raise ApiError(404, "unknown", "There is nobody with this id. Look at the list of people.")
    return person


def _changed(person_id: str, here: Services) -> PersonNow:
    here.callers.forget_all()
    return _person(_known(person_id, here), here)


def _person(person: Person, here: Services) -> PersonNow:
    return PersonNow(
        id=person.id,
        name=person.name,
        role=person.role,
        created_at=person.created_at,
        disabled_at=person.disabled_at,
        introduction=person.qualification,
        read_instructions=here.store.instructions.acknowledged(person.id),
    )
