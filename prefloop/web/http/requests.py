"""The HTTP protocol of uvicorn with limits on the length of a request and on the time it takes.

The parser buffers the head of a request, however long it is, and the app, which limits the body,
gets it only when it is complete.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from prefloop.web.http.connections import LimitedState

LARGEST_HEAD_BYTES = 64 * 2**10
LARGEST_REQUEST_BYTES = 4 * 2**20
"""Head, body, chunk separators and trailers. The app allows less for a body."""


class LimitedProtocol(HttpToolsProtocol):
    """One connection. It is closed when a request is too long or takes too long."""

    _n_bytes = 0
    _is_head = True
    _has_begun = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assert isinstance(self.server_state, LimitedState)
        self._limits = self.server_state.limits

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection."""
        super().connection_made(transport)
        self._limits.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        super().connection_lost(exc)
        self._limits.closed(self)

    def abort(self) -> None:
        """Close the connection at once, whatever was not sent yet."""
        self.transport.abort()

    def on_message_begin(self) -> None:
        """Reset the counter."""
        super().on_message_begin()
        self._n_bytes, self._is_head, self._has_begun = 0, True, True

    def on_headers_complete(self) -> None:
        """Apply the longer limit from here on."""
        self._is_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Let the server take its time."""
        super().on_message_complete()
        self._whose_move()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._whose_move()

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        super().pause_writing()
        self._whose_move()

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        super().resume_writing()
        self._whose_move()

    def data_received(self, data: bytes) -> None:
        """Parse data, unless there was too much."""
        self._has_begun = False
        super().data_received(data)
        # The data in which a request begins may mostly belong to the one before.
        if not self._has_begun:
            self._n_bytes += len(data)
        if self._is_head and self._n_bytes > LARGEST_HEAD_BYTES:
            self.send_400_response("The head of the request is too long.")
        elif self._n_bytes > LARGEST_REQUEST_BYTES:
            self.transport.close()

    def _whose_move(self) -> None:
        """Start or stop the client's time: it runs unless a whole request is being answered."""
        cycle = self.cycle
        is_answering = not (cycle is None or cycle.response_complete or cycle.more_body)
        if is_answering and not self.flow.write_paused:
            self._limits.work_for(self)
        elif not self.transport.is_closing():
            self._limits.wait_for(self)
