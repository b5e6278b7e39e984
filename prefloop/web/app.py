"""The app: every part of it in one list."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import APIRouter, Depends, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.staticfiles import StaticFiles
from starlette.types import Lifespan

from prefloop.store.store import Store
from prefloop.web.config import WebSettings
from prefloop.web.dashboard import dashboard
from prefloop.web.http import health, login, pages
from prefloop.web.http.errors import handle_errors
from prefloop.web.http.security import SecurityMiddleware
from prefloop.web.http.sessions import Gate, everybody, owners, watchers, workers
from prefloop.web.http.templating import STATIC
from prefloop.web.labeling import cord, labeling, me
from prefloop.web.labeling.messages import ALWAYS, refusals
from prefloop.web.services.services import make_services
from prefloop.web.team import pages as team_pages
from prefloop.web.team import team

ROUTERS: tuple[tuple[APIRouter, Gate | None], ...] = (
    # The first, for it is asked most often.
    (labeling.router, workers),
    (health.router, None),
    (login.router, None),
    (pages.public, None),
    (pages.router, everybody),
    (me.router, everybody),
    (cord.router, everybody),
    (dashboard.router, watchers),
    (team.router, owners),
    (team_pages.router, owners),
)
"""Every part, and who is let in at all. A route may let in fewer, never more."""

SECTIONS = {
    "session": "Logging in and out, in a browser. Open to all.",
    "me": "What one may know of oneself. For everybody, and for programs.",
    "labeling": "Questions and answers. For labelers and owners, and for their programs.",
    "cord": "Stopping the run. For labelers and owners, and for their programs; all may look.",
    "dashboard": "How the run stands. For owners and viewers.",
    "team": "People, instructions, known answers, exclusions, releasing the cord. For owners.",
}
"""The parts of the interface for programs, and whom each is for."""


def create_app(store: Store, settings: WebSettings) -> FastAPI:
    """Return the app that serves a store's pages and its interface for programs."""
    app = empty_app(lifespan=_closing)
    app.state.settings = settings
    app.state.parts = make_services(store, settings)
    handle_errors(app)
    app.add_middleware(SecurityMiddleware, settings=settings)
    return app


def empty_app(lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """Return the app without a store: it knows what it could answer, and answers nothing."""
    app = FastAPI(
        lifespan=lifespan,
        title="prefloop",
        version=version("prefloop"),
        openapi_url="/api/openapi.json",
        openapi_tags=[{"name": name, "description": told} for name, told in SECTIONS.items()],
        # Their pages load scripts from elsewhere; docs/reference/api.md says the same.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=refusals(*ALWAYS),
    )
    for router, gate in ROUTERS:
        app.include_router(router, dependencies=[Depends(gate)] if gate else None)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


@asynccontextmanager
async def _closing(app: FastAPI) -> AsyncIterator[None]:
    yield
    await run_in_threadpool(app.state.parts.close)
