"""Pages from templates, always escaped, with URLs of static files that contain a content hash."""

import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment

from prefloop.label_types.types import TYPES, widget_path
from prefloop.templates import template_environment

STATIC = Path(__file__).parents[1] / "static"


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    for_owners: bool = False,
    **shown: Any,
) -> HTMLResponse:
    """Return a rendered template.

    `person` (None: nobody), `path`, `run`, `strings` and `say` are always defined.
    """
    settings = request.app.state.settings
    strings = settings.owners_strings if for_owners else settings.strings
    always = {"path": request.url.path, "run": settings.run_name, "strings": strings}
    shown = {"person": None, **always, "say": strings.say, **shown}
    text = _environment().get_template(template).render(shown)
    return HTMLResponse(text, status_code=status, headers=headers)


def owners_page(request: Request, template: str, **shown: Any) -> HTMLResponse:
    """Return a rendered template of the owners' pages, in their language."""
    return page(request, template, for_owners=True, **shown)


@cache
def _environment() -> Environment:
    environment = template_environment("prefloop.web")
    environment.globals["static"] = static
    environment.globals["assets"] = assets
    environment.filters["moment"] = moment
    environment.globals["label_types"] = lambda: tuple(TYPES)
    return environment


def static(name: str) -> str:
    """Return the URL of a static file; it changes with the content, so browsers may cache it."""
    return f"/static/{name}?v={_digest(name, (STATIC / name).stat().st_mtime_ns)}"


def moment(seconds: float) -> dict[str, str]:
    """Return a time as ISO 8601, for the browser's local format, and as a text without scripts."""
    at = datetime.fromtimestamp(seconds, UTC)
    return {"iso": at.isoformat(timespec="seconds"), "message": f"{at:%d %b %Y, %H:%M} UTC"}


@cache
def assets() -> str:
    """Return a hash of all static files, by which an open page learns that it is outdated."""
    files = sorted(path for path in STATIC.rglob("*") if path.is_file())
    files += [widget_path(name) for name in TYPES]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


@cache
def _digest(name: str, _changed: int) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
