"""The database's clock: the same for all processes and machines that use a store.

Leases, sessions and codes depend on it alone. Tests that set the clock replace `database_seconds`;
nothing else in the store reads the time.
"""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

# SQLite counts Julian days, from noon on 24 November 4714 BC; older versions have no other function
# with fractions of a second.
_SINCE_1970 = {
    "sqlite": (sa.func.julianday("now") - 2_440_587.5) * 86_400.0,
    "postgresql": sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double),
}


def now(connection: Connection) -> float:
    """Return the seconds since 1970, UTC."""
    return database_seconds(connection)


def database_seconds(connection: Connection) -> float:
    """Return the time of the database's clock; tests replace this function."""
    query = sa.select(_SINCE_1970[connection.dialect.name])
    return float(connection.execute(query).scalar_one())
