"""Requests as they come over the wire, with an end to how long one may be.

The parser keeps what it has read of a request's head, however long that is, and the app, which
counts the body, sees nothing of it before it is whole.
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD_BYTES = 64 * 2**10
LARGEST_REQUEST_BYTES = 4 * 2**20
"""Head, body, the signs between its chunks, and what follows. The app takes less of a body."""


class Requests(HttpToolsProtocol):
    """The requests of one connection. One that does not end is refused, and the connection ends."""

    _n_bytes = 0
    _is_head = True
    _has_begun = False

    def on_message_begin(self) -> None:
        """Count anew."""
        super().on_message_begin()
        self._n_bytes, self._is_head, self._has_begun = 0, True, True

    def on_headers_complete(self) -> None:
        """From here on the longer limit holds."""
        self._is_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Read on, unless there was too much."""
        self._has_begun = False
        super().data_received(data)
        # The piece in which a request begins may belong to the one before for the most part.
        if not self._has_begun:
            self._n_bytes += len(data)
        if self._is_head and self._n_bytes > LARGEST_HEAD_BYTES:
            self.send_400_response("The head of the request is too long.")
        elif self._n_bytes > LARGEST_REQUEST_BYTES:
            self.transport.close()
