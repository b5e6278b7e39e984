"""A run whose labels come from people: it waits, goes on, stops for the cord, and survives."""

import json
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from prefloop.metrics import MetricsLog
from prefloop.models.checkpoint import checkpoint_numbers
from prefloop.records import Label
from prefloop.run import stops
from prefloop.run import waiting as people
from prefloop.run_folder import read_run_folder
from prefloop.store.store import Store
from tests.e2e.labelers import answer_in_store
from tests.e2e.live_run import (
    LEARNING,
    Killed,
    Script,
    answers,
    both_rounds,
    go,
    make_people_run,
    n_updates,
    opened,
    pull,
    result,
    told_lines,
    update,
    waiting,
)

FIRST = {"wait": "first", "people": {"ahead": 0.5}}
"""PPO goes on while the second round is answered, for three of its six updates at most."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody here takes a second."""
    monkeypatch.setattr(people, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(stops, "POLL_SECONDS", 0.01)


def answered_ahead(run: Path, **keys: int) -> Script:
    """People answer the second round when PPO has made two updates beyond the first."""
    return Script((waiting, answers(run)), (update(run, 8), answers(run)), **keys)


@pytest.fixture(scope="module")
def straight_ahead(gpt2_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that went on while people answered, undisturbed."""
    run = make_people_run(tmp_path_factory.mktemp("ahead") / "run", gpt2_folder, **FIRST)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "POLL_SECONDS", 0.01)
        go(run, answered_ahead(run))
    return run


def policy_lines(run: Path) -> list[dict[str, float]]:
    return [x for x in MetricsLog(run / "metrics.jsonl").lines() if x["stage"] == "policy"]


def reward_rounds(run: Path) -> list[int]:
    """Return the round of the reward model that each update learned from."""
    return [int(x.get("reward_round", x["round"])) for x in policy_lines(run)]


def test_a_round_learns_from_the_answers_that_were_waited_for(straight_people: Path) -> None:
    lines = MetricsLog(straight_people / "metrics.jsonl").lines()
    begun = [(x["stage"], x["round"]) for x in lines if x["update"] in (1, 7)]
    assert begun == [("rewards", 0), ("policy", 0), ("rewards", 1), ("policy", 1)]
    with opened(straight_people) as store:
        batches = store.queue.batches()
        assert [(b.round, b.wanted, b.answered) for b in batches] == [(0, 12, 12), (1, 12, 12)]
        assert all(b.frozen_sequence is not None for b in batches)
        state = store.updates.state()
        assert state is not None and state.phase == "finished"
        assert state.checkpoints == (0, 6, 10, 12)


def test_those_who_watch_are_told_every_line_and_see_responses(straight_people: Path) -> None:
    assert told_lines(straight_people) == MetricsLog(straight_people / "metrics.jsonl").lines()
    with opened(straight_people) as store:
        updates = [u for u in store.updates.after(0) if u.stage == "policy"]
    assert [len(u.samples) for u in updates] == [3] * 12
    assert updates[0].samples[0].keys() == {"prompt", "response", "score", "kl"}


def test_nothing_is_claimed_about_a_taste_that_nobody_knows(straight_people: Path) -> None:
    found = read_run_folder(straight_people).evaluation_of_round(1)
    assert found is not None
    assert "people labeled" in found.figures.missing["frontier"]
    with opened(straight_people) as store:
        assert store.samples(purpose="frontier") == []


def test_an_answer_that_comes_late_counts_from_the_next_round_on(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    """Ann skips a question and nobody else is there; Ben answers it when the batch is frozen.

    The trainer dies right then, and reads the labels again when it is back.
    """
    run = make_people_run(tmp_path / "run", gpt2_folder)
    late: list[Label] = []

    def all_but_one() -> None:
        with opened(run) as store:
            question = store.comparisons(round=0, split="train")[0]
            store.people.add("ann", "labeler")
            skipped = Label(
                id="skipped",
                comparison_id=question.id,
                labeler="ann",
                answer="skip",
                chosen=None,
                shown=question.sample_ids,
                seconds=1.0,
                instructions="1",
            )
            best = {"answer": "best", "chosen": question.sample_ids[0]}
            late.append(replace(skipped, id="late", labeler="ben", **best))  # type: ignore[arg-type]
            store.add_labels([skipped])
            answer_in_store(store, "ann")

    def ben_answers() -> None:
        with opened(run) as store:
            store.add_labels(late)
        raise Killed

    learning = (lambda what, *_: what == LEARNING, ben_answers)
    script = Script((waiting, all_but_one), learning)
    with pytest.raises(Killed):
        go(run, script)
    go(run, Script((waiting, answers(run))))
    assert any("1 of 12 answers stay missing" in said for said in script.said)
    figures = [json.loads((run / f"rewards/round-{r}/trust.json").read_text()) for r in (0, 1)]
    assert [f["labels"] for f in figures] == [7, 16]


def killed_and_resumed(run: Path, script: Callable[..., Script], seed: int) -> int:
    """Run with a death at random counts; return how often it died."""
    rng, n_deaths = random.Random(seed), 0
    while True:
        try:
            go(run, script(run, die_at=rng.randint(2, 14)))
            return n_deaths
        except Killed:
            n_deaths += 1


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(s, marks=pytest.mark.slow) for s in range(1, 9))]
)
def test_a_run_that_dies_while_it_waits_and_learns_ends_the_same(
    straight_people: Path, gpt2_folder: Path, tmp_path: Path, seed: int
) -> None:
    run = make_people_run(tmp_path / "run", gpt2_folder)
    assert killed_and_resumed(run, both_rounds, seed) > 1
    assert result(run) == result(straight_people)
    assert told_lines(run) == told_lines(straight_people)


def test_ppo_goes_on_while_people_answer_and_then_learns_from_them(straight_ahead: Path) -> None:
    assert reward_rounds(straight_ahead) == [0] * 8 + [1] * 4
    with opened(straight_ahead) as store:
        [_, batch] = store.queue.batches()
    assert (batch.answered, batch.wanted) == (12, 12)


def answered_if_due(run: Path, **keys: int) -> Script:
    """As `answered_ahead`, by people who go on when the trainer is dead."""
    if n_updates(run) >= 8:
        answers(run)()
    return answered_ahead(run, **keys)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(s, marks=pytest.mark.slow) for s in range(1, 9))]
)
def test_a_run_that_dies_while_it_goes_ahead_uses_the_right_reward_model(
    straight_ahead: Path, gpt2_folder: Path, tmp_path: Path, seed: int
) -> None:
    run = make_people_run(tmp_path / "run", gpt2_folder, **FIRST)
    assert killed_and_resumed(run, answered_if_due, seed) > 1
    assert reward_rounds(run) == reward_rounds(straight_ahead)
    assert result(run) == result(straight_ahead)


def test_a_policy_that_is_faster_than_the_people_waits_for_them(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    run = make_people_run(tmp_path / "run", gpt2_folder, **FIRST)
    go(run, both_rounds(run))
    assert reward_rounds(run) == [0] * 9 + [1] * 3


def test_a_cord_that_is_released_leaves_no_trace_in_the_result(
    straight_people: Path, gpt2_folder: Path, tmp_path: Path
) -> None:
    run = make_people_run(tmp_path / "run", gpt2_folder)
    script = both_rounds(run)
    script.scenes += [(update(run, 3), pull(run)), (update(run, 9), pull(run))]
    go(run, script)
    with opened(run) as store:
        cords = store.stop_requests.all()
    assert [cord.update for cord in cords] == [3, 9]
    assert all(c.stopped_at is not None and c.stopped_at - c.pulled_at < 5.0 for c in cords)
    assert result(run) == result(straight_people)


def test_a_roll_back_goes_another_way_from_the_checkpoint(
    straight_people: Path, gpt2_folder: Path, tmp_path: Path
) -> None:
    run = make_people_run(tmp_path / "run", gpt2_folder)
    script = both_rounds(run)
    script.scenes.append((update(run, 9), pull(run, "roll_back", 6)))
    go(run, script)
    before, after = policy_lines(straight_people), policy_lines(run)
    assert [x["update"] for x in after] == list(range(1, 13))
    assert after[:6] == before[:6], "what was before the checkpoint stands"
    assert after[6] != before[6], "the same random numbers would do the same again"
    assert told_lines(run) == MetricsLog(run / "metrics.jsonl").lines()
    with opened(run) as store:
        assert len(store.labels()) == 24
        assert [e.kind for e in store.events()].count("run_rolled_back") == 1
        models = {s.model for s in store.samples(purpose="evaluation")}
    assert models == {"reference", "policy/update-12-branch-1"}


def test_after_a_roll_back_nothing_is_stale_and_excluded_labelers_are_left_out(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    """Ben's answers are in both reward models; he is excluded, and the run begins again."""
    run = make_people_run(tmp_path / "run", gpt2_folder)
    seen: list[list[Path]] = []

    def made() -> None:
        folders = ("policy/round-*", "rewards/round-*", "evaluation/policy/*.json")
        seen.append([path for folder in folders for path in run.glob(folder)])

    def ben_first() -> None:
        with opened(run) as store:
            answer_in_store(store, "ben", 4)
            answer_in_store(store, "ann")

    def excluded() -> None:
        made()
        with opened(run) as store:
            store.exclusions.apply("random clicker", "ben", "half of his gold is wrong", "olga")
        pull(run, "roll_back", 0)()

    script = Script((waiting, ben_first), (waiting, ben_first), (update(run, 9), excluded))
    script.scenes.append((lambda *_: "continues from update 0" in "".join(script.said), made))
    go(run, script, "evaluation.every_round=true")
    assert [len(paths) for paths in seen] == [4, 0], "right after it went back nothing is there"
    with opened(run) as store:
        of_ann = {x.comparison_id for x in store.labels(split="train") if x.labeler == "ann"}
    figures = [json.loads((run / f"rewards/round-{r}/trust.json").read_text()) for r in (0, 1)]
    assert [f["labels"] for f in figures] == [len(of_ann)] * 2, "what is known, to both"
    assert len(of_ann) < 16
    assert [x["update"] for x in policy_lines(run)] == list(range(1, 13))
    assert len(list(run.glob("evaluation/policy/*.json"))) == 2


def test_a_roll_back_while_labels_are_waited_for_asks_about_the_new_policy(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    run = make_people_run(tmp_path / "run", gpt2_folder)

    def some_and_pull() -> None:
        with opened(run) as store:
            answer_in_store(store, "ann", 5)
        pull(run, "roll_back", 4)()

    script = Script((waiting, answers(run)), (waiting, some_and_pull), (waiting, answers(run)))
    go(run, script)
    with opened(run) as store:
        labels = store.labels(round=1)
        samples = store.samples_by_id([x.chosen for x in labels if x.chosen])
        models = [samples[x.chosen].model for x in labels if x.chosen]
        batch = store.queue.batch(1)
    assert models == ["policy/update-6"] * 5 + ["policy/update-6-branch-1"] * 12
    # What the abandoned policy was asked about stays known, and makes up for nothing.
    assert batch is not None and (batch.answered, batch.wanted) == (12, 12)


class Clerk(threading.Thread):
    """Pulls the cord at random moments, and notes how many updates the trainer still made."""

    def __init__(self, run: Path, n_pulls: int) -> None:
        super().__init__(daemon=True)
        self.run_folder, self.n_pulls = run, n_pulls
        self.late: list[int] = []
        self.seconds: list[float] = []

    def run(self) -> None:
        rng = random.Random(5)
        with opened(self.run_folder) as store:
            while len(self.late) < self.n_pulls:
                threading.Event().wait(rng.uniform(0.0, 0.3))
                self.pull(store)

    def pull(self, store: Store) -> None:
        before = n_updates(self.run_folder)
        cord = store.stop_requests.pull("ann", "it swears", ())
        while cord.stopped_at is None:
            threading.Event().wait(0.005)
            cord = store.stop_requests.all()[-1]
        assert cord.update is not None
        assert cord.update in checkpoint_numbers(self.run_folder / "checkpoints" / "policy")
        self.late.append(cord.update - before)
        self.seconds.append(cord.stopped_at - cord.pulled_at)
        store.stop_requests.release(cord.id, "olga", "read ten samples", "resume")


@pytest.mark.parametrize("n_pulls", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_the_cord_stops_the_line_within_one_update_or_five_seconds(
    gpt2_folder: Path, tmp_path: Path, n_pulls: int
) -> None:
    run = make_people_run(tmp_path / "run", gpt2_folder)
    clerk = Clerk(run, n_pulls)
    script = both_rounds(run)
    script.scenes.append((update(run, 1), clerk.start))
    # Long enough, and never finished: the clerk has gone home before.
    home = (lambda *_: not clerk.is_alive() and bool(clerk.late), lambda: script.die())
    script.scenes.append(home)
    with pytest.raises(Killed):
        go(run, script, f"policy.episodes={8 * 40 * n_pulls}", "policy.checkpoint_every=0")
    assert len(clerk.late) == n_pulls
    assert all(n <= 1 or s <= 5.0 for n, s in zip(clerk.late, clerk.seconds, strict=True))
    assert max(clerk.late) <= 2, clerk.late
