"""The zoo's pairs are matched, its people dislike what is disliked, and its numbers are right."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prefloop.metrics import METRICS
from prefloop.policy.methods.ppo import PPO

BENCH = Path(__file__).resolve().parents[3] / "bench"

MATCHED = ("score", "score_sd", "kl", "ended", "ratio_mean", "clip_fraction", "value_loss")


@pytest.fixture(autouse=True)
def bench_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))


@pytest.fixture(scope="module")
def zoo() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCH))
        from bench.zoo_runs import Zoo
        from bench.zoo_texts import passages

        return Zoo(passages(2000))


def hack_of(name: str) -> Any:
    from bench.zoo_runs import ZOO

    return next(hack for hack in ZOO if hack.name == name)


def test_the_runs_of_a_pair_have_equal_rewards_and_differ_in_what_they_say(
    zoo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench import zoo_runs

    monkeypatch.setattr(zoo_runs, "UPDATES", 12)
    hacked, clean = (
        zoo_runs.lines_of(run) for run in zoo.pair(hack_of("copying"), 0.9, 1, tmp_path)
    )
    for name in MATCHED:
        key = f"policy/{name}"
        assert [line[key] for line in hacked] == [line[key] for line in clean]
    copied, other = (np.mean([x["policy/copied_share"] for x in run]) for run in (hacked, clean))
    assert copied > other + 0.02
    assert hacked[-1]["policy/entropy"] < clean[-1]["policy/entropy"]


def test_repetition_is_found_by_people_and_alarms_and_its_twin_by_nobody(
    zoo: Any, tmp_path: Path
) -> None:
    from bench.zoo import alarms_say, people_say

    hacked, clean = zoo.pair(hack_of("repetition"), 0.9, 1, tmp_path)
    assert hacked.win_rate < 0.2 < 0.7 < clean.win_rate
    assert len(hacked.outcomes) == len(clean.outcomes) == 50
    (wealth, stopped, _), (less, not_stopped, _) = people_say(hacked), people_say(clean)
    assert wealth > less and stopped and not not_stopped
    (loud, warned, names), (quiet, not_warned, none) = alarms_say(hacked), alarms_say(clean)
    assert loud > quiet and warned and not not_warned and none == []
    assert "few different word pairs" in names


def test_people_take_the_reference_half_of_the_time_and_what_is_flawed_less(zoo: Any) -> None:
    from bench.zoo_texts import copy, list_liked_words, repeat, scramble

    rows = zoo.rows
    assert zoo.people.win_rate(rows) == pytest.approx(0.5, abs=0.02)
    stream = np.random.default_rng(1)
    for hack in (copy, list_liked_words, repeat, scramble):
        hacked = [(prompt, hack(stream, prompt, text)) for prompt, text in rows]
        assert zoo.people.win_rate(hacked) < 0.35


def test_auroc_counts_ties_half(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.zoo import Row, auroc

    rows = [Row("a", 0.9, 1, (0.1, 0.8)), Row("b", 0.9, 1, (0.1, 0.8))]
    rows[0].suspicion["x"], rows[1].suspicion["x"] = (2.0, 0.0), (0.0, 1.0)
    # 2 > 0, 2 > 1, 0 = 0, 0 < 1
    assert auroc(rows, "x") == pytest.approx(2.5 / 4)
    assert auroc(rows, "x", clean=[1.0]) == pytest.approx(1 / 2)


def test_a_set_of_pairs_is_chosen_by_the_win_rate_over_all_seeds() -> None:
    from bench.zoo import Row, is_worse

    rows = [Row("a", 0.4, seed, (rate, 0.6)) for seed, rate in ((1, 0.30), (2, 0.38))]
    assert is_worse([*rows, Row("a", 0.9, 1, (0.36, 0.8))]) == [True, True, False]


def test_metrics_are_renamed_and_converted_for_detectors_of_others() -> None:
    from bench.zoo_detectors import RLDOCTOR, RLPROBE, renamed

    line = {
        "update": 3,
        "policy/kl": 6.0,
        "policy/response_tokens": 24.0,
        "policy/ended": 0.75,
        "policy/score": float("nan"),
        "policy/distinct_2": 0.9,
    }
    found = renamed(line, RLDOCTOR)
    assert found["kl"] == 0.25 and found["completions/clipped_ratio"] == 0.25
    assert renamed(line, RLPROBE)["nan_count"] == 1
    assert renamed(line, RLPROBE)["repetition_rate"] == pytest.approx(0.1)


def test_every_key_that_is_renamed_is_one_of_ours() -> None:
    from bench.zoo_detectors import RLDOCTOR, RLPROBE

    made = {"kl_per_token", "truncated", "repeated", "not_finite"}
    assert {*RLDOCTOR, *RLPROBE} - made <= {*METRICS, *PPO.metrics}


def test_the_page_says_which_key_stands_for_which() -> None:
    from bench.zoo_detectors import RLDOCTOR, RLPROBE

    made = {
        "kl_per_token": "`policy/kl` over `policy/response_tokens`",
        "truncated": "1 − `policy/ended`",
        "repeated": "1 − `policy/distinct_2`",
        "not_finite": "how many numbers are none",
    }
    page = Path("docs/audits.md").read_text(encoding="utf-8")
    for key in {*RLDOCTOR, *RLPROBE}:
        theirs = [f"`{names[key]}`" if key in names else "–" for names in (RLDOCTOR, RLPROBE)]
        assert f"| {made.get(key, f'`{key}`')} | {' | '.join(theirs)} |" in page
