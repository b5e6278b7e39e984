"""Answers of many people, committed in groups by one thread (group commit).

A commit waits for the disk. Answers that arrive meanwhile are committed together in the next one,
so a hundred people wait hardly longer than one.
"""

import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from threading import Lock
from typing import NamedTuple, Self

from prefloop.errors import DiskError, StoreAwayError
from prefloop.store.labeling.answers import AnswerIntake
from prefloop.store.labeling.receipts import Receipt
from prefloop.teamwork import Submission

LARGEST_GROUP = 64

GATHER_SECONDS = 0.001
"""How long the writer waits for more submissions if the last group had several: clients that have
just got their receipts send again at once, and two half-full groups cost more than a full one."""


class _Queued(NamedTuple):
    submission: Submission
    receipt: Future[Receipt]


class GroupCommit:
    """One thread that commits the answers of all labelers."""

    def __init__(self, answers: AnswerIntake) -> None:
        self._answers = answers
        self._queued: deque[_Queued] = deque()
        self._lock = Lock()
        self._is_closed = False
        self._n_last = 0
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="prefloop-answers")

    def submit(self, submission: Submission) -> Future[Receipt]:
        """Return a future receipt; when it is done, the answer is on the disk."""
        receipt: Future[Receipt] = Future()
        # From here on it cannot be cancelled: an answer is stored even if its client disconnects.
        receipt.set_running_or_notify_cancel()
        with self._lock:
            if self._is_closed:
                raise StoreAwayError("The store is being closed. Send the answer again later.")
            self._queued.append(_Queued(submission, receipt))
            if len(self._queued) == 1:
                self._writer.submit(self._commit_next)
        return receipt

    def close(self) -> None:
        """Commit what is queued, refuse more, and end the thread."""
        with self._lock:
            self._is_closed = True
        while self._queued:
            self._writer.submit(int).result()
        self._writer.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _commit_next(self) -> None:
        """Commit a group. While anything is queued, one call of this is scheduled."""
        if self._n_last > 1 and len(self._queued) < LARGEST_GROUP:
            time.sleep(GATHER_SECONDS)
        with self._lock:
            self._n_last = min(len(self._queued), LARGEST_GROUP)
            group = [self._queued.popleft() for _ in range(self._n_last)]
            if self._queued:
                self._writer.submit(self._commit_next)
        self._commit(group)

    def _commit(self, group: Sequence[_Queued]) -> None:
        try:
            receipts = self._answers.submit([each.submission for each in group])
        except (DiskError, StoreAwayError) as error:
            # None of the submissions caused this, and an immediate retry would fail too.
            for each in group:
                each.receipt.set_exception(error)
            return
        except BaseException as error:
            if len(group) == 1:
                group[0].receipt.set_exception(error)
            else:
                self._commit_each(group)
            raise
        for each, receipt in zip(group, receipts, strict=True):
            each.receipt.set_result(receipt)

    def _commit_each(self, group: Sequence[_Queued]) -> None:
        """Commit one by one, each whether or not the others fail."""
        with ExitStack() as all_of_them:
            for each in reversed(group):
                all_of_them.callback(self._commit, [each])
