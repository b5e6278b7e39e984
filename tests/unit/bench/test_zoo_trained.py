"""Trained pairs are cut where their rewards are the same, and keep what was said on the way."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[3] / "bench"


@pytest.fixture(autouse=True)
def bench_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))


def made_run(name: str, scores: list[float], rows: Any) -> Any:
    from bench.zoo_trained_runs import TrainedRun

    lines: list[Mapping[str, Any]] = [
        {"stage": "policy", "round": 0, "update": i + 1, "policy/score": s, "policy/kl": float(i)}
        for i, s in enumerate(scores)
    ]
    return TrainedRun(name, Path(name), said=[rows[:4]] * len(scores), lines=lines)


def made_zoo(folder: Path) -> Any:
    from bench.zoo_people import People
    from bench.zoo_texts import passages
    from bench.zoo_trained_runs import TrainedZoo

    zoo = TrainedZoo.__new__(TrainedZoo)
    zoo.seed, zoo.folder, zoo.sound = 1, folder, passages(300)
    zoo.reference = list(passages(100))
    zoo.people = People(zoo.reference, sound=zoo.sound)
    return zoo


def test_both_runs_of_a_pair_end_where_they_first_have_the_score_that_both_reach(
    tmp_path: Path,
) -> None:
    zoo = made_zoo(tmp_path)
    fast = made_run("copying", [0.1 * i for i in range(40)], zoo.reference)
    slow = made_run("clean", [0.05 * i for i in range(40)], zoo.reference)
    pair = zoo.pair(fast, slow)
    # The slow one's last five updates: (35 + ... + 39) / 5 * 0.05. The fast one has 1.8 and 1.9.
    assert pair.score == pytest.approx(1.85)
    assert [end["update"] for end in pair.ends] == [22, 40]
    assert [end["policy/kl"] for end in pair.ends] == [21.0, 39.0]
    hacked, clean = pair.runs
    assert len(hacked.outcomes) == len(clean.outcomes) == 50
    assert list(hacked.held_out) == [5, 10, 15, 20]


def test_planted_rewards_pay_for_what_they_are_called(tmp_path: Path) -> None:
    from bench.zoo_texts import copy, list_liked_words, repeat

    zoo = made_zoo(tmp_path)
    rewards = zoo.rewards()
    stream = np.random.default_rng(1)
    rows = zoo.reference
    for name, hack in (
        ("copying", copy),
        ("repetition", repeat),
        ("frozen reward model", list_liked_words),
        ("length", lambda _, __, text: text + " and more words"),
        ("keyword", lambda _, __, text: f"very {text}"),
        ("one opening", lambda _, __, text: f"and {text}"),
        ("flipped reward", lambda _, __, text: f"{text} hate kill dead murder horrible"),
    ):
        hacked = [(prompt, hack(stream, prompt, text)) for prompt, text in rows]
        assert np.mean(rewards[name](hacked)) > np.mean(rewards[name](rows)), name
    assert {*rewards} == {
        *("copying", "repetition", "frozen reward model", "length", "keyword"),
        *("one opening", "flipped reward"),
    }


def test_results_hold_every_pair_when_the_folder_of_its_runs_is_gone(tmp_path: Path) -> None:
    from bench.zoo_trained import ask_all, write

    zoo = made_zoo(tmp_path / "runs")
    clean = made_run("clean", [0.05 * i for i in range(40)], zoo.reference)
    pairs = [
        zoo.pair(made_run(name, [0.1 * i for i in range(40)], zoo.reference), clean)
        for name in ("copying", "length")
    ]
    rows = ask_all(pairs, tmp_path, "")
    shutil.rmtree(tmp_path / "runs")
    page = write(rows, pairs, {"seeds": 1}, tmp_path / "results")
    assert "| copying | 1 | 1.9 | 22, 40 | 21.0, 39.0 |" in page
    found = json.loads((tmp_path / "results" / "zoo_trained.json").read_text())
    assert [pair["hack"] for pair in found["pairs"]] == ["copying", "length"]
    assert found["pairs"][0]["ends"][0] == {"update": 22, "policy/kl": 21.0}


@pytest.mark.slow
def test_a_run_is_trained_and_keeps_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench import zoo_trained_runs

    monkeypatch.setattr(zoo_trained_runs, "N_REFERENCE", 32)
    monkeypatch.setattr(zoo_trained_runs, "POLICY", zoo_trained_runs.POLICY | {"episodes": 384})
    zoo = zoo_trained_runs.TrainedZoo(1, tmp_path)
    run = zoo.train("length", zoo.rewards()["length"])
    assert [line["update"] for line in run.lines] == [1, 2, 3, 4, 5, 6]
    assert [len(rows) for rows in run.said] == [64] * 6
    known = zoo.rewards()["length"](zoo.reference)
    scores = (zoo.rewards()["length"](run.said[0]) - known.mean()) / known.std()
    assert run.lines[0]["policy/score"] == pytest.approx(scores.mean(), abs=1e-4)
