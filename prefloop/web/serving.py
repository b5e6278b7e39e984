"""Serving the app: on this machine only, unless a host is set."""

import logging
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from prefloop.errors import SettingsError
from prefloop.store.store import Store
from prefloop.web.app import create_app
from prefloop.web.config import WebSettings
from prefloop.web.http.connections import Connections, LimitedState, most_connections
from prefloop.web.http.requests import LimitedProtocol

SHUTDOWN_SECONDS = 10
"""How long running requests may take when the server stops."""

BACKLOG = 512


class Server(uvicorn.Server):
    """A server that calls `on_ready` with its address."""

    def __init__(
        self, app: FastAPI, settings: WebSettings, on_ready: Callable[[str], None]
    ) -> None:
        super().__init__(_config(app, settings))
        self.server_state = LimitedState(Connections(most_connections()))
        self._settings = settings
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, then call `on_ready`."""
        await super().startup(sockets)
        if not self.should_exit and sockets:
            self._on_ready(address(self._settings, sockets[0].getsockname()[1]))


def make_server(store: Store, settings: WebSettings, *, on_ready: Callable[[str], None]) -> Server:
    """Return a server that is not running yet; `run(sockets=[listening(settings)])` runs it."""
    return Server(create_app(store, settings), settings, on_ready)


def require_password(store: Store, settings: WebSettings) -> None:
    """Raise a SettingsError if the server is open to a network and no owner has a password."""
    if settings.is_loopback or store.people.has_owner_password():
        return
    raise SettingsError(
        f"Serving on {settings.host} lets others reach the run, and no owner has a password yet. "
        "Give one a password first (`prefloop team password RUN NAME`), or leave the host out to "
        "serve on this machine alone."
    )


def advice(settings: WebSettings) -> str | None:
    """Return a warning for a server open to a network without TLS; None if there is none."""
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
    """Return a socket that listens at the host and port; port 0 takes any free one."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host.strip("[]"), settings.port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error).removeprefix("bind(): ").rstrip(".")
        raise SettingsError(
            f"Port {settings.port} of {settings.host} cannot be used: {reason}. "
            "Choose another port, or 0 for any free one."
        ) from error
    listener.listen(BACKLOG)
    listener.set_inheritable(True)
    return listener


def address(settings: WebSettings, port: int) -> str:
    """Return the URL that people open."""
    if settings.origin is not None:
        return settings.origin
    scheme = "http" if settings.certificate is None else "https"
    host = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(
        settings.host, settings.host
    )
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _config(app: FastAPI, settings: WebSettings) -> uvicorn.Config:
    logging.getLogger("uvicorn.error").addFilter(_has_no_exception)
    return uvicorn.Config(
        app,
        http=LimitedProtocol,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Only a proxy on this machine is trusted for the client's address.
        proxy_headers=settings.origin is not None,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
    )


def _has_no_exception(record: logging.LogRecord) -> bool:
    """Whether to log a record: errors are logged by the app, without values."""
    return record.exc_info is None
