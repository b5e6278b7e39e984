"""Answers and claims of many people, committed in groups by one thread (group commit).

A commit waits for the disk. What arrives meanwhile is committed together in the next one, so a
hundred people wait hardly longer than one.
"""

import random
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from threading import Lock
from typing import NamedTuple, Self

from prefloop.errors import ConflictError, DiskError, StoreAwayError
from prefloop.store.labeling.answers import AnswerIntake
from prefloop.store.labeling.claim_intake import ClaimIntake
from prefloop.store.labeling.claims import Claim
from prefloop.store.labeling.receipts import Receipt
from prefloop.teamwork import Assignment, ClaimPolicy, Submission

LARGEST_GROUP = 64

MOST_CLAIMS = 16
"""Claims in a group: one that finds nothing passes every question, and others wait for it."""

GATHER_SECONDS = 0.001
"""How long the writer waits for more work if the last group had several: clients that have just
been answered send again at once, and two half-full groups cost more than a full one."""


class _Answer(NamedTuple):
    submission: Submission
    result: Future[Receipt]


class _Claim(NamedTuple):
    claim: Claim
    result: Future[list[Assignment]]


_Work = _Answer | _Claim


class GroupCommit:
    """One thread that commits the answers and claims of all labelers."""

    def __init__(self, answers: AnswerIntake, claims: ClaimIntake) -> None:
        self._answers = answers
        self._claims = claims
        self._queued: deque[_Work] = deque()
        self._lock = Lock()
        self._is_closed = False
        self._n_last = 0
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="prefloop-answers")

    def submit(self, submission: Submission) -> Future[Receipt]:
        """Return a future receipt; when it is done, the answer is on the disk."""
        work = _Answer(submission, Future())
        self._put(work)
        return work.result

    def claim(
        self, labeler: str, *, n: int, rng: random.Random, policy: ClaimPolicy
    ) -> Future[list[Assignment]]:
        """Return future assignments, as `Queue.claim` does; when it is done, they are on the disk.

        Its exception is what `Queue.claim` raises.
        """
        work = _Claim(Claim(labeler, n, rng, policy), Future())
        self._put(work)
        return work.result

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

    def _put(self, work: _Work) -> None:
        # From here on it cannot be cancelled: an answer is stored even if its client disconnects.
        work.result.set_running_or_notify_cancel()
        with self._lock:
            if self._is_closed:
                raise StoreAwayError("The store is being closed. Send this again later.")
            self._queued.append(work)
            if len(self._queued) == 1:
                self._writer.submit(self._commit_next)

    def _commit_next(self) -> None:
        """Commit a group. While anything is queued, one call of this is scheduled."""
        if self._n_last > 1 and len(self._queued) < LARGEST_GROUP:
            time.sleep(GATHER_SECONDS)
        with self._lock:
            group = self._next_group()
            self._n_last = len(group)
            if self._queued:
                self._writer.submit(self._commit_next)
        self._commit(group)

    def _next_group(self) -> list[_Work]:
        """Take what came first off the queue, as much as goes together."""
        group: list[_Work] = []
        n_claims = 0
        while self._queued and len(group) < LARGEST_GROUP:
            n_claims += isinstance(self._queued[0], _Claim)
            if n_claims > MOST_CLAIMS:
                break
            group.append(self._queued.popleft())
        return group

    def _commit(self, group: Sequence[_Work]) -> None:
        answers = [work for work in group if isinstance(work, _Answer)]
        claims = [work for work in group if isinstance(work, _Claim)]
        try:
            receipts, given = self._carry_out(answers, claims)
        except (DiskError, StoreAwayError) as error:
            # Nothing in the group caused this, and an immediate retry would fail too.
            for work in group:
                work.result.set_exception(error)
            return
        except BaseException as error:
            if len(group) == 1:
                group[0].result.set_exception(error)
            else:
                self._commit_each(group)
            raise
        self._claims.remember([work.claim for work in claims], given)
        for answer, receipt in zip(answers, receipts, strict=True):
            answer.result.set_result(receipt)
        for claim, found in zip(claims, given, strict=True):
            if isinstance(found, ConflictError):
                claim.result.set_exception(found)
            else:
                claim.result.set_result(found)

    def _carry_out(
        self, answers: Sequence[_Answer], claims: Sequence[_Claim]
    ) -> tuple[list[Receipt], list[list[Assignment] | ConflictError]]:
        """Do all of it in one transaction: the answers first, so that claims know of them."""
        with self._answers.writing() as connection:
            receipts = self._answers.submit_within(
                connection, [each.submission for each in answers]
            )
            given = self._claims.claim_within(connection, [each.claim for each in claims])
        return receipts, given

    def _commit_each(self, group: Sequence[_Work]) -> None:
        """Commit one by one, each whether or not the others fail."""
        with ExitStack() as all_of_them:
            for work in reversed(group):
                all_of_them.callback(self._commit, [work])
