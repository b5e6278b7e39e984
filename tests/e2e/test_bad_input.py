"""Bad input is told in the user's words, with exit code 2 and no traceback, and loses nothing."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from prefloop.files import only_one_process
from prefloop.store.store import Store
from tests.e2e.command import Command
from tests.e2e.small_run import make_run
from tests.models_for_tests import save_gpt2


@pytest.fixture
def run(gpt2_folder: Path, tmp_path: Path) -> Path:
    """A run that has not begun."""
    return make_run(tmp_path / "run", gpt2_folder, rounds=1)


Spoil = Callable[[Path], object]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda run: (run / "prompts.txt").unlink(), "does not exist"),
        (lambda run: (run / "prompts.txt").write_text("\n \n"), "is empty"),
        (lambda run: (run / "prompts.txt").write_bytes(b"caf\xe9\n"), "not UTF-8: line 1"),
        (lambda run: (run / "run.yaml").unlink(), "prefloop init"),
        (lambda run: (run / "run.yaml").write_text("task: [\n"), "is not YAML"),
        (lambda run: (run / "run.yaml").write_text("- 1\n"), "must hold sections"),
    ],
    ids=["no prompts", "empty prompts", "not UTF-8", "no run file", "no YAML", "a list"],
)
def test_unreadable_files(prefloop: Command, run: Path, spoil: Spoil, told: str) -> None:
    spoil(run)
    assert told in prefloop.refused("run", run)


def test_all_typos_are_told_at_once_with_guesses(prefloop: Command, run: Path) -> None:
    told = prefloop.refused("run", run, "policy.epoch=2", "rewards.lr=fast", "smaples.attempts=1")
    assert "3 problems" in told
    assert "policy.epoch: no such setting. Did you mean epochs?" in told
    assert "smaples: no such setting. Did you mean samples?" in told
    assert "rewards.lr" in told and "'fast'" in told


@pytest.mark.parametrize("override", ["policy.lr", "=3", "seed.policy=1"])
def test_an_override_that_is_none(prefloop: Command, run: Path, override: str) -> None:
    assert repr(override) in prefloop.refused("run", run, override)
    assert not (run / "prefloop.db").exists()


def test_prompts_longer_than_the_context(prefloop: Command, run: Path) -> None:
    told = prefloop.refused("run", run, "task.query_tokens_max=500")
    assert "the model sees only 128" in told
    assert "Set task.query_tokens_max to 116 or less" in told


def test_an_unknown_model_without_network(
    prefloop: Command, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    told = prefloop.refused("run", run, "models.name=nobody/no-such-model")
    assert "model nobody/no-such-model" in told
    assert "Check the name" in told
    assert "./nowhere" in prefloop.refused("run", run, "models.name=./nowhere")
    # A model that never was found binds nothing.
    prefloop.done("prompts", run)


def test_a_tokenizer_without_a_pad_token_gets_one(prefloop: Command, run: Path) -> None:
    results = prefloop.done("doctor", run, "--json").json()["results"]
    (pad,) = (r for r in results if r["check"] == "padding is not end-of-text")
    assert pad["status"] == "ok" and "added by prefloop" in pad["message"]


def test_a_folder_in_use(prefloop: Command, run: Path) -> None:
    with only_one_process(run):
        assert "in use by another prefloop process" in prefloop.refused("run", run)
    prefloop.done("prompts", run)


def test_a_store_of_a_newer_prefloop(prefloop: Command, run: Path) -> None:
    prefloop.done("prompts", run)
    with sqlite3.connect(run / "prefloop.db") as database:
        database.execute("UPDATE prefloop_schema SET version_num = 'm9999'")
    before = (run / "prefloop.db").read_bytes()
    told = prefloop.refused("run", run)
    assert "has schema m9999, made by a newer prefloop" in told and "Upgrade" in told
    assert (run / "prefloop.db").read_bytes() == before


def exported(prefloop: Command, run: Path) -> list[dict[str, object]]:
    """Return a run's labels, line by line."""
    file = run / "labels.jsonl"
    prefloop.done("comparisons", run)
    prefloop.done("export", run, file)
    return [json.loads(line) for line in file.read_text().splitlines()]


def spoiled(lines: list[dict[str, object]], file: Path, spoil: Callable[..., object]) -> Path:
    """Write the lines after `spoil` changed each."""
    for number, line in enumerate(lines):
        spoil(line, number)
    file.write_text("\n".join(map(json.dumps, lines)))
    return file


def test_labels_that_name_an_unknown_sample(
    prefloop: Command, run: Path, gpt2_folder: Path, tmp_path: Path
) -> None:
    def spoil(line: dict[str, list[dict[str, str]]], number: int) -> None:
        if number == 1:
            line["labels"][0]["chosen"] = "nobody"

    file = spoiled(exported(prefloop, run), tmp_path / "spoiled.jsonl", spoil)
    other = make_run(tmp_path / "other", gpt2_folder, rounds=1)
    told = prefloop.refused("import", other, file)
    assert "line 2" in told and "nobody" in told and "nothing was stored" in told
    with Store.open(other / "prefloop.db") as store:
        assert store.labels() == []


def test_labels_of_another_tokenizer(
    prefloop: Command, run: Path, gpt2_folder: Path, tmp_path: Path
) -> None:
    def spoil(line: dict[str, list[dict[str, object]]], _: int) -> None:
        for sample in line["samples"]:
            sample |= {"response_ids": [50_000] * 4, "model": "imported/other"}

    file = spoiled(exported(prefloop, run), tmp_path / "spoiled.jsonl", spoil)
    other = make_run(tmp_path / "other", gpt2_folder, rounds=1)
    prefloop.done("import", other, file)
    told = prefloop.refused("rewards", other, "comparisons.labelers=none")
    assert "token id 50000, which lies outside the model's vocabulary of 401" in told
    with Store.open(other / "prefloop.db") as store:
        assert len(store.labels()) == 56


def test_a_context_that_a_model_lacks(prefloop: Command, tmp_path: Path) -> None:
    (tmp_path / "short").mkdir()
    run = make_run(tmp_path / "run", save_gpt2(tmp_path / "short", context=32), rounds=1)
    assert "the model sees only 32" in prefloop.refused("run", run)
