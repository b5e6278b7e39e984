"""The database's clock: one for all processes and machines that use a store.

Leases, sessions and codes are judged by it alone. A test that lets the clock jump replaces
`database_seconds`; nothing else in the store asks for the time.
"""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

# SQLite counts days from noon in Greenwich, 24 November 4714 BC; older ones know no other way to
# fractions of a second.
_SINCE_1970 = {
    "sqlite": (sa.func.julianday("now") - 2_440_587.5) * 86_400.0,
    "postgresql": sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double),
}


def now(connection: Connection) -> float:
    """Return the seconds since 1970, UTC."""
    return database_seconds(connection)


def database_seconds(connection: Connection) -> float:
    """Return what the database's clock shows; the one place where tests can move it."""
    query = sa.select(_SINCE_1970[connection.dialect.name])
    return float(connection.execute(query).scalar_one())
