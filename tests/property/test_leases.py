"""Whatever labelers do, and in whatever order: the store agrees with a model of a few dictionaries.

After every step: at most one live label of a labeler on a question, leases and answers never beyond
what is wanted when a question is handed out, no event ever gone, and the tables are the fold of the
ledger.
"""

import json
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from prefloop.records import Event
from prefloop.store.core import clock
from prefloop.store.core.tables import labels
from prefloop.store.core.team_tables import quality_checks, queue
from prefloop.store.store import Store
from prefloop.teamwork import Assignment, ClaimPolicy, Submission
from tests.postgres import Cluster
from tests.property.queue_model import Given, Handed, Model
from tests.unit.store.asking_for_tests import answer, make_gold
from tests.unit.store.records_for_tests import fill

LABELERS = ("ann", "bob", "carl", "dora")
WANTED = {"c0": 1, "c1": 1, "c2": 2, "c3": 2, "c4": 3}
GOLD, TRAINING = (5, 6), (7,)
KINDS = ("best", "best", "tie", "all_bad", "skip", "flag")
PLAIN = ClaimPolicy(gold_share=0.0, retest_share=0.0)
MIXED = ClaimPolicy(gold_share=0.3, retest_share=0.6, training_items=1)

MakePlace = Callable[[], AbstractContextManager[str | Path]]
who = st.sampled_from(LABELERS)


class Labeling(RuleBasedStateMachine):
    """Labelers at work."""

    views: Bundle[Assignment] = Bundle("views")
    sent: Bundle[Submission] = Bundle("sent")

    def __init__(self, make_place: MakePlace) -> None:
        super().__init__()
        self.place_manager = make_place()
        self.place = self.place_manager.__enter__()
        self.now, self.numbers = 1_700_000_000.0, 0
        self.real_clock, clock.database_seconds = clock.database_seconds, self.seconds
        self.store = Store.open(self.place)
        self.model = Model(dict(WANTED))
        self.events: list[Event] = []

    def teardown(self) -> None:
        self.the_tables_are_the_fold_of_the_ledger()
        self.store.close()
        clock.database_seconds = self.real_clock
        self.place_manager.__exit__(None, None, None)

    @initialize()
    def open_the_batch(self) -> None:
        fill(self.store, 8)
        self.store.instructions.publish("3", "Which is best?", "Read.", False, "owner")
        self.store.queue.open_batch(0, list(WANTED.items()))
        make_gold(self.store, GOLD)
        make_gold(self.store, TRAINING, is_training=True)

    def seconds(self, connection: sa.Connection) -> float:
        """Return the time that it is now, in place of the database's clock."""
        return self.now

    def tick(self) -> float:
        """Let a second pass: no two things happen at the same moment."""
        self.now += 1
        return self.now

    # what labelers do

    @rule(target=views, labeler=who, n=st.integers(1, 4), seed=st.integers(0, 99))
    def claim(self, labeler: str, n: int, seed: int) -> Any:
        return multiple(*self.hand_out(labeler, n, seed, PLAIN))

    @rule(target=views, labeler=who, n=st.integers(1, 3), seed=st.integers(0, 99))
    def claim_with_gold_and_repeats(self, labeler: str, n: int, seed: int) -> Any:
        return multiple(*self.hand_out(labeler, n, seed, MIXED))

    def hand_out(self, labeler: str, n: int, seed: int, policy: ClaimPolicy) -> list[Assignment]:
        """Claim, compare with the model, and return what is new."""
        now, model = self.tick(), self.model
        held = [view.id for view in model.held(labeler, now)][:n]
        free = model.free(labeler, now)
        given = self.store.queue.claim(labeler, n=n, rng=random.Random(seed), policy=policy)
        new = given[len(held) :]
        assert [view.id for view in given[: len(held)]] == held
        if any(view.kind == "training" for view in model.held(labeler, now)):
            assert all(view.kind == "training" for view in new), "nobody works before they passed"
        elif policy is PLAIN:
            assert len(new) == min(n - len(held), len(free))
        for view in new:
            self.check_new(view, free, now)
            handed = Handed(
                view.id, labeler, view.comparison_id, view.kind,
                tuple(sample.id for sample in view.samples), view.leased_at, view.leased_until,
            )  # fmt: skip
            model.handed[view.id] = handed
        for question in {view.comparison_id for view in new if view.kind == "regular"}:
            n_leased = len(model.leased(question, now))
            assert model.answered(question) + n_leased <= model.wanted[question]
        return new

    def check_new(self, view: Assignment, free: set[str], now: float) -> None:
        """A view is one that its labeler may be given."""
        model, place = self.model, (view.comparison_id, view.labeler)
        if view.kind == "regular":
            assert view.comparison_id in free
        elif view.kind == "gold":
            assert view.comparison_id in {f"c{i}" for i in GOLD}
            assert not model.has_been_handed(*place), "gold that was handed out is spent"
            assert free, "gold comes in place of work"
        elif view.kind == "training":
            assert model.live(*place, "training") is None
        else:
            first = model.live(*place)
            assert first is not None
            assert first.answer in ("best", "tie", "all_bad")
            seen = next(v for v in model.handed.values() if v.answer == first.id)
            assert seen.closed_at is not None
            assert seen.closed_at <= now - MIXED.retest_after_seconds
            order = tuple(sample.id for sample in view.samples)
            assert order in (seen.shown, seen.shown[::-1])
            assert not any(
                (x.question, x.labeler, x.kind) == (*place, "retest") for x in model.given.values()
            )

    @rule(view=views, by=who)
    def renew(self, view: Assignment, by: str) -> None:
        now, handed = self.tick(), self.model.handed[view.id]
        expected = [view.id] if by == view.labeler and self.model.renew(handed, now) else []
        assert self.store.queue.renew([view.id], by) == expected

    @rule(view=views, by=who)
    def give_back(self, view: Assignment, by: str) -> None:
        now = self.tick()
        self.store.queue.give_back([view.id], by)
        if by == view.labeler:
            self.model.give_back(self.model.handed[view.id], now)

    @rule(target=sent, view=views, kind=st.sampled_from(KINDS), place=st.integers(0, 3))
    def answer(self, view: Assignment, kind: str, place: int) -> Submission:
        return self.submit(view, kind, place, replaces=None)

    @rule(target=sent, view=consumes(views), kind=st.sampled_from(KINDS))
    def answer_and_forget_the_view(self, view: Assignment, kind: str) -> Submission:
        return self.submit(view, kind, 0, replaces=None)

    @rule(target=sent, earlier=sent, view=views, kind=st.sampled_from(KINDS))
    def edit_in_any_view(self, earlier: Submission, view: Assignment, kind: str) -> Submission:
        return self.submit(view, kind, 1, replaces=earlier.label.id)

    @rule(target=sent, earlier=sent, kind=st.sampled_from(KINDS))
    def edit(self, earlier: Submission, kind: str) -> Submission:
        view = self.store.queue.assignment(earlier.assignment_id)
        assert view is not None
        return self.submit(view, kind, 2, replaces=earlier.label.id)

    def submit(self, view: Assignment, kind: str, place: int, replaces: str | None) -> Submission:
        """Send a new answer; store and model say the same of it."""
        self.numbers += 1
        submission = answer(view, f"{self.numbers:04}", place=place, answer=kind, replaces=replaces)
        self.compare(submission)
        return submission

    def compare(self, submission: Submission) -> None:
        """Send an answer to the store and to the model."""
        now, label = self.tick(), submission.label
        handed = self.model.handed[submission.assignment_id]
        given = Given(label.id, label.labeler, label.comparison_id, handed.kind, label.answer)
        expected = self.model.submit(given, handed, submission.replaces, now)
        [receipt] = self.store.answers.submit([submission])
        assert receipt.outcome == expected

    @rule(submission=sent)
    def send_again(self, submission: Submission) -> None:
        self.compare(submission)

    @rule(submission=sent)
    def send_something_else_under_the_same_id(self, submission: Submission) -> None:
        if submission.label.id in self.model.given:
            forged = replace(submission, label=replace(submission.label, seconds=99.0))
            [receipt] = self.store.answers.submit([forged])
            assert receipt.outcome == "conflict"

    @rule(submission=sent, by=who)
    def take_back(self, submission: Submission, by: str) -> None:
        expected = self.model.withdraw(submission.label.id, by, self.tick())
        assert self.store.answers.withdraw(submission.label.id, by).outcome == expected

    @rule(submission=sent)
    def undo(self, submission: Submission) -> None:
        self.take_back(submission, submission.label.labeler)

    # what else happens

    @rule(seconds=st.sampled_from([30, 300, 901, 1900, 1900, 3600, -30, -3600]))
    def the_clock_goes_on_or_jumps(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.numbers > 6)
    @rule()
    def freeze(self) -> None:
        self.tick()
        self.store.queue.freeze(0)
        self.model.is_frozen = True

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = Store.open(self.place)

    @rule()
    def the_tables_are_the_fold_of_the_ledger(self) -> None:
        before = self.derived()
        self.store.rebuild_labels()
        assert self.derived() == before
        assert self.store.verify_chain() == len(self.store.events())

    # what is always so

    @invariant()
    def the_store_agrees_with_the_model(self) -> None:
        found = self.derived()
        live = [(row.comparison_id, row.labeler) for row in found["labels"] if not row.ended_by]
        assert len(set(live)) == len(live)
        assert {row.id for row in found["labels"] if not row.ended_by} == {
            each.id for each in self.model.labels()
        }
        assert {row.id for row in found["quality_checks"] if not row.ended_by} == {
            x.id for x in self.model.given.values() if x.kind != "regular" and x.state == "live"
        }
        for row in found["queue"]:
            expected = (
                self.model.answered(row.comparison_id),
                self.model.is_open(row.comparison_id),
            )
            assert (row.answered, row.is_open) == expected

    @invariant()
    def no_event_is_ever_gone(self) -> None:
        events = self.store.events()
        assert events[: len(self.events)] == self.events
        self.events = events
        told = {json.loads(e.payload)["id"] for e in events if e.kind in ("label", "check")}
        assert told == set(self.model.given)

    def derived(self) -> dict[str, list[Any]]:
        """The tables that are made from the ledger."""
        with self.store._database.reading() as connection:
            return {
                table.name: list(connection.execute(sa.select(table).order_by(*table.primary_key)))
                for table in (labels, quality_checks, queue)
            }


def run(
    make_place: MakePlace, n_examples: int, n_steps: int, phases: Sequence[Phase] = tuple(Phase)
) -> None:
    class Placed(Labeling):
        """Labelers at work in a store of this kind."""

        def __init__(self) -> None:
            super().__init__(make_place)

    run_state_machine_as_test(
        Placed,
        settings=settings(
            max_examples=n_examples, stateful_step_count=n_steps, deadline=None, phases=phases
        ),
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def make_place(request: pytest.FixtureRequest) -> MakePlace:
    """Makes a new empty store for each example, in both kinds of database in turn."""
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("postgres")
        return cluster.new_database
    template: Path = request.getfixturevalue("sqlite_template")

    @contextmanager
    def in_a_copy() -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(shutil.copy(template, Path(folder) / "prefloop.db"))

    return in_a_copy


def is_in_files(make_place: MakePlace) -> bool:
    """Whether the stores are SQLite's, which come and go faster."""
    return make_place.__name__ == "in_a_copy"


def test_labelers_at_work(make_place: MakePlace) -> None:
    run(make_place, n_examples=12 if is_in_files(make_place) else 4, n_steps=50)


@pytest.mark.slow
def test_labelers_at_work_for_long(make_place: MakePlace) -> None:
    run(make_place, n_examples=400 if is_in_files(make_place) else 100, n_steps=100)


def test_a_store_that_hands_out_too_much_would_be_caught(
    make_place: MakePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong twin: leases of others are not counted."""
    from prefloop.store.labeling import free_questions as free

    wrong = sa.and_(queue.c.is_open, queue.c.answered < queue.c.wanted)
    is_free = sa.and_(wrong, ~free.HAS_ANSWERED, ~free.HAS_OWN_LEASE)
    twin = sa.select(queue.c.comparison_id).where(is_free, free.IS_NOT_CLOSED).limit(1)
    monkeypatch.setattr(free, "FREE_FROM", twin.where(queue.c.position >= free._START))
    with pytest.raises(AssertionError):
        run(make_place, n_examples=12, n_steps=40, phases=[Phase.generate])
