"""Progress of what Python asked for: bars on a terminal, lines in a notebook or a log."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefloop.cli.console import make_progress
from prefloop.progress import Progress, Silent


@contextmanager
def shown_progress(*, quiet: bool) -> Iterator[Progress]:
    """Give what shows progress while the block runs; nothing is shown if `quiet`."""
    if quiet:
        yield Silent()
        return
    progress = make_progress()
    try:
        yield progress
    finally:
        progress.close()
