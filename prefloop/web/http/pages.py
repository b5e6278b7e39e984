"""The pages for all roles: login, labeling, instructions, own answers."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

from prefloop.label_types.types import TYPES, widget_path
from prefloop.store.labeling.holds import HARMFUL
from prefloop.web.http.sessions import BrowserCaller, LabelerBrowser
from prefloop.web.http.templating import page
from prefloop.web.services.services import ServicesDep

public = APIRouter(include_in_schema=False)
router = APIRouter(include_in_schema=False)

START = {"owner": "/dashboard", "viewer": "/dashboard", "labeler": "/label"}


@public.get("/login")
async def login(request: Request, services: ServicesDep) -> HTMLResponse:
    """Return the login page."""
    return page(request, "login.html.jinja", run=services.settings.run_name)


@public.get("/static/label_types/{name}/widget.js")
async def widget(name: str) -> FileResponse:
    """Return the script that shows a label type on the labeling page."""
    if name not in TYPES:
        raise HTTPException(404)
    return FileResponse(widget_path(name))


@router.get("/")
async def start(caller: BrowserCaller) -> RedirectResponse:
    """Redirect to the start page of the caller's role."""
    return RedirectResponse(START[caller.role], status_code=303)


@router.get("/label")
async def label(request: Request, caller: LabelerBrowser) -> HTMLResponse:
    """Return the labeling page, which requests assignments by itself."""
    return page(request, "label.html.jinja", person=caller.person, harmful_reason=HARMFUL)


@router.get("/instructions")
async def instructions(request: Request, caller: BrowserCaller) -> HTMLResponse:
    """Return the page of the instructions in force."""
    return page(request, "instructions.html.jinja", person=caller.person)


@router.get("/mine")
async def mine(request: Request, caller: LabelerBrowser) -> HTMLResponse:
    """Return the page of the caller's latest answers."""
    return page(request, "mine.html.jinja", person=caller.person)
