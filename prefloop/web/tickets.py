"""What the server must know of a view to take an answer to it, without asking the store each time.

A view never changes, only its lease does, and an answer may come after that. So what was read once
stays true.
"""

import threading
from collections import OrderedDict
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool

from prefloop.store.queue import Queue
from prefloop.teamwork import View

KEPT_TICKETS = 20_000


class Ticket(NamedTuple):
    """A view without its texts."""

    comparison_id: str
    labeler: str
    is_training: bool


class Tickets:
    """The views that were handed out lately."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._kept: OrderedDict[str, Ticket] = OrderedDict()
        self._turn = threading.Lock()

    def keep(self, view: View) -> Ticket:
        """Remember a view, and return what is remembered of it."""
        ticket = Ticket(view.comparison_id, view.labeler, view.kind == "training")
        with self._turn:
            self._kept[view.id] = ticket
            while len(self._kept) > KEPT_TICKETS:
                self._kept.popitem(last=False)
        return ticket

    async def of(self, view_id: str, labeler: str) -> Ticket | None:
        """Return a labeler's view; None if there is none, or if it is somebody else's."""
        ticket = self._kept.get(view_id)
        if ticket is None:
            view = await run_in_threadpool(self._queue.view, view_id)
            ticket = None if view is None else self.keep(view)
        return ticket if ticket is not None and ticket.labeler == labeler else None
