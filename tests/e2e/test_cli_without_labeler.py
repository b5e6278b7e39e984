"""`prefloop rewards without`: what one labeler's labels did, and not a byte of the run changed."""

import hashlib
import shutil
from pathlib import Path

import pytest

from prefloop.store.store import Store
from tests.e2e.command import Command


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A finished run that may be changed."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def bytes_of(run: Path) -> dict[str, str]:
    """Return a hash of every file; the database's side files come and go with a reader."""
    return {
        path.relative_to(run).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(run.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def labelers(run: Path) -> dict[str, int]:
    """Return how many training labels each labeler gave."""
    with Store.open(run / "prefloop.db") as store:
        names = [label.labeler for label in store.labels(split="train")]
    return {name: names.count(name) for name in sorted(set(names))}


def test_it_says_what_would_change_and_changes_nothing(prefloop: Command, run: Path) -> None:
    counts = labelers(run)
    name = max(counts, key=lambda each: counts[each])
    before = bytes_of(run)
    told = prefloop.done("rewards", "without", run, name, "--json").json()
    assert bytes_of(run) == before
    assert (told["labeler"], told["round"]) == (name, 0)
    assert (told["left_out"], told["left"]) == (counts[name], sum(counts.values()) - counts[name])
    for model in (told["without"], told["yardstick"]):
        assert model["accuracy"]["n"] == model["same_choice"]["n"] == told["questions"] > 0
        assert model["other_pick"]["n"] > 0
    assert told["group_size"] == 4


def test_its_words_carry_what_each_number_rests_on(prefloop: Command, run: Path) -> None:
    counts = labelers(run)
    name = min(counts, key=lambda each: counts[each])
    told = prefloop.done("rewards", "without", run, name).out
    assert f"round 0 without {name}: {counts[name]} training label" in told
    assert "validation question" in told and "95 % interval" in told
    assert "stored groups of 4 samples" in told
    assert "Yardstick" in told
    assert f"Nothing in {run} was changed." in told


def test_on_all_labels_the_saved_model_comes_out(
    prefloop: Command, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is compared differs by the labels and by nothing else."""
    name = next(iter(labelers(run)))
    monkeypatch.setattr("prefloop.run.without_labeler._labels_of", lambda *_: [])
    told = prefloop.done("rewards", "without", run, name, "--json").json()
    assert told["left_out"] == 0
    assert told["without"]["same_choice"]["value"] == 1.0
    assert told["without"]["other_pick"]["value"] == 0.0
    assert told["without"]["difference"]["value"] == 0.0


@pytest.mark.parametrize("name", ["nobody", "synthetic-99"])
def test_an_unknown_labeler_is_refused_with_those_there_are(
    prefloop: Command, run: Path, name: str
) -> None:
    told = prefloop.refused("rewards", "without", run, name)
    assert f"no label of '{name}' taught this reward model" in told
    for known, n in labelers(run).items():
        assert f"{known} ({n})" in told


def test_the_only_labeler_is_refused(
    prefloop: Command, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, labels = next(iter(labelers(run))), Store.labels
    monkeypatch.setattr(
        Store, "labels", lambda *a, **k: [x for x in labels(*a, **k) if x.labeler == kept]
    )
    told = prefloop.refused("rewards", "without", run, kept)
    assert f"'{kept}' is the only labeler" in told


def test_a_run_without_a_reward_model_is_refused(prefloop: Command, run: Path) -> None:
    told = prefloop.refused("rewards", "without", run, "synthetic-0", "--round", "5")
    assert "no reward model of round 5 (rounds with one: 0)" in told
