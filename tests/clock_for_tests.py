"""The database's clock, movable: leases and sessions in tests do not wait."""

import pytest
from sqlalchemy.engine import Connection

from prefloop.store.core import clock

HOUR_SECONDS = 3600.0


class MovableClock:
    """The database's own clock, ahead by what it jumped so far."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead_seconds = 0.0
        self._database_seconds = clock.database_seconds
        monkeypatch.setattr(clock, "database_seconds", self._read)

    def jump(self, seconds: float) -> None:
        """Move every store of this process forward, or back."""
        self._ahead_seconds += seconds

    def _read(self, connection: Connection) -> float:
        return self._database_seconds(connection) + self._ahead_seconds
