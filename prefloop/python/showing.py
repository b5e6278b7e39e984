"""Progress of what Python asked for: bars on a terminal and in a notebook, lines in a log."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefloop.cli.console import make_progress
from prefloop.progress import Progress, Silent
from prefloop.python.notebook import NotebookProgress, is_notebook


@contextmanager
def shown_progress(*, quiet: bool) -> Iterator[Progress]:
    """Give what shows progress while the block runs; nothing is shown if `quiet`."""
    if quiet:
        yield Silent()
        return
    progress = NotebookProgress() if is_notebook() else make_progress()
    try:
        yield progress
    finally:
        progress.close()
