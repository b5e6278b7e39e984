"""Stop requests: a run that is asked to stop writes a checkpoint and waits for its owner.

The owner releases the request. The run then goes on from where it stands, or rolls back to an
earlier checkpoint.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from prefloop.progress import StopPoint
from prefloop.run.best_effort import BestEffortStore
from prefloop.store.store import Store
from prefloop.teamwork import StopRequest

POLL_SECONDS = 1.0
"""Between two looks whether a request was released."""
ITS_RULE = "nothing: `audits.on_alarm` is `roll_back`, and this is the alarm's first of its round"
"""What was checked where nobody was asked."""
TRAINER = "the trainer"
"""Who asks to stop when a checkpoint that the owner chose cannot be read."""


class AnswersItself(Protocol):
    """Answers a stop request in its owner's place."""

    def __call__(self, request: StopRequest, checkpoints: Sequence[int]) -> int | None:
        """Return the checkpoint to roll back to; None: its owner decides."""


def leave_to_owner(request: StopRequest, checkpoints: Sequence[int]) -> int | None:
    """Answer nothing."""
    return None


class RollBack(Exception):
    """The run is to go on from an earlier checkpoint; raised at a safe point."""

    def __init__(self, request: StopRequest) -> None:
        super().__init__(f"roll back to update {request.roll_back_to}")
        self.request = request


class Pausable(Protocol):
    """What a stop request pauses: the policy in training."""

    @property
    def update(self) -> int:
        """Updates that were made."""

    @property
    def checkpoints(self) -> Sequence[int]:
        """Updates that the policy can be rolled back to."""

    @property
    def rolled_back_by(self) -> str:
        """The id of the request that last rolled it back; empty if none did."""

    def ensure_checkpoint(self) -> None:
        """Write a checkpoint of the current update, unless there is one."""


class StopRequestWatch:
    """Looks for stop requests at safe points, and waits until they are released."""

    def __init__(
        self,
        store: Store,
        best_effort: BestEffortStore,
        *,
        say: Callable[[str], None],
        report_stopped: Callable[[str], None],
        sleep: Callable[[float], None],
    ) -> None:
        self._store = store
        self._best_effort = best_effort
        self._say = say
        self._report_stopped = report_stopped
        self._sleep = sleep
        self._policy: Pausable | None = None
        self._handled: set[str] = set()
        self._answer: AnswersItself = leave_to_owner

    def attach(self, policy: Pausable, answer: AnswersItself = leave_to_owner) -> None:
        """Pause this policy from now on, also for requests that were made before.

        `answer` may answer a request where the run has stopped, before its owner is waited for.
        """
        self._policy, self._answer = policy, answer
        requests = self._store.stop_requests.all()
        self._handled = {r.id for r in requests if r.released_at is not None}
        # A process that died before it rolled back has not rolled back, whatever came since.
        for number, request in enumerate(requests):
            later = requests[number + 1 :]
            is_last = not any(r.action == "roll_back" or r.pulled_by == TRAINER for r in later)
            if is_last and _is_owed(request, policy):
                self._handled.discard(request.id)

    def check(self, point: StopPoint) -> None:
        """Return at once, or, after a stop request, when the owner has released it.

        Raises RollBack if the release says so. If the store does not answer, the run goes on.
        """
        requests: list[StopRequest] = []
        if self._policy is None or not self._best_effort.try_query(
            lambda store: requests.extend(store.stop_requests.all())
        ):
            return
        for request in requests:
            if request.id not in self._handled:
                self._pause(request, self._policy, point)

    def _pause(self, request: StopRequest, policy: Pausable, point: StopPoint) -> None:
        """Wait until the request is released, then do what its release says."""
        if request.released_at is None:
            policy.ensure_checkpoint()
            self._report_stopped(f"{request.pulled_by}: {request.reason}")
            request = self._store.stop_requests.stopped(request.id, policy.update)
            said = f"{request.pulled_by} stopped the run {point}: {request.reason}"
            target = self._answer(request, policy.checkpoints)
            if target is not None:
                self._say(said)
                self._store.stop_requests.release(
                    request.id, request.pulled_by, ITS_RULE, "roll_back", target
                )
            else:
                self._say(
                    f"{said}\nA checkpoint of update {policy.update} is written. The run goes on "
                    "when its owner releases the stop on the dashboard."
                )
            request = self._wait_for_release(request)
        self._handled.add(request.id)
        self._say(f"{request.released_by} released the stop, having checked: {request.checked}")
        if request.action == "roll_back":
            raise RollBack(request)

    def _wait_for_release(self, request: StopRequest) -> StopRequest:
        while True:
            for found in self._store.stop_requests.all():
                if found.id == request.id and found.released_at is not None:
                    return found
            self._report_stopped(f"{request.pulled_by}: {request.reason}")
            self._sleep(POLL_SECONDS)


def _is_owed(request: StopRequest, policy: Pausable) -> bool:
    """Whether an earlier process was asked to roll back, and died before it had."""
    target = request.roll_back_to
    if request.released_at is None or request.action != "roll_back" or target is None:
        return False
    is_beyond = policy.update > target or target in policy.checkpoints
    return is_beyond and policy.update >= target and policy.rolled_back_by != request.id
