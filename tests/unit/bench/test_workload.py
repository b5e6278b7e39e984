"""What the benchmark counts and reports, worked by hand."""

from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[3] / "bench"


@pytest.fixture(autouse=True)
def bench_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))


def test_useful_operations_worked_by_hand() -> None:
    """2 queries of 3 + 1 tokens: 8 tokens, 2 answers; trunk 10, head 100 parameters.

    A forward pass of the policy: 2 * (8 * 10 + 2 * 100) = 560. Rollout and reference: 1,120. Reward
    model: 2 * 8 * 10 = 160. Two epochs, each a forward and a backward of twice that: 3,360.
    """
    from bench.workload import Workload, useful_flops

    workload = Workload(batch_size=2, query_tokens=3, response_tokens=1, epochs=2)
    assert useful_flops(workload, trunk_parameters=10, head_parameters=100) == 1120 + 160 + 3360


def test_a_measurement_is_the_median_without_the_warm_ups() -> None:
    from bench.workload import Workload, measurement

    workload = Workload(batch_size=32, warm_ups=2, updates=3, flops=8e9)
    found = measurement("trl", workload, [90.0, 80.0, 4.0, 2.0, 3.0], [10.0, 20.0])
    assert found["update_seconds_median"] == 3.0
    assert found["episodes_per_second"] == pytest.approx(32 / 3)
    assert found["matmul_share"] == pytest.approx(8 / 3 / 20)
    assert found["peak_rss_mb"] > 50


def test_both_sides_read_the_same_workload_and_draw_the_same_queries(tmp_path: Path) -> None:
    from bench.workload import Workload, queries

    workload = Workload(batch_size=4, query_tokens=5, seed=7, flops=1.5)
    workload.write(tmp_path)
    assert Workload.read(tmp_path) == workload
    drawn = queries(workload, 50, count=6)
    assert drawn == queries(Workload.read(tmp_path), 50, count=6)
    assert {len(row) for row in drawn} == {5}
    assert max(max(row) for row in drawn) < 48
