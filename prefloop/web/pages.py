"""The pages that everybody sees: log in, label, read the instructions, own answers."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from prefloop.web.templating import page

router = APIRouter(include_in_schema=False)


@router.get("/login")
async def login(request: Request) -> HTMLResponse:
    """Return the page where a code, or a name and a password, is typed."""
    return page(request, "login.html.jinja")
