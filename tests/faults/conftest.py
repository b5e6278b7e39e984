"""Stores on a simulated disk, for the tests of what may go wrong outside the program."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from prefloop.store.store import Store
from tests.faults.apsw_driver import Driver
from tests.faults.simulated_disk import SimulatedDisk

OpenOn = Callable[[SimulatedDisk, Path], Store]


@pytest.fixture
def disk(request: pytest.FixtureRequest) -> Iterator[SimulatedDisk]:
    """A disk of our own, known to SQLite by the test's name."""
    made = SimulatedDisk(request.node.name)
    yield made
    made.scrap()


@contextmanager
def simulated(disk: SimulatedDisk) -> Iterator[None]:
    """Let every store that is opened here lie on the simulated disk."""
    create_engine = sa.create_engine
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sa, "create_engine", partial(create_engine, module=Driver(disk.name)))
        yield
