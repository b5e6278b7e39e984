import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from prefloop.errors import ConflictError, DiskError, StoreAwayError, StoreError
from prefloop.store.labeling.claims import Claim
from prefloop.store.labeling.group_commit import LARGEST_GROUP, MOST_CLAIMS, GroupCommit
from prefloop.store.labeling.receipts import Receipt
from prefloop.store.store import Store
from prefloop.teamwork import Submission
from tests.unit.store.asking_for_tests import WORK_ONLY, answer, ask, give
from tests.unit.store.records_for_tests import fill, own_events, prompt

PATIENCE_SECONDS = 60.0


def hand_out(store: Store, n_people: int, each: int) -> list[Submission]:
    """Answers of many people, not sent yet."""
    fill(store, each)
    ask(store, wanted=n_people)
    return [
        answer(view, view.id)
        for i in range(n_people)
        for view in give(store, f"labeler{i}", each, seed=i)
    ]


def outcomes(futures: Sequence[Future[Receipt]]) -> Counter[str]:
    return Counter(future.result(PATIENCE_SECONDS).outcome for future in futures)


class Groups:
    """Notes the sizes of the groups that are submitted, and may hold them back."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        self.has_begun = threading.Event()
        self.go = threading.Event()
        self.go.set()
        submit = store.answers.submit_within

        def noted(connection: sa.Connection, submissions: Sequence[Submission]) -> list[Receipt]:
            self.sizes.append(len(submissions))
            self.has_begun.set()
            assert self.go.wait(PATIENCE_SECONDS)
            return submit(connection, submissions)

        monkeypatch.setattr(store.answers, "submit_within", noted)

    def hold_behind(self, commits: GroupCommit, first: Submission) -> Future[Receipt]:
        """Let an answer's group begin, and nothing be committed until `go` is set."""
        self.has_begun.clear()
        self.go.clear()
        future = commits.submit(first)
        assert self.has_begun.wait(PATIENCE_SECONDS)
        return future


def test_thirty_two_threads_store_every_answer_once(store: Store) -> None:
    sent = hand_out(store, n_people=32, each=20)
    rng = random.Random(1)
    found: list[Counter[str]] = []
    with GroupCommit(store.answers, store.queue.claims) as commits:

        def labeler(mine: list[Submission]) -> None:
            # Some are sent twice, as after a lost connection.
            futures = [
                commits.submit(each) for each in mine for _ in range(1 + (rng.random() < 0.3))
            ]
            found.append(outcomes(futures))

        threads = [threading.Thread(target=labeler, args=(sent[i::32],)) for i in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    total = sum(found, Counter())
    assert total["stored"] == len(sent)
    assert set(total) == {"stored", "same"}
    assert sorted(x.id for x in store.labels()) == sorted(each.label.id for each in sent)
    store.verify_chain()
    assert len(own_events(store)) == len(sent) + 1


def test_what_waits_goes_together_up_to_the_largest_group(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = hand_out(store, n_people=10, each=20)
    groups = Groups(store, monkeypatch)
    with GroupCommit(store.answers, store.queue.claims) as commits:
        futures = [groups.hold_behind(commits, sent[0])]
        futures += [commits.submit(each) for each in sent[1:]]
        groups.go.set()
        assert outcomes(futures) == {"stored": 200}
    assert groups.sizes == [1, LARGEST_GROUP, LARGEST_GROUP, LARGEST_GROUP, 200 - 1 - 3 * 64]


def test_closing_writes_what_waits_and_refuses_more(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = hand_out(store, n_people=10, each=20)
    groups = Groups(store, monkeypatch)
    groups.go.clear()
    commits = GroupCommit(store.answers, store.queue.claims)
    futures = [commits.submit(each) for each in sent]
    closer = threading.Thread(target=commits.close)
    closer.start()
    groups.go.set()
    closer.join(PATIENCE_SECONDS)
    assert not closer.is_alive()
    assert all(future.done() for future in futures)
    assert outcomes(futures) == {"stored": 200}
    with pytest.raises(StoreAwayError, match="being closed"):
        commits.submit(sent[0])
    commits.close()


def test_a_refused_answer_leaves_its_group_alone(store: Store) -> None:
    sent = hand_out(store, n_people=2, each=5)
    sent[3] = replace(sent[3], assignment_id="forged")
    with GroupCommit(store.answers, store.queue.claims) as commits:
        assert outcomes([commits.submit(each) for each in sent]) == {"stored": 9, "refused": 1}


@pytest.mark.parametrize(
    "poison", [StoreError("it hit the fan"), ZeroDivisionError("a bug")], ids=["told", "bug"]
)
def test_an_answer_that_breaks_its_transaction_fails_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch, poison: Exception
) -> None:
    sent = hand_out(store, n_people=2, each=10)
    bad = sent[7].label.id
    submit = store.answers.submit_within

    def poisoned(connection: sa.Connection, submissions: Sequence[Submission]) -> list[Receipt]:
        receipts = submit(connection, submissions)
        if any(each.label.id == bad for each in submissions):
            raise poison
        return receipts

    with GroupCommit(store.answers, store.queue.claims) as commits:
        monkeypatch.setattr(store.answers, "submit_within", poisoned)
        futures = [commits.submit(each) for each in sent]
        wait(futures, PATIENCE_SECONDS)
        assert futures[7].exception() is poison
        del futures[7]
        assert outcomes(futures) == {"stored": 19}
        monkeypatch.undo()
        assert commits.submit(sent[7]).result(PATIENCE_SECONDS).outcome == "stored"
    assert len(store.labels()) == 20


def test_claims_and_answers_of_many_are_committed_together(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No question goes to more people than it wants, whoever else is in the group."""
    fill(store, 12)
    every = ask(store, wanted=3)
    held = give(store, "eve", 3)
    groups = Groups(store, monkeypatch)
    with GroupCommit(store.answers, store.queue.claims) as commits:
        futures = [groups.hold_behind(commits, answer(held[0]))]
        claims = [
            commits.claim(f"labeler{i}", n=4, rng=random.Random(i), policy=WORK_ONLY)
            for i in range(12)
        ]
        twice = commits.claim("labeler0", n=4, rng=random.Random(9), policy=WORK_ONLY)
        futures += [commits.submit(answer(each)) for each in held[1:]]
        groups.go.set()
        assert outcomes(futures) == {"stored": 3}
        given = [claim.result(PATIENCE_SECONDS) for claim in claims]
    assert groups.sizes == [1, 2], "one group of all claims and the other answers"
    assert twice.result(0) == given[0], "a second tab shows the same"
    assert all(len({each.comparison_id for each in own}) == len(own) for own in given)
    handed = Counter(each.comparison_id for own in given for each in own)
    assert handed + Counter(each.comparison_id for each in held) == dict.fromkeys(every, 3)
    assert [give(store, f"labeler{i}", 4) for i in range(12)] == given
    store.verify_chain()


def test_two_tabs_in_one_group_see_one_order(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, 8)
    ask(store)
    held = give(store, "eve", 1)
    groups = Groups(store, monkeypatch)
    for seed in range(6):
        name = f"labeler{seed}"
        with GroupCommit(store.answers, store.queue.claims) as commits:
            groups.hold_behind(commits, answer(held[0]))
            luck = random.Random(seed)
            tabs = [commits.claim(name, n=n, rng=luck, policy=WORK_ONLY) for n in (1, 4)]
            groups.go.set()
            one, four = (tab.result(PATIENCE_SECONDS) for tab in tabs)
        assert four[:1] == one and len(four) == 4
        assert give(store, name, 4) == four, "a reload shows them in the same order"
        store.queue.give_back([each.id for each in four], name)


def test_a_group_has_few_claims(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim that finds nothing passes every question: sixty would keep answers waiting."""
    sent = hand_out(store, n_people=2, each=1)
    claimed: list[int] = []
    claim_within = store.queue.claims.claim_within

    def noted(connection: sa.Connection, wanted: Sequence[Claim]) -> Any:
        claimed.append(len(wanted))
        return claim_within(connection, wanted)

    monkeypatch.setattr(store.queue.claims, "claim_within", noted)
    groups = Groups(store, monkeypatch)
    with GroupCommit(store.answers, store.queue.claims) as commits:
        first = groups.hold_behind(commits, sent[0])
        luck = random.Random(0)
        for i in range(40):
            commits.claim(f"idle{i}", n=1, rng=luck, policy=WORK_ONLY)
        last = commits.submit(sent[1])
        groups.go.set()
    assert outcomes([first, last]) == {"stored": 2}
    assert claimed == [0, MOST_CLAIMS, MOST_CLAIMS, 40 - 2 * MOST_CLAIMS]
    assert groups.sizes == [1, 0, 0, 1], "in the order in which they came"


def test_who_got_nothing_is_remembered_once_it_is_committed(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.answers.writing() as connection:
        store.queue.claims.claim_within(connection, [Claim("ann", 1, random.Random(), WORK_ONLY)])
        raise ZeroDivisionError
    assert not store.queue.claims.had_nothing("ann", WORK_ONLY)
    assert store.queue.claim("ann", n=1, rng=random.Random(), policy=WORK_ONLY) == []
    assert store.queue.claims.had_nothing("ann", WORK_ONLY)
    introduced = replace(WORK_ONLY, training_items=1)
    assert not store.queue.claims.had_nothing("ann", introduced), "it knows no training questions"


def test_a_claim_that_is_refused_or_breaks_leaves_its_group_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = hand_out(store, n_people=2, each=3)
    store.people.add("ann", "labeler")
    claim_within = store.queue.claims.claim_within

    def poisoned(connection: sa.Connection, wanted: Sequence[Claim]) -> Any:
        if any(claim.n == 2 for claim in wanted):
            raise ZeroDivisionError("a bug")
        return claim_within(connection, wanted)

    monkeypatch.setattr(store.queue.claims, "claim_within", poisoned)
    groups = Groups(store, monkeypatch)
    with GroupCommit(store.answers, store.queue.claims) as commits:
        futures = [groups.hold_behind(commits, sent[0])]
        futures += [commits.submit(each) for each in sent[1:]]
        luck = random.Random(0)
        ann = commits.claim("ann", n=1, rng=luck, policy=WORK_ONLY)
        broken = commits.claim("ann", n=2, rng=luck, policy=WORK_ONLY)
        nobody = commits.claim("nobody", n=1, rng=luck, policy=WORK_ONLY)
        groups.go.set()
        assert outcomes(futures) == {"stored": 6}
        assert isinstance(broken.exception(PATIENCE_SECONDS), ZeroDivisionError)
        assert isinstance(nobody.exception(PATIENCE_SECONDS), ConflictError)
        assert ann.result(PATIENCE_SECONDS) == []
    assert len(store.labels()) == 6
    store.verify_chain()


def test_nobody_can_cancel_an_answer_on_its_way(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = hand_out(store, n_people=1, each=3)
    groups = Groups(store, monkeypatch)
    groups.go.clear()
    with GroupCommit(store.answers, store.queue.claims) as commits:
        futures = [commits.submit(each) for each in sent]
        assert not any(future.cancel() for future in futures)
        groups.go.set()
    assert len(store.labels()) == 3


def test_a_full_disk_is_told_to_all_and_over_when_there_is_room(file_store: Store) -> None:
    store = file_store
    sent = hand_out(store, n_people=8, each=8)
    size = 1

    @sa.event.listens_for(store._database.engine, "checkout")
    def cap(connection: sqlite3.Connection, _record: Any, _proxy: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {size}")

    with pytest.raises(DiskError, match="the disk is full"):
        store.add_prompts([prompt(i) for i in range(1000, 9000)])
    with GroupCommit(store.answers, store.queue.claims) as commits:
        futures = [commits.submit(each) for each in sent]
        failed = [future for future in futures if future.exception(PATIENCE_SECONDS) is not None]
        assert failed, "the disk never got full"
        assert all(isinstance(each.exception(), DiskError) for each in failed)
        n_acknowledged = len(futures) - len(failed)
        assert len(store.labels()) == n_acknowledged
        size = 10**6
        again = outcomes([commits.submit(each) for each in sent])
        assert again == Counter({"stored": len(failed), "same": n_acknowledged})
    store.verify_chain()
    assert len(own_events(store)) == len(sent) + 1


def test_what_was_acknowledged_is_there_after_a_reopening(place: str | Path) -> None:
    with Store.open(place) as store:
        sent = hand_out(store, n_people=4, each=8)
        with GroupCommit(store.answers, store.queue.claims) as commits:
            assert outcomes([commits.submit(each) for each in sent]) == {"stored": 32}
            with Store.open(place) as other:
                assert len(other.labels()) == 32
    with Store.open(place) as again:
        assert len(again.labels()) == again.queue.batches()[0].answered == 32


def test_groups_of_many_sizes_are_few_statements(store: Store) -> None:
    """Each connection keeps what it has prepared: a statement per size would fill for hours."""
    sent = iter(hand_out(store, n_people=4, each=12))
    seen: set[str] = set()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.add(statement)

    def send_group(size: int) -> None:
        receipts = store.answers.submit([next(sent) for _ in range(size)])
        assert [receipt.outcome for receipt in receipts] == ["stored"] * size

    sa.event.listen(store._database.engine, "before_cursor_execute", note)
    send_group(8)
    of_eight = set(seen)
    for size in (5, 6, 7, 5):
        send_group(size)
    assert seen == of_eight
    send_group(9)
    assert seen > of_eight, "else nothing was noted"
