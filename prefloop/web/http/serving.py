"""Serving the app: on this machine alone unless told otherwise, until it is told to stop."""

import logging
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from prefloop.errors import SettingsError
from prefloop.store.store import Store
from prefloop.web.app import create_app
from prefloop.web.config import WebSettings
from prefloop.web.http.requests import Requests

SHUTDOWN_SECONDS = 10
"""How long requests that are being answered may take when the server is to stop."""

BACKLOG = 512


class Server(uvicorn.Server):
    """A server that says when it can be reached."""

    def __init__(
        self, app: FastAPI, settings: WebSettings, on_ready: Callable[[str], None]
    ) -> None:
        super().__init__(_config(app, settings))
        self._settings = settings
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the door, then say at which address."""
        await super().startup(sockets)
        if not self.should_exit and sockets:
            self._on_ready(address(self._settings, sockets[0].getsockname()[1]))


def make_server(store: Store, settings: WebSettings, *, on_ready: Callable[[str], None]) -> Server:
    """Return a server that is not running yet; `run(sockets=[listening(settings)])` runs it."""
    return Server(create_app(store, settings), settings, on_ready)


def require_password(store: Store, settings: WebSettings) -> None:
    """Refuse to open the door to a network while no owner has a password."""
    if settings.is_loopback or store.people.has_owner_password():
        return
    raise SettingsError(
        f"Serving on {settings.host} lets others reach the run, and no owner has a password yet. "
        "Give one a password first (`prefloop team password RUN NAME`), or leave the host out to "
        "serve on this machine alone."
    )


def advice(settings: WebSettings) -> str | None:
    """Return what whoever opens the door to a network should know; None on one's own machine."""
    if settings.is_loopback or settings.certificate is not None:
        return None
    if settings.origin is not None and settings.is_secure:
        return None
    return (
        "Others can reach this server, and nothing encrypts what they send: browsers will not stay "
        "logged in. Give it a certificate and a key, or put a proxy with TLS before it and say "
        "under which address people reach that."
    )


def listening(settings: WebSettings) -> socket.socket:
    """Return a socket that waits at the host and port; port 0 takes any free one."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((settings.host.strip("[]"), settings.port))
    except OSError as error:
        door.close()
        raise SettingsError(
            f"Port {settings.port} of {settings.host} cannot be used: {error.strerror}. "
            "Choose another port, or 0 for any free one."
        ) from error
    door.listen(BACKLOG)
    door.set_inheritable(True)
    return door


def address(settings: WebSettings, port: int) -> str:
    """Return what people type to get here."""
    if settings.origin is not None:
        return settings.origin
    scheme = "http" if settings.certificate is None else "https"
    host = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(
        settings.host, settings.host
    )
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _config(app: FastAPI, settings: WebSettings) -> uvicorn.Config:
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    return uvicorn.Config(
        app,
        http=Requests,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Only a proxy on this machine is believed when it says who the client is.
        proxy_headers=settings.origin is not None,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
    )


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a line should be logged: bugs are logged by the app, without the texts in them."""
    return record.exc_info is None
