"""People watch the policy while it trains: live questions, a stop, and waiting for judgment.

A thin stream of blind questions compares the policy with the reference on training prompts. Their
answers train nothing. If people like the policy less, the run stops by a stop request, as labelers
stop it; if nobody judges it for long, it waits. Questions are asked and answers read between two
updates; no random number of the training depends on them.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from prefloop.audits.live import LIVE_WATCH, LiveView, is_own, look_at, write_live_audit
from prefloop.evaluation.estimates import pair_by_prompt
from prefloop.evaluation.people_figures import asked_pairs
from prefloop.evaluation.people_verdicts import judging_question
from prefloop.figures.live import stop_text
from prefloop.figures.text import counted
from prefloop.policy.stage import PolicyStage
from prefloop.records import REFERENCE, Prompt
from prefloop.run.live_budget import used_up
from prefloop.run.monitor import WAITING_FOR_JUDGMENT, RunMonitor
from prefloop.run.schedule import questions_due
from prefloop.run.waiting import STALL_SECONDS, PeopleLabeling, publish
from prefloop.samples.draw import SampleDrawer
from prefloop.seeding import numpy_stream
from prefloop.settings.run import RunConfig
from prefloop.teamwork import LIVE

POLL_SECONDS = 1.0
"""Time between two looks for an answer, while the policy waits."""

OPEN_AT_ONCE = 8
"""So many live questions wait for an answer at most."""

SHOWN_LOST = 6
"""So many of the policy's texts that were not taken come with a stop."""


class LiveWatch:
    """The live questions of one run; nothing where its labelers are no people."""

    def __init__(
        self,
        config: RunConfig,
        monitor: RunMonitor,
        people: PeopleLabeling,
        policy: PolicyStage,
        drawer: SampleDrawer,
        prompts: Mapping[str, Prompt],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = config.audits.live
        self.is_on = config.asks_live
        self.monitor = monitor
        self.people = people
        self.policy = policy
        self.drawer = drawer
        self.seed = config.seed
        self._prompts = prompts
        self._sleep = sleep
        self._known: LiveView | None = None

    @cached_property
    def prompts(self) -> Sequence[Prompt]:
        """The training prompts, in the order in which they are asked about."""
        train = [prompt for prompt in self._prompts.values() if prompt.split == "train"]
        order = numpy_stream(self.seed, "live prompts").permutation(len(train))
        return [train[int(i)] for i in order]

    def attend(self) -> None:
        """Ask what is due, look at the answers, and wait where nobody has judged for too long.

        Called before every update. A store that is away is asked next time, as long as the policy
        may go on by what was known last; then it is waited for.
        """
        view = (self._try_look() or self._wait_for_store()) if self.is_on else None
        if view is None:
            return
        self._judge(view)
        if reason := self._used_up(view):
            self._wait(reason)
        elif n := self._n_due(view):
            self._ask(n, view)

    def is_used_up(self) -> bool:
        """Whether the policy may go no further before somebody judges it, as far as is known."""
        view = (self._try_look() or self._last_known()) if self.is_on else None
        return view is not None and bool(self._used_up(view))

    def close(self) -> None:
        """Ask no more: the run has trained its last policy."""
        if self.is_on:
            self.monitor.store.live.close(self._look().open)
        self.write_down()

    def write_down(self) -> None:
        """Write down what people have said by now; also in a run that asks no more, for a stop may
        have been released meanwhile."""
        self._write(self._look())

    def _look(self) -> LiveView:
        self._known = look_at(self.monitor.store, self.settings.alpha)
        return self._known

    def _try_look(self) -> LiveView | None:
        found: list[LiveView] = []
        self.monitor.try_query(lambda store: found.append(look_at(store, self.settings.alpha)))
        self._known = found[0] if found else self._known
        return found[0] if found else None

    def _last_known(self) -> LiveView | None:
        """Return the newest view, unless a roll back took back the policy that it is about."""
        known = self._known
        return None if known is None or known.judged_update > self.policy.update else known

    def _wait_for_store(self) -> LiveView | None:
        """Return nothing where the policy may go on by what was known last; else wait for a view.

        Without it neither an answer nor a stop by people would be seen, however long it takes.
        """
        if reason := self._reason_to_wait():
            self.policy.ensure_checkpoint()
            self.monitor.say(
                f"The policy waits for the store: {reason}, and whether they have judged it since "
                f"must be read first. A checkpoint of update {self.policy.update} is written; it "
                "goes on by itself when the store answers."
            )
            view = self._look()  # The run's own store is patient, and fails with what never ends.
            self.monitor.check_stop("while waiting for labels")
            return view
        return None

    def _reason_to_wait(self) -> str:
        limits = self.settings.updates_without_judgment, self.settings.nats_without_judgment
        if known := self._last_known():
            return self._used_up(known)
        if limits == (None, None):
            return ""
        if self._known is not None:
            return "the policy went back to before what people judged last"
        return "what people have judged was not read yet"

    def _n_due(self, view: LiveView) -> int:
        """Return how many questions are due, as far as there is room for them."""
        newest = max((q.update for q in view.questions), default=view.figures.since_update)
        total, now = self.policy.trainer.config.updates, self.policy.update
        due = questions_due(self.settings.questions, total, after=newest, until=now)
        return max(0, min(due, OPEN_AT_ONCE - len(view.open)))

    def _ask(self, n: int, view: LiveView) -> None:
        """Ask so many questions about the policy as it is now, on the prompts that are next."""
        first = view.n_asked_ever % len(self.prompts)
        prompts = [*self.prompts[first:], *self.prompts[:first]][:n]
        model, draw = self.policy.current_name, self.drawer.draw
        ours = draw(prompts, model=model, round=self.monitor.round, purpose="live", per_prompt=1)
        theirs = draw(prompts, model=REFERENCE, round=0, purpose="live", per_prompt=1)
        pairs = asked_pairs(pair_by_prompt(ours, theirs))
        store = self.monitor.store
        store.add_comparisons([judging_question(pair) for pair in pairs.values()])
        publish(store, self.people.task)
        samples = {name: pair[0].id for name, pair in pairs.items()}
        store.live.ask(samples, model=model, update=self.policy.update)

    def _judge(self, view: LiveView) -> None:
        """Write down what people said; stop the run if they like the policy less."""
        self._write(view)
        if not view.figures.is_crossed:
            return
        requests = self.monitor.store.stop_requests
        active = requests.active()
        if active is None or not is_own(self.monitor.store, active.id, active.pulled_by):
            requests.pull(LIVE_WATCH, stop_text(view.figures), view.lost[:SHOWN_LOST])
        self.monitor.check_stop("between policy updates")

    def _write(self, view: LiveView) -> None:
        """Write the figures where anything was ever asked: a count that begins again says so."""
        if view.n_asked_ever:
            write_live_audit(self.policy.run, view.figures)

    def _used_up(self, view: LiveView) -> str:
        """Return why the policy must wait for people; empty if it need not."""
        judged, kls = view.judged_update, self.policy.watch.kls()
        return used_up(self.settings, update=self.policy.update, judged=judged, kls=kls)

    def _wait(self, reason: str) -> None:
        """Ask about the policy as it is now, and wait until somebody answers."""
        self.policy.ensure_checkpoint()
        self._renew(self._look())
        n = len(self._look().open)
        self.monitor.say(
            f"The policy waits for people: {reason}. A checkpoint of update {self.policy.update} "
            f"is written, and {counted(n, 'question')} about it lie on the labeling page; one "
            "answer lets it go on. To go on without people, start the run again with "
            "audits.live.questions=0."
        )
        self.people.say_if_nobody()
        self.monitor.count(WAITING_FOR_JUDGMENT, 0, n, reason)
        self._wait_for_answer(n)
        self.monitor.count(WAITING_FOR_JUDGMENT, n, n)

    def _wait_for_answer(self, n: int) -> None:
        looked_at, asked = time.monotonic(), 0
        while True:
            view = self._look()
            self._judge(view)
            reason = self._used_up(view)
            if not reason:
                return
            if asked < len(self.prompts) and self.monitor.store.queue.is_exhausted(LIVE):
                self._renew(view, is_forced=True)
                asked += OPEN_AT_ONCE
            if time.monotonic() - looked_at >= STALL_SECONDS:
                self._say_stall()
                looked_at = time.monotonic()
            self.monitor.report(WAITING_FOR_JUDGMENT, 0, n, reason)
            self.monitor.check_stop("while waiting for labels")
            self._sleep(POLL_SECONDS)

    def _renew(self, view: LiveView, *, is_forced: bool = False) -> None:
        """Ask about the policy as it is now, and about no earlier one."""
        now = {q.comparison_id for q in view.questions if q.update == self.policy.update}
        self.monitor.store.live.close(view.open - now)
        if n := OPEN_AT_ONCE - (0 if is_forced else len(view.open & now)):
            self._ask(n, view)

    def _say_stall(self) -> None:
        batch = self.monitor.store.queue.batch(LIVE)
        if batch is not None and self.monitor.store.queue.waited_for(LIVE):
            self.people.say_stall(batch)
        elif not self.people.say_if_nobody():
            self.monitor.say(
                "Nobody with an account can be asked about the policy: everybody has seen every "
                "training prompt, or skips. Add people (prefloop team add --help), or start the "
                "run again with audits.live.questions=0."
            )
