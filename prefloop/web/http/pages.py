"""The pages that everybody sees: log in, label, read the instructions, own answers."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from prefloop.web.http.sessions import Browser, Labeler
from prefloop.web.http.templating import page

public = APIRouter(include_in_schema=False)
router = APIRouter(include_in_schema=False)

START = {"owner": "/dashboard", "viewer": "/dashboard", "labeler": "/label"}


@public.get("/login")
async def login(request: Request) -> HTMLResponse:
    """Return the page where a code, or a name and a password, is typed."""
    return page(request, "login.html.jinja")


@router.get("/")
async def start(caller: Browser) -> RedirectResponse:
    """Lead everybody to what they are here for."""
    return RedirectResponse(START[caller.role], status_code=303)


@router.get("/label")
async def label(request: Request, caller: Labeler) -> HTMLResponse:
    """Return the labeling page. It holds no question: those come when they are asked for."""
    return page(request, "label.html.jinja", person=caller.person)


@router.get("/instructions")
async def instructions(request: Request, caller: Browser) -> HTMLResponse:
    """Return the page of the instructions in force."""
    return page(request, "instructions.html.jinja", person=caller.person)


@router.get("/mine")
async def mine(request: Request, caller: Labeler) -> HTMLResponse:
    """Return the page of one's own latest answers."""
    return page(request, "mine.html.jinja", person=caller.person)
