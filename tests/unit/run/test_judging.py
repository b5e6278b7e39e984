"""People are asked about the models of today; with no answer at all the run says what to do."""

import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from prefloop.errors import InputError
from prefloop.evaluation.judges.build import build_judge
from prefloop.evaluation.people_figures import people_figures
from prefloop.progress import Progress, Silent
from prefloop.records import REFERENCE, Answer, Label
from prefloop.run.judging import close_others, collect_verdicts
from prefloop.run.monitor import RunMonitor
from prefloop.run.stages import Stages
from prefloop.run.waiting import PeopleLabeling
from prefloop.run_file import parse_run
from prefloop.store.store import Store
from prefloop.teamwork import Submission
from tests.e2e.labelers import POLICY as WORK_ONLY
from tests.unit.evaluation.worlds import POLICY, prompt, sample


@pytest.fixture
def store(sqlite_path: Path) -> Any:
    """A store in which the policy and the reference answered four held-out prompts."""
    with Store.open(sqlite_path) as opened:
        opened.add_prompts([prompt(i) for i in range(4)])
        for model in (POLICY, REFERENCE):
            opened.add_samples([sample(i, f"{i} by somebody", model=model) for i in range(4)])
        opened.people.add("ann", "labeler")
        yield opened


class Heard(Silent):
    """Progress that keeps what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def stages_of(
    store: Store, sleep: Callable[[float], None], heard: Progress | None = None, **people: int
) -> Stages:
    """Return as much of a run as judging takes, with settings of `evaluation.people`."""
    config = parse_run({"evaluation": {"judges": ["people"], "people": people}}, "run.yaml")
    monitor = RunMonitor(store, heard or Silent())
    return cast(
        Stages,
        SimpleNamespace(
            store=store,
            config=config,
            monitor=monitor,
            people=PeopleLabeling(config.task, monitor, sleep=sleep),
            rounds=SimpleNamespace(contestants=SimpleNamespace(baseline=REFERENCE)),
        ),
    )


def ann_says(store: Store, answer: Answer) -> Callable[[float], None]:
    """Return a pause in which Ann answers all that she is asked."""
    return says("ann", store, answer)


def says(name: str, store: Store, answer: Answer) -> Callable[[float], None]:
    """Return a pause in which somebody answers all that they are asked."""

    def pause(_: float) -> None:
        for view in store.queue.claim(name, n=9, rng=random.Random(0), policy=WORK_ONLY):
            shown = tuple(sample.id for sample in view.samples)
            label = Label(
                id=str(uuid4()),
                comparison_id=view.comparison_id,
                labeler=name,
                answer=answer,
                chosen=shown[0] if answer == "best" else None,
                shown=shown,
                seconds=1.0,
                instructions="1",
            )
            store.answers.submit([Submission(label=label, assignment_id=view.id)])

    return pause


def test_who_judged_is_a_source_and_the_batch_is_closed(store: Store) -> None:
    found = collect_verdicts(stages_of(store, ann_says(store, "best")), [POLICY])
    assert found == {"person:ann"}
    batch = store.queue.batch(-1)
    assert batch is not None and batch.frozen_at is not None and batch.answered == 4


def test_a_judging_without_any_answer_ends_in_words_and_stays_open(store: Store) -> None:
    with pytest.raises(InputError, match="in any of 4 questions: all were skipped or flagged, or"):
        collect_verdicts(stages_of(store, ann_says(store, "skip")), [POLICY])
    batch = store.queue.batch(-1)
    assert batch is not None and batch.frozen_at is None


HELD = (
    f"People judge {POLICY} as when they were first asked: 4 questions, 1 answer to each, 2 looks. "
    "Today's settings, {}, hold for models that people are not asked about yet."
)


@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize(
    ("today", "n_prompts", "words"),
    [
        ({"looks": 4}, 4, "4 questions, 1 answer to each, 4 looks"),
        ({"looks": 2, "answers": 3}, 4, "4 questions, 3 answers to each, 2 looks"),
        ({"looks": 2}, 8, "8 questions, 1 answer to each, 2 looks"),
    ],
)
def test_a_judging_keeps_what_it_was_opened_with_and_says_so(
    store: Store, today: dict[str, int], n_prompts: int, words: str, is_closed: bool
) -> None:
    heard = Heard()
    if is_closed:
        collect_verdicts(stages_of(store, ann_says(store, "best"), heard, looks=2), [POLICY])
    else:
        with pytest.raises(InputError, match="skipped or flagged"):
            collect_verdicts(stages_of(store, ann_says(store, "skip"), heard, looks=2), [POLICY])
        store.people.add("ben", "labeler")
    assert not any("first asked" in said for said in heard.said)
    store.add_prompts([prompt(i) for i in range(4, n_prompts)])
    for model in (POLICY, REFERENCE):
        store.add_samples([sample(i, f"{i} again", model=model) for i in range(4, n_prompts)])
    collect_verdicts(stages_of(store, says("ben", store, "best"), heard, **today), [POLICY])
    assert [said for said in heard.said if "first asked" in said] == [HELD.format(words)]
    batch = store.queue.batch(-1)
    assert batch is not None and batch.frozen_at is not None
    assert batch.wanted == batch.answered == 4
    judge = build_judge("people", parse_run({}, "run.yaml"))
    samples = [store.samples(purpose="evaluation", model=name) for name in (POLICY, REFERENCE)]
    found = people_figures(store, judge, *samples)
    assert found is not None and found.people is not None
    people = found.people
    assert (people.questions, people.answers_each, people.looks_planned) == (4, 1, 2)


def test_judging_another_model_again_leaves_open_what_people_are_at(store: Store) -> None:
    other = "policy/update-4"
    store.add_prompts([prompt(i) for i in range(4, 8)])
    for model in (other, REFERENCE):
        store.add_samples([sample(i, f"{i} by {model}", model=model) for i in range(4, 8)])
    with pytest.raises(InputError, match="skipped or flagged"):
        collect_verdicts(stages_of(store, ann_says(store, "skip")), [other])
    stages = stages_of(store, ann_says(store, "best"))
    collect_verdicts(stages, [POLICY], closes_others=False)
    assert {b.round: b.frozen_at is not None for b in store.queue.batches()} == {
        -1: False,
        -2: True,
    }
    close_others(store, set())
    assert all(b.frozen_at is not None for b in store.queue.batches())


def test_questions_about_a_model_that_is_past_are_closed(store: Store) -> None:
    other = "policy/update-4"
    # On prompts of its own: nobody is asked about one prompt for two models.
    store.add_prompts([prompt(i) for i in range(4, 8)])
    for model in (other, REFERENCE):
        store.add_samples([sample(i, f"{i} by {model}", model=model) for i in range(4, 8)])
    with pytest.raises(InputError, match="skipped or flagged"):
        collect_verdicts(stages_of(store, ann_says(store, "skip")), [other])
    collect_verdicts(stages_of(store, ann_says(store, "best")), [POLICY])
    closed = {b.round: b.frozen_at is not None for b in store.queue.batches()}
    assert closed == {-1: True, -2: True}
