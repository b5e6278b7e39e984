"""The app: every part of it in one list."""

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from prefloop.store.store import Store
from prefloop.web import dashboard, health, pages, team
from prefloop.web.config import WebSettings
from prefloop.web.errors import ErrorBody, handle_errors
from prefloop.web.security import Door
from prefloop.web.templating import STATIC


def create_app(store: Store, settings: WebSettings) -> FastAPI:
    """Return the app that serves a store's pages and its interface for programs."""
    app = FastAPI(
        title="prefloop",
        openapi_url="/api/openapi.json",
        # Their pages load scripts from elsewhere; docs/reference/api.md says the same.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses={422: {"model": ErrorBody}},
    )
    app.state.store = store
    app.state.settings = settings
    for part in (health, pages, dashboard, team):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    handle_errors(app)
    app.add_middleware(Door, settings=settings)
    return app
