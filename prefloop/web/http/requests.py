"""The HTTP protocol of uvicorn with limits on the length of a request.

The parser buffers the head of a request, however long it is, and the app, which limits the body,
gets it only when it is complete.
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD_BYTES = 64 * 2**10
LARGEST_REQUEST_BYTES = 4 * 2**20
"""Head, body, chunk separators and trailers. The app allows less for a body."""


class LimitedProtocol(HttpToolsProtocol):
    """One connection. A request that is too long is refused, and the connection closed."""

    _n_bytes = 0
    _is_head = True
    _has_begun = False

    def on_message_begin(self) -> None:
        """Reset the counter."""
        super().on_message_begin()
        self._n_bytes, self._is_head, self._has_begun = 0, True, True

    def on_headers_complete(self) -> None:
        """Apply the longer limit from here on."""
        self._is_head = False
        super().on_headers_complete()

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
