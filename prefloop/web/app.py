"""The app: all routers in one list."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

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
    app = empty_app(lifespan=_closing)
    app.state.settings = settings
    app.state.services = make_services(store, settings)
    handle_errors(app)
    app.add_middleware(SecurityMiddleware, settings=settings)
    return app


def empty_app(lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """Return the app with all routes but without a store: for its OpenAPI document."""
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
        responses=refusals(*ALWAYS),
    )
    for router, requirement in ROUTERS:
        app.include_router(router, dependencies=[Depends(requirement)] if requirement else None)
    # Nothing else is packed: where a secret stands beside what others wrote, lengths betray it.
    app.mount("/static", GZipMiddleware(StaticFiles(directory=STATIC)), name="static")
    return app


@asynccontextmanager
async def _closing(app: FastAPI) -> AsyncIterator[None]:
    yield
    await run_in_threadpool(app.state.services.close)
