"""The database's clock is carried on, and read again before it can have gone wrong for long."""

from prefloop.web.services.clock import QUERY_SECONDS, DatabaseClock
from tests.unit.web.services.test_rate_limits import Clock


def test_time_goes_on_between_readings_and_jumps_with_the_next() -> None:
    stopwatch, database = Clock(), Clock()
    clock = DatabaseClock(database, stopwatch)
    database.now = 50_000.0
    assert clock.now() == 50_000.0
    stopwatch.now += 4
    database.now += 3600
    assert clock.now() == 50_004.0
    stopwatch.now += QUERY_SECONDS
    assert clock.now() == 53_600.0
