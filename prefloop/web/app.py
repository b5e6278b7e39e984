"""The app: all routers in one list."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import Lifespan

from prefloop.store.store import Store
from prefloop.web.config import WebSettings
from prefloop.web.dashboard import routes as dashboard
from prefloop.web.http import health, login, pages
from prefloop.web.http.errors import handle_errors
from prefloop.web.http.messages import ALWAYS, refusals
from prefloop.web.http.security import SecurityMiddleware
from prefloop.web.http.sessions import (
    RoleDependency,
    require_labeler,
    require_login,
    require_owner,
    require_viewer,
)
from prefloop.web.http.templating import STATIC
from prefloop.web.labeling import me, stop_requests
from prefloop.web.labeling import routes as labeling
from prefloop.web.services.services import make_services
from prefloop.web.team import answer_routes, assignment
from prefloop.web.team import pages as team_pages
from prefloop.web.team import routes as team

ROUTERS: tuple[tuple[APIRouter, RoleDependency | None], ...] = (
    # The first, because it gets most of the requests.
    (labeling.router, require_labeler),
    (health.router, None),
    (login.router, None),
    (pages.public, None),
    (pages.router, require_login),
    (me.router, require_login),
    (stop_requests.router, require_login),
    (dashboard.router, require_viewer),
    (team.router, require_owner),
    (assignment.router, require_owner),
    (team_pages.router, require_owner),
    (answer_routes.router, require_owner),
    (answer_routes.pages, require_owner),
)
"""Every router with the roles that it is open to. A route may allow fewer, never more."""

SECTIONS = {
    "session": "Logging in and out, in a browser. Open to all.",
    "me": "The caller's own role, instructions and progress. For everybody, and for programs.",
    "labeling": "Assignments and answers. For labelers and owners, and for their programs.",
    "cord": "Stopping the run. For labelers and owners, and for their programs; all may look.",
    "dashboard": "The state of the run. For owners and viewers.",
    "team": "People, answers, instructions, known answers, exclusions, the cord. For owners.",
}
"""The tags of the API, and whom each is for."""


def create_app(store: Store, settings: WebSettings) -> FastAPI:
    """Return the app that serves the pages and the API of a store."""
    app = _with_routes({}, lifespan=_closing)
    app.openapi = _document  # type: ignore[method-assign]
    app.state.settings = settings
    app.state.services = make_services(store, settings)
    handle_errors(app)
    app.add_middleware(SecurityMiddleware, settings=settings)
    return app


def empty_app() -> FastAPI:
    """Return the app with all routes but without a store: for its OpenAPI document."""
    return _with_routes(refusals(*ALWAYS))


@cache
def _document() -> dict[str, Any]:
    """Return the OpenAPI document.

    What every route may be refused with stands there only. A server that carried it along would
    make half of its response models from it, a tenth of a second at its first requests.
    """
    return empty_app().openapi()


def _with_routes(
    responses: dict[int | str, dict[str, Any]], lifespan: Lifespan[FastAPI] | None = None
) -> FastAPI:
    """Return the app with all routes, each with these responses in the document."""
    app = FastAPI(
        lifespan=lifespan,
        title="prefloop",
        version=version("prefloop"),
        openapi_url="/api/openapi.json",
        openapi_tags=[{"name": name, "description": text} for name, text in SECTIONS.items()],
        # Their pages load scripts from other hosts; docs/reference/api.md has the same content.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=responses,
    )
    for router, requirement in ROUTERS:
        app.include_router(router, dependencies=[Depends(requirement)] if requirement else None)
        if router is pages.public:
            # After the one address below it that is no file, and before all others: FastAPI makes a
            # router ready, some hundredths of a second, when a request first gets as far as to it.
            # Nothing else is packed: where a secret stands beside what others wrote, lengths
            # betray it.
            app.mount("/static", GZipMiddleware(StaticFiles(directory=STATIC)), name="static")
    return app


@asynccontextmanager
async def _closing(app: FastAPI) -> AsyncIterator[None]:
    yield
    await run_in_threadpool(app.state.services.close)
