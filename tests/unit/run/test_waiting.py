"""People's labels: asked once, waited for, frozen; and what the terminal says meanwhile."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from prefloop.errors import StoreError
from prefloop.run.monitor import WAITING, RunMonitor
from prefloop.run.waiting import PeopleLabeling, forecast
from prefloop.settings.task_presets import load_task
from prefloop.store.store import Store
from prefloop.teamwork import Batch
from tests.unit.run.doubles import RecordedProgress, Turns
from tests.unit.store.asking_for_tests import answer, give, send
from tests.unit.store.records_for_tests import comparison, fill, label

QUESTIONS = [(comparison(0), 2), (comparison(2), 1)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "prefloop.db") as opened:
        fill(opened)
        opened.people.add("ann", "owner")
        opened.people.add("ben", "labeler")
        yield opened


def people_on(
    store: Store, *turns: Callable[[], object]
) -> tuple[PeopleLabeling, RecordedProgress]:
    progress = RecordedProgress()
    monitor = RunMonitor(store, progress)
    return PeopleLabeling(load_task("sentiment"), monitor, sleep=Turns(*turns)), progress


def test_questions_and_instructions_are_asked_and_published_once(store: Store) -> None:
    people, _ = people_on(store)
    assert not people.is_settled(0, is_moved=True)
    for _ in range(2):
        people.ask(0, QUESTIONS)
    batch = store.queue.batch(0)
    assert batch is not None and batch.wanted == 3
    assert [i.version for i in store.instructions.all()] == [
        load_task("sentiment").instructions_version
    ]
    assert store.instructions.current().is_major
    assert people.is_settled(0, is_moved=True)
    assert not people.is_settled(0, is_moved=False)
    people.freeze(0)
    assert people.is_settled(0, is_moved=False)


@pytest.mark.parametrize(("version", "is_major"), [("2", True), ("2.1", False)])
def test_a_version_with_a_dot_is_a_minor_one(store: Store, version: str, is_major: bool) -> None:
    people = PeopleLabeling(
        load_task({"name": "sentiment", "instructions_version": version}),
        RunMonitor(store, RecordedProgress()),
    )
    people.ask(0, QUESTIONS)
    assert store.instructions.current().is_major is is_major


def test_other_words_under_the_same_version_are_refused(store: Store) -> None:
    people_on(store)[0].ask(0, QUESTIONS)
    task = load_task({"name": "sentiment", "question": "Which is saddest?"})
    with pytest.raises(StoreError, match=r"Raise task\.instructions_version"):
        PeopleLabeling(task, RunMonitor(store, RecordedProgress())).ask(0, QUESTIONS)


def test_waiting_ends_when_all_answers_are_there(store: Store) -> None:
    people, progress = people_on(
        store,
        lambda: store.add_labels([label(0, labeler="ann")]),
        lambda: None,
        lambda: store.add_labels([label(1, labeler="ben"), label(2, question=2)]),
    )
    people.ask(0, QUESTIONS)
    assert not people.is_answered(0)
    people.wait(0)
    assert people.is_answered(0)
    assert [(what, done, total) for what, done, total, _ in progress.counts] == [
        (WAITING, 0, 3),
        (WAITING, 1, 3),
        (WAITING, 3, 3),
    ]
    assert progress.said == ["Round 0 needs 3 more answers. It continues when they are in."]
    assert people.monitor.note == "labels 3 of 3"
    people.monitor.send()
    state = store.updates.state()
    assert state is not None and state.phase == WAITING
    people.wait(0)
    assert len(progress.counts) == 3, "nothing to wait for, nothing to tell"


def test_waiting_ends_when_nobody_has_a_question_left(store: Store) -> None:
    ben = store.people.by_name("ben")
    assert ben is not None
    people, progress = people_on(
        store,
        lambda: store.add_labels([label(0), label(2, question=2)]),
        lambda: store.people.disable(ben.id),
    )
    people.ask(0, QUESTIONS)
    people.wait(0)
    assert progress.counts[-1][:3] == (WAITING, 2, 2), "the bar is full, or it would stay open"
    assert "1 of 3 answers stay missing" in progress.said[-1]


def test_when_nothing_comes_those_who_are_waited_for_are_named(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefloop.run.waiting.STALL_SECONDS", 0.0)
    people, progress = people_on(
        store,
        lambda: None,
        lambda: store.add_labels([label(0), label(2, question=2), label(1, labeler="ben")]),
    )
    people.ask(0, QUESTIONS)
    people.wait(0)
    assert "Questions are left for ben." in progress.said[1]
    assert len(progress.said) == 2


def test_nobody_who_may_log_in_is_told(tmp_path: Path) -> None:
    with Store.open(tmp_path / "prefloop.db") as store:
        fill(store)

        def ann_comes() -> None:
            store.people.add("ann", "labeler")
            store.add_labels([label(0), label(2, question=2)])

        people, progress = people_on(store, ann_comes)
        people.ask(0, [(comparison(0), 1), (comparison(2), 1)])
        people.wait(0)
    assert "prefloop team add" in progress.said[1]


def test_what_is_frozen_is_what_the_reward_model_knows(store: Store) -> None:
    people, _ = people_on(store)
    people.ask(0, QUESTIONS)
    store.add_labels([label(0)])
    known = people.freeze(0)
    store.add_labels([label(1, labeler="ben"), label(2, question=2)])
    assert [x.id for x in store.labels(as_of=known)] == ["l0"]
    assert people.freeze(0) == known
    assert people.is_answered(0), "nothing more can come"
    later = store.events()[-1].sequence
    assert people.freeze(0, label_cutoff=later) == later
    assert people.freeze(5) > later, "a round that asked nobody has an end as well"


def batch(answered: int, per_minute: float | None) -> Batch:
    return Batch(
        round=0,
        opened_at=0.0,
        frozen_at=None,
        frozen_sequence=None,
        wanted=3000,
        answered=answered,
        per_minute=per_minute,
    )


@pytest.mark.parametrize(
    ("answered", "per_minute", "told"),
    [
        (0, None, ""),
        (10, 0.0, ""),
        (2999, 2.0, "2.0 a minute, 30 s left"),
        (2958, 3.0, "3.0 a minute, 14 min left"),
        (2400, 4.0, "4.0 a minute, 2 h 30 min left"),
        (120, 1.0, "1.0 a minute, 2 days left"),
    ],
)
def test_how_long_the_rest_will_take(answered: int, per_minute: float | None, told: str) -> None:
    assert forecast(batch(answered, per_minute)) == told


def test_questions_on_hold_are_named_when_nothing_else_is_left(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefloop.run.waiting.STALL_SECONDS", 0.0)
    store.people.add("cat", "labeler")
    version = load_task("sentiment").instructions_version

    def flag_both() -> None:
        said: dict[str, Any] = {
            "answer": "flag",
            "note": "Bad",
            "is_harmful": True,
            "instructions": version,
        }
        send(store, *(answer(view, **said) for view in give(store, "cat", 2)))

    def release_and_answer() -> None:
        for held in store.holds.in_force():
            store.holds.release(held.comparison_id, "ann")
        views = give(store, "ben", 2)
        send(store, *(answer(view, instructions=version) for view in views))

    people, progress = people_on(store, flag_both, release_and_answer)
    people.ask(0, [(comparison(0), 1), (comparison(2), 1)])
    people.wait(0)
    assert "2 questions are on hold: look at the page Answers" in progress.said[1]
    batch = store.queue.batch(0)
    assert batch is not None and batch.answered == 2, "it was trained on all, not on none"
