"""How sides take turns, what they share, and what is counted of them, worked by hand."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).resolve().parents[3] / "bench"

SIDE = f"""
import json, sys, time
sys.path.insert(0, {str(BENCH)!r})
from turns import may_go_on

name, planned, log = sys.argv[1], int(sys.argv[2]), open(sys.argv[3], "a")
done = 0
while done < planned and may_go_on():
    done += 1
    print(f"{{name}} talks of other things", flush=True)
    print(f"{{name}}{{done}}", file=log, flush=True)
if planned == 13:
    sys.exit("this side has bad luck")
print("RESULT " + json.dumps({{"side": name, "done": done}}))
"""


@pytest.fixture(autouse=True)
def bench_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))


def side(tmp_path: Path, name: str, planned: int) -> list[str]:
    script = tmp_path / "side.py"
    script.write_text(SIDE)
    return [sys.executable, str(script), name, str(planned), str(tmp_path / "log")]


def test_sides_take_turns_update_by_update_until_each_has_made_its_own(tmp_path: Path) -> None:
    from bench.turns import take_turns

    commands = [side(tmp_path, "a", 3), side(tmp_path, "b", 2)]
    found = take_turns(commands, threads=1, seconds=60, least=0)
    assert found == [{"side": "a", "done": 3}, {"side": "b", "done": 2}]
    assert (tmp_path / "log").read_text().split() == ["a1", "b1", "a2", "b2", "a3"]


def test_when_time_is_up_every_side_has_had_its_least_turns_and_no_more(tmp_path: Path) -> None:
    from bench.turns import take_turns

    commands = [side(tmp_path, "a", 1000), side(tmp_path, "b", 1000)]
    found = take_turns(commands, threads=1, seconds=0, least=2)
    assert [one["done"] for one in found] == [2, 2]


def test_a_side_that_fails_is_named_with_what_it_said(tmp_path: Path) -> None:
    from bench.turns import take_turns

    began = time.monotonic()
    with pytest.raises(SystemExit, match=r"(?s)side\.py.*this side has bad luck"):
        take_turns(
            [side(tmp_path, "a", 1000), side(tmp_path, "b", 13)], threads=1, seconds=60, least=0
        )
    assert time.monotonic() - began < 60, "the side that could go on was ended"


def found(seconds: list[float], rate: float, megabytes: float) -> dict[str, Any]:
    return {
        "warm_ups": 1,
        "update_seconds": seconds,
        "responses_per_second": rate,
        "peak_rss_mb": megabytes,
    }


def test_a_ratio_is_that_of_the_medians_and_of_neighbors_without_the_warm_ups() -> None:
    """Ours took 2, 4 and 2 seconds where theirs took 6, 8 and 10: 3, 2 and 5 times."""
    from bench.turns import Ratio, ratio

    ours = found([90.0, 2.0, 4.0, 2.0], 16.0, 500.0)
    theirs = found([1.0, 6.0, 8.0, 10.0], 4.0, 2000.0)
    assert ratio(ours, theirs) == Ratio(speed=4.0, least=2.0, most=5.0, memory=0.25)


def test_responses_per_second_are_those_of_the_median_update() -> None:
    from bench.turns import responses_per_second

    assert responses_per_second(32, [100.0, 4.0, 2.0, 3.0], 1) == pytest.approx(32 / 3)


def test_an_update_bears_its_share_of_what_was_done_for_all_that_were_planned() -> None:
    """12 seconds for 6 planned updates are 2 for each, also of a run that made but two."""
    from bench.method_workload import with_share

    assert with_share([3.0, 4.0], prelude=12.0, planned=6) == [5.0, 6.0]


@pytest.mark.parametrize(
    ("job", "own", "n"),
    [
        ("rewards", {}, 16),
        ("rewards", {"shown": 4}, 8),
        ("rloo", {"samples_per_prompt": 2}, 16),
        ("a2po", {"value_samples": 8}, 32),
    ],
)
def test_an_update_has_as_many_responses_in_every_job(job: Any, own: Any, n: int) -> None:
    from bench.method_workload import MethodWorkload, prompts

    workload = MethodWorkload(job=job, batch_size=32, warm_ups=1, updates=2, **own)
    assert workload.prompts_per_update == n
    assert len(prompts(workload, 50)) == 3 * n


def test_the_sequences_of_a_comparison_begin_with_its_query_and_go_on_apart() -> None:
    from bench.method_workload import MethodWorkload, comparisons, prompts

    workload = MethodWorkload(
        job="rewards", batch_size=8, shown=4, query_tokens=5, response_tokens=6, updates=1
    )
    groups = comparisons(workload, 50)
    assert groups == comparisons(workload, 50)
    for query, group in zip(prompts(workload, 50), groups, strict=True):
        assert [row[:5] for row in group] == [query] * 4
        assert len({tuple(row[5:]) for row in group}) == 4
        assert {len(row) for row in group} == {11}
        assert max(map(max, group)) < 48, "the last two ids are the end and padding"


def test_both_sides_read_the_same_sizes(tmp_path: Path) -> None:
    from bench.method_workload import MethodWorkload

    workload = MethodWorkload(job="rewards", adapter="lora", top_layers=8, batch_size=4)
    workload.write(tmp_path)
    assert MethodWorkload.read(tmp_path) == workload
    assert workload.trained == "adapters on the top 8 layers"


def test_what_is_compared_has_the_shapes_and_targets_that_were_asked_for() -> None:
    from bench.methods_beside_trl import groups, parser

    made = groups(parser().parse_args(["--threads", "1"]))
    assert [(g.workload.job, g.shape, g.workload.trained, g.target) for g in made] == [
        ("rewards", "layers6", "all weights", 2.0),
        ("rewards", "layers6", "adapters on all layers", 2.0),
        ("rewards", "layers6", "adapters on the top 4 layers", 2.0),
        ("rewards", "gpt2", "all weights", 2.0),
        ("rewards", "gpt2", "adapters on all layers", 2.0),
        ("rewards", "gpt2", "adapters on the top 8 layers", 2.0),
        ("rloo", "layers6", "all weights", 3.0),
        ("rloo", "layers6", "adapters on all layers", 3.0),
        ("a2po", "layers6", "all weights", 3.0),
        ("a2po", "layers6", "adapters on all layers", 3.0),
    ]
    pairs = made[0].workload
    assert (pairs.prompts_per_update, pairs.query_tokens + pairs.response_tokens) == (16, 56)
    assert (made[6].workload.batch_size, made[6].workload.epochs) == (64, 4)
    assert [workload.shown for _, workload in made[1].workloads] == [2, 2, 4]


def test_one_job_is_measured_with_one_way_of_training() -> None:
    from bench.methods_beside_trl import groups, parser

    (group,) = groups(parser().parse_args(["--jobs", "a2po", "--adapters", "lora"]))
    assert (group.workload.job, group.workload.trained) == ("a2po", "adapters on all layers")


def test_what_was_measured_is_written_before_the_next_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is ended between groups has left those before."""
    from bench import methods_beside_trl as bench

    side = {"version": "1", "torch": "2", "peak_rss_mb": 500.0, "responses_per_second": 4.0}
    times = {"update_seconds": [9.0, 2.0, 2.0], "warm_ups": 1}
    left: list[tuple[int, bool]] = []

    def run_group(group: bench.Group, *_: Any) -> dict[str, Any]:
        stem = tmp_path / "methods_beside_trl"
        groups = json.loads(stem.with_suffix(".json").read_text())["groups"] if left else []
        left.append((len(groups), "not run to their end" in read(stem.with_suffix(".md"))))
        if len(left) == 3:
            raise KeyboardInterrupt
        return {
            "job": group.workload.job,
            "shape": group.shape,
            "trained": group.workload.trained,
            "target": group.target,
            "workload": vars(group.workload),
            "ratio": {"speed": 1.0, "least": 1.0, "most": 1.0, "memory": 1.0},
            "trl": side | times,
            "prefloop": side | times,
            "best_of_four": None,
        }

    def read(path: Path) -> str:
        return path.read_text() if path.exists() else ""

    monkeypatch.setattr(bench, "run_group", run_group)
    arguments = bench.parser().parse_args(
        ["--jobs", "rloo", "a2po", "--threads", "1", "--out", str(tmp_path)]
    )
    with pytest.raises(KeyboardInterrupt):
        bench.measure(bench.groups(arguments), arguments)
    assert left == [(0, False), (1, True), (2, True)]
    text = read(tmp_path / "methods_beside_trl.md")
    assert [line.split(" | ")[2] for line in text.splitlines() if line.startswith("| rloo")] == [
        "all weights",
        "adapters on all layers",
    ]
