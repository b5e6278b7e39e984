"""The owner's pages about people, and the parts of them that are asked for again after a change."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from prefloop.teamwork import Exclusion, Instructions
from prefloop.web.http.sessions import Owner
from prefloop.web.http.templating import page
from prefloop.web.labeling.messages import Number
from prefloop.web.services.instructions_cache import html
from prefloop.web.services.services import Here, Services
from prefloop.web.team.questions_asked import questions_asked
from prefloop.web.team.work import labelers_known, team_work

router = APIRouter(include_in_schema=False)

QUESTIONS_AT_ONCE = 10


@router.get("/team")
def work_page(
    request: Request, caller: Owner, here: Here, version: str | None = None
) -> HTMLResponse:
    """Return the page of everybody's work, with what stands out and who is excluded."""
    return _page(
        request,
        caller,
        here,
        "team.html.jinja",
        team=team_work(here, version),
        rules=_rules(here),
        names=labelers_known(here),
    )


@router.get("/team/parts/work")
def work_part(
    request: Request, _caller: Owner, here: Here, version: str | None = None
) -> HTMLResponse:
    """Return the table of everybody's work anew."""
    return page(request, "team_work.html.jinja", team=team_work(here, version))


@router.get("/team/parts/rules")
def rules_part(request: Request, _caller: Owner, here: Here) -> HTMLResponse:
    """Return the table of exclusions anew."""
    return page(request, "rules.html.jinja", rules=_rules(here))


@router.get("/team/people")
def people_page(request: Request, caller: Owner, here: Here) -> HTMLResponse:
    """Return the page of everybody who may log in."""
    return _page(request, caller, here, "people.html.jinja", **_people(here))


@router.get("/team/parts/people")
def people_part(request: Request, caller: Owner, here: Here) -> HTMLResponse:
    """Return the table of people anew."""
    shown = {"person": caller.person, **_people(here)}
    return page(request, "people_list.html.jinja", **shown)


@router.get("/team/gold")
def gold_page(request: Request, caller: Owner, here: Here, known: bool = False) -> HTMLResponse:
    """Return the page where questions get known answers."""
    asked = questions_asked(here, before=None, limit=QUESTIONS_AT_ONCE, known=known)
    return _page(
        request,
        caller,
        here,
        "gold.html.jinja",
        asked=asked,
        known=known,
        n_known=len(here.store.gold.all()),
    )


@router.get("/team/parts/questions")
def questions_part(
    request: Request, _caller: Owner, here: Here, before: Number | None = None, known: bool = False
) -> HTMLResponse:
    """Return the next questions."""
    asked = questions_asked(here, before=before, limit=QUESTIONS_AT_ONCE, known=known)
    return page(request, "questions.html.jinja", asked=asked, known=known)


@router.get("/team/instructions")
def instructions_page(request: Request, caller: Owner, here: Here) -> HTMLResponse:
    """Return the page where the next version of the instructions is written."""
    versions = here.store.instructions.all()
    current = versions[-1] if versions else None
    return _page(
        request,
        caller,
        here,
        "team_instructions.html.jinja",
        current=current,
        preview=html(current.text) if current else "",
        suggested=next_version(current.version) if current else "1",
        versions=_versions(here),
    )


@router.get("/team/parts/versions")
def versions_part(request: Request, _caller: Owner, here: Here) -> HTMLResponse:
    """Return the table of versions anew."""
    return page(request, "team_versions.html.jinja", versions=_versions(here))


def next_version(version: str) -> str:
    """Return the name that the next version would have.

    >>> next_version("1"), next_version("2.9"), next_version("autumn")
    ('2', '2.10', 'autumn-2')
    """
    head, dot, last = version.rpartition(".")
    if last.isdecimal():
        return f"{head}{dot}{int(last) + 1}"
    return f"{version}-2"


def moment(seconds: float) -> dict[str, str]:
    """Return a time for a page: as the browser reads it, and as a person does without one."""
    at = datetime.fromtimestamp(seconds, UTC)
    return {"iso": at.isoformat(timespec="seconds"), "told": f"{at:%d %b %Y, %H:%M} UTC"}


def _page(
    request: Request, caller: Owner, here: Services, template: str, **shown: Any
) -> HTMLResponse:
    run = here.settings.run_name
    return page(request, template, person=caller.person, run=run, **shown)


def _rules(here: Services) -> list[dict[str, Any]]:
    return [_rule(rule) for rule in reversed(here.store.exclusions.all())]


def _rule(rule: Exclusion) -> dict[str, Any]:
    undone = None if rule.undone_at is None else moment(rule.undone_at)
    return {"rule": rule, "applied": moment(rule.applied_at), "undone": undone}


def _people(here: Services) -> dict[str, Any]:
    current = here.guide.current()
    rows = []
    for person in here.store.people.all():
        tokens = [t for t in here.store.access.tokens(person.id) if t[3] is None]
        rows.append(
            {
                "person": person,
                "added": moment(person.created_at),
                "read": here.store.instructions.acknowledged(person.id),
                "tokens": [{"id": t[0], "name": t[1], "made": moment(t[2])} for t in tokens],
            }
        )
    return {"people": rows, "version": current.version if current else None}


def _versions(here: Services) -> list[dict[str, Any]]:
    return [_version(version) for version in reversed(here.store.instructions.all())]


def _version(version: Instructions) -> dict[str, Any]:
    return {
        "version": version,
        "published": moment(version.created_at),
        "html": html(version.text),
    }
