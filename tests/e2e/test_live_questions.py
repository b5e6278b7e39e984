"""People watch the policy while it trains: blindly, thinly, with a stop, and it waits for them."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from prefloop.audits.live import LIVE_WATCH
from prefloop.records import REFERENCE, Label
from prefloop.run import live, stops, waiting
from prefloop.run.monitor import WAITING_FOR_JUDGMENT
from prefloop.run_folder import read_run_folder
from prefloop.store.store import Store
from prefloop.teamwork import LIVE, Submission
from tests.e2e.labelers import POLICY, answer_in_store
from tests.e2e.live_run import Killed, Script, go, n_updates, opened, owner, update
from tests.e2e.live_run import waiting as labels_wanted
from tests.e2e.small_run import make_run

SMALL: dict[str, Any] = {
    "rounds": 1,
    "task": {"response_tokens": 6},
    "comparisons": {
        "labelers": "people",
        "labels": 8,
        "validation_labels": 4,
        "validation_overlap": 1,
    },
    "rewards": {"normalize_samples": 16},
    "policy": {"episodes": 64, "batch_size": 8, "checkpoint_every": 4, "epochs": 1},
    "evaluation": {"prompts": 8, "frontier_prompts": 2},
    "audits": {"live": {"questions": 16, "updates_without_judgment": 3}},
}
"""Eight updates, two live questions each."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody here takes a second."""
    for module in (waiting, stops, live):
        monkeypatch.setattr(module, "POLL_SECONDS", 0.01)


def run_of(folder: Path, model: Path, **settings: Any) -> Path:
    """Return a run with these settings of `audits.live`."""
    changed = {"live": {**SMALL["audits"]["live"], **settings}}
    return make_run(folder, model, **{**SMALL, "audits": changed})


def judgment_wanted(what: str, done: int, total: int) -> bool:
    """The moment at which the policy waits for people."""
    return what == WAITING_FOR_JUDGMENT and done < total


def labels(run: Path) -> tuple[Callable[..., bool], Callable[[], object]]:
    """The scene in which ann gives the labels of the round."""

    def scene() -> None:
        with opened(run) as store:
            answer_in_store(store, "ann")

    return labels_wanted, scene


def judge(store: Store, name: str, *, likes: str, n: int = 10**9) -> int:
    """Answer live questions for one of the two models; the test knows which, people do not."""
    if store.people.by_name(name) is None:
        store.people.add(name, "labeler")
    policys = {q.comparison_id: q.policy_sample for q in store.live.questions()}
    done = 0
    while done < n:
        views = store.queue.claim(name, n=1, rng=random.Random(done), policy=POLICY)
        if not views:
            break
        view, done = views[0], done + 1
        shown = tuple(sample.id for sample in view.samples)
        ours = policys[view.comparison_id]
        [theirs] = set(shown) - {ours}
        label = Label(
            id=str(uuid4()),
            comparison_id=view.comparison_id,
            labeler=name,
            answer="best",
            chosen=ours if likes == "policy" else theirs,
            shown=shown,
            seconds=1.0,
            instructions=store.instructions.current().version,
        )
        store.answers.submit([Submission(label=label, assignment_id=view.id)])
    return done


def somebody_judges(
    run: Path, likes: str = "policy", n: int = 1, then: Callable[[], None] = lambda: None
) -> Callable[[], None]:
    """Return a scene: ben answers live questions."""

    def scene() -> None:
        with opened(run) as store:
            assert judge(store, "ben", likes=likes, n=n) > 0
        then()

    return scene


def waits(script: Script) -> list[str]:
    return [said for said in script.said if said.startswith("The policy waits for people")]


def dies() -> None:
    raise Killed


def test_a_policy_that_nobody_judges_waits_and_goes_on_with_one_answer(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    run = run_of(tmp_path / "run", gpt2_folder)
    seen: list[Any] = []

    def look_and_judge() -> None:
        with opened(run) as store:
            state = store.updates.state()
            newest = [q for q in store.live.questions() if q.update == 3]
            seen.append((n_updates(run), state and state.phase, len(newest), store.live.open()))
            assert {q.comparison_id for q in newest} == store.live.open(), "only those of now"
            assert judge(store, "ben", likes="policy", n=1) == 1

    script = Script(labels(run), (judgment_wanted, look_and_judge))
    script.scenes.append((judgment_wanted, somebody_judges(run)))
    go(run, script)
    [(updates, _, asked, _)] = seen
    assert (updates, asked) == (3, live.OPEN_AT_ONCE)
    first, second = waits(script)
    assert "3 updates since update 0, the newest that people have judged" in first
    assert "audits.live.questions=0" in first
    assert "3 updates since update 3" in second
    figures = read_run_folder(run).live
    assert figures is not None
    assert (figures.people, figures.wins, figures.judged_update) == (("ben",), 2, 6)
    with opened(run) as store:
        assert store.live.open() == set(), "the run is over"


def test_questions_are_blind_train_nothing_and_keep_which_update_is_meant(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    run = run_of(tmp_path / "run", gpt2_folder, updates_without_judgment=None)
    go(run, Script(labels(run), (update(run, 5), somebody_judges(run, n=5))))
    with opened(run) as store:
        questions = store.live.questions()
        samples = {s.id: s for s in store.samples(purpose="live")}
        prompts = {prompt.id: prompt for prompt in store.prompts()}
        asked = store.judging.questions(LIVE)
        answers = store.judging.answers(LIVE)
        assert len(store.labels()) == 12 and {x.labeler for x in store.labels()} == {"ann"}
        batch = store.queue.batch(LIVE)
        store.verify_chain()
    assert batch is not None and batch.title == "live questions" and batch.answered == 5
    assert len(answers) == 5 and {a.label.labeler for a in answers} == {"ben"}
    assert [q.update for q in questions[:8]] == [1, 1, 2, 2, 3, 3, 4, 4], "eight are open at once"
    for question in asked:
        models = {samples[sample].model for sample in question.sample_ids}
        assert REFERENCE in models and len(models) == 2
        assert prompts[question.prompt_id].split == "train"
    for q in questions:
        assert samples[q.policy_sample].model == q.model == f"policy/update-{q.update}"
    shown_first = {a.label.shown[0] == a.label.chosen for a in answers}
    assert shown_first == {True, False}, "the order says nothing"


def test_the_policy_is_the_same_whether_or_not_people_watch_it(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    weights = []
    for questions in (0, 16):
        run = run_of(tmp_path / f"run-{questions}", gpt2_folder, questions=questions)
        judged = [(judgment_wanted, somebody_judges(run))] * 2
        script = Script(labels(run), *judged)
        go(run, script)
        assert len(waits(script)) == (2 if questions else 0)
        weights.append((run / "policy/round-0/model.safetensors").read_bytes())
    assert weights[0] == weights[1]


def test_a_run_that_dies_keeps_stream_and_wealth(gpt2_folder: Path, tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", gpt2_folder)
    likes_the_other = somebody_judges(run, likes="reference", n=3, then=dies)
    with pytest.raises(Killed):
        go(run, Script(labels(run), (judgment_wanted, likes_the_other)))
    with opened(run) as store:
        before = store.live.questions()
    script = Script((judgment_wanted, dies))
    with pytest.raises(Killed):
        go(run, script)
    figures = read_run_folder(run).live
    assert figures is not None and (figures.losses, figures.wins) == (3, 0)
    assert figures.wealth == pytest.approx(0.5 * 15 / 4 + 0.5), "of three losses by one labeler"
    assert "since update 3" in waits(script)[0], "it went on where it was judged"
    with opened(run) as store:
        assert store.live.questions()[: len(before)] == before, "nothing is asked twice"


def test_a_policy_that_people_like_less_is_stopped_and_counted_anew_when_it_is_released(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    run = run_of(tmp_path / "run", gpt2_folder, alpha=0.4)

    def dislike_and_release() -> None:
        somebody_judges(run, likes="reference", n=4)()
        owner(run).start()

    script = Script(labels(run), (judgment_wanted, dislike_and_release))
    script.scenes.append((judgment_wanted, somebody_judges(run)))
    go(run, script)
    with opened(run) as store:
        [stop] = store.stop_requests.all()
    assert stop.pulled_by == LIVE_WATCH and stop.update == 3
    assert "Of 4 answers by ben" in stop.reason and "from 2.5 on it stops the run" in stop.reason
    assert len(stop.samples) == 4
    assert "roll back to an earlier checkpoint, or let it go on" in stop.reason
    assert "3 updates since update 3" in waits(script)[1], "the owner has judged it"
    figures = read_run_folder(run).live
    assert figures is not None
    assert (figures.since_update, figures.losses, figures.wins) == (3, 0, 1)


def test_after_a_roll_back_answers_about_the_dropped_policy_do_not_count(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    run = run_of(tmp_path / "run", gpt2_folder, alpha=0.4)

    def dislike_and_go_back() -> None:
        somebody_judges(run, likes="reference", n=4)()
        owner(run, "roll_back", 0).start()

    script = Script(labels(run), (judgment_wanted, dislike_and_go_back))
    script.scenes += [(judgment_wanted, somebody_judges(run))] * 2
    go(run, script)
    figures = read_run_folder(run).live
    assert figures is not None
    assert (figures.since_update, figures.losses, figures.wins) == (0, 0, 2)
    with opened(run) as store:
        models = {q.model for q in store.live.questions()}
    assert {"policy/update-3", "policy/update-3-branch-1"} <= models


def test_where_nobody_is_there_it_says_so_and_waits(gpt2_folder: Path, tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", gpt2_folder)

    def ann_leaves() -> None:
        with opened(run) as store:
            answer_in_store(store, "ann")
            ann = store.people.by_name("ann")
            assert ann is not None
            store.people.disable(ann.id)

    script = Script((labels_wanted, ann_leaves), (judgment_wanted, somebody_judges(run)))
    script.scenes.append((judgment_wanted, dies))
    with pytest.raises(Killed):
        go(run, script)
    assert any("Nobody whose answers count has an account" in said for said in script.said)
    assert n_updates(run) == 6


def test_questions_that_all_skip_are_followed_by_others(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(tmp_path / "run", gpt2_folder)

    def ann_skips() -> None:
        with opened(run) as store:
            for view in store.queue.claim("ann", n=99, rng=random.Random(0), policy=POLICY):
                label = Label(
                    id=str(uuid4()),
                    comparison_id=view.comparison_id,
                    labeler="ann",
                    answer="skip",
                    chosen=None,
                    shown=tuple(sample.id for sample in view.samples),
                    seconds=1.0,
                    instructions=store.instructions.current().version,
                )
                store.answers.submit([Submission(label=label, assignment_id=view.id)])
            assert store.queue.is_exhausted(LIVE)

    class UntilTheStall(Script):
        """Dies when those who have questions left are named."""

        def say(self, text: str) -> None:
            super().say(text)
            if "Questions are left for ann" in text:
                raise Killed

    monkeypatch.setattr(live, "STALL_SECONDS", 0.0)
    script = UntilTheStall(labels(run), (judgment_wanted, ann_skips))
    with pytest.raises(Killed):
        go(run, script)
    with opened(run) as store:
        assert len([q for q in store.live.questions() if q.update == 3]) == 2 * live.OPEN_AT_ONCE
    assert n_updates(run) == 3


def test_a_run_with_synthetic_labelers_is_never_held_up(gpt2_folder: Path, tmp_path: Path) -> None:
    synthetic = {key: v for key, v in SMALL.items() if key != "comparisons"}
    run = make_run(
        tmp_path / "run",
        gpt2_folder,
        **synthetic,
        comparisons={"labels": 8, "validation_labels": 4},
    )
    script = Script()
    go(run, script)
    assert waits(script) == [] and read_run_folder(run).live is None
    with opened(run) as store:
        assert store.queue.batches() == [] and store.samples(purpose="live") == []
