"""The owner's pages about people, and the parts of them that are reloaded after a change."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from prefloop.teamwork import Exclusion, Instructions
from prefloop.web.http.messages import Number
from prefloop.web.http.sessions import OwnerCaller
from prefloop.web.http.templating import moment, owners_page
from prefloop.web.services.instructions_cache import html
from prefloop.web.services.services import Services, ServicesDep
from prefloop.web.team.assignment import open_batches
from prefloop.web.team.comparisons import list_comparisons
from prefloop.web.team.work import labelers_known, team_work

router = APIRouter(include_in_schema=False)

QUESTIONS_AT_ONCE = 10


@router.get("/team")
def work_page(
    request: Request, caller: OwnerCaller, services: ServicesDep, version: str | None = None
) -> HTMLResponse:
    """Return the page of all labelers' work, findings and exclusions."""
    return _page(
        request,
        caller,
        services,
        "team.html.jinja",
        team=team_work(services, version),
        batches=open_batches(services).batches,
        exclusions=_exclusions(services),
        names=labelers_known(services),
    )


@router.get("/team/parts/work")
def work_part(
    request: Request, _caller: OwnerCaller, services: ServicesDep, version: str | None = None
) -> HTMLResponse:
    """Return the table of all labelers' work."""
    return owners_page(request, "team_work.html.jinja", team=team_work(services, version))


@router.get("/team/parts/exclusions")
def exclusions_part(request: Request, _caller: OwnerCaller, services: ServicesDep) -> HTMLResponse:
    """Return the table of exclusions."""
    return owners_page(request, "exclusions.html.jinja", exclusions=_exclusions(services))


@router.get("/team/people")
def people_page(request: Request, caller: OwnerCaller, services: ServicesDep) -> HTMLResponse:
    """Return the page of all people."""
    return _page(request, caller, services, "people.html.jinja", **_people(services))


@router.get("/team/parts/people")
def people_part(request: Request, caller: OwnerCaller, services: ServicesDep) -> HTMLResponse:
    """Return the table of people."""
    shown = {"person": caller.person, **_people(services)}
    return owners_page(request, "people_list.html.jinja", **shown)


@router.get("/team/gold")
def gold_page(
    request: Request, caller: OwnerCaller, services: ServicesDep, known: bool = False
) -> HTMLResponse:
    """Return the page on which comparisons become gold."""
    asked = list_comparisons(services, before=None, limit=QUESTIONS_AT_ONCE, known=known)
    return _page(
        request,
        caller,
        services,
        "gold.html.jinja",
        asked=asked,
        known=known,
        n_known=len(services.store.gold.all()),
    )


@router.get("/team/parts/questions")
def questions_part(
    request: Request,
    _caller: OwnerCaller,
    services: ServicesDep,
    before: Number | None = None,
    known: bool = False,
) -> HTMLResponse:
    """Return the next comparisons."""
    asked = list_comparisons(services, before=before, limit=QUESTIONS_AT_ONCE, known=known)
    return owners_page(request, "questions.html.jinja", asked=asked, known=known)


@router.get("/team/instructions")
def instructions_page(request: Request, caller: OwnerCaller, services: ServicesDep) -> HTMLResponse:
    """Return the page for editing the next version of the instructions."""
    versions = services.store.instructions.all()
    current = versions[-1] if versions else None
    return _page(
        request,
        caller,
        services,
        "team_instructions.html.jinja",
        current=current,
        preview=html(current.text) if current else "",
        suggested=next_version(current.version) if current else "1",
        versions=_versions(services),
    )


@router.get("/team/parts/versions")
def versions_part(request: Request, _caller: OwnerCaller, services: ServicesDep) -> HTMLResponse:
    """Return the table of versions."""
    return owners_page(request, "team_versions.html.jinja", versions=_versions(services))


def next_version(version: str) -> str:
    """Return a name for the next version.

    >>> next_version("1"), next_version("2.9"), next_version("autumn")
    ('2', '2.10', 'autumn-2')
    """
    head, dot, last = version.rpartition(".")
    if last.isdecimal():
        return f"{head}{dot}{int(last) + 1}"
    return f"{version}-2"


def _page(
    request: Request, caller: OwnerCaller, services: Services, template: str, **shown: Any
) -> HTMLResponse:
    run = services.settings.run_name
    return owners_page(request, template, person=caller.person, run=run, **shown)


def _exclusions(services: Services) -> list[dict[str, Any]]:
    return [_exclusion(each) for each in reversed(services.store.exclusions.all())]


def _exclusion(exclusion: Exclusion) -> dict[str, Any]:
    undone = None if exclusion.undone_at is None else moment(exclusion.undone_at)
    return {"exclusion": exclusion, "applied": moment(exclusion.applied_at), "undone": undone}


def _people(services: Services) -> dict[str, Any]:
    current = services.instructions.current()
    rows = []
    codes, erased = services.store.access.open_codes(), services.store.people.erased()
    for person in services.store.people.all():
        tokens = [t for t in services.store.access.tokens(person.id) if t[3] is None]
        rows.append(
            {
                "person": person,
                "is_erased": person.id in erased,
                "added": moment(person.created_at),
                "code_until": moment(codes[person.id]) if person.id in codes else None,
                "read": services.store.instructions.acknowledged(person.id),
                "tokens": [{"id": t[0], "name": t[1], "made": moment(t[2])} for t in tokens],
            }
        )
    return {"people": rows, "version": current.version if current else None}


def _versions(services: Services) -> list[dict[str, Any]]:
    return [_version(version) for version in reversed(services.store.instructions.all())]


def _version(version: Instructions) -> dict[str, Any]:
    return {
        "version": version,
        "published": moment(version.created_at),
        "html": html(version.text),
    }
