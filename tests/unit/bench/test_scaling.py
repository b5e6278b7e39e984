"""The cost model finds the constants that made its seconds, and foretells another run by them."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from prefloop.functional.model_cost import forward_operations
from prefloop.run.plan_time import workload_of
from tests.faults.server_process import ROOT
from tests.tolerances import FP32

if TYPE_CHECKING:
    from bench.scaling_model import CostModel
    from bench.scaling_runs import Measured, Shape

STEPS = 3


@pytest.fixture(autouse=True)
def bench_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "bench"))


def made(shape: "Shape", model: "CostModel") -> "Measured":
    """Return what a machine with just these constants would record."""
    from scaling_runs import Measured

    samples, rewards, policy = model.predicted(shape, steps=STEPS)
    measured: Measured = Measured(
        shape=shape,
        sample_batch_seconds=samples,
        reward_step_seconds=rewards,
        policy_update_seconds=policy,
        peak_bytes=int(model.peak_bytes(shape)),
        rows={"labels": 64, "events": 70},
        bytes_in_store=10**6,
        run_seconds=1.0,
        load_before=0.0,
    )
    return measured


def known() -> "CostModel":
    from scaling_model import CostModel

    model: CostModel = CostModel(seconds=(5e-11, 3e-11, 2e-11, 2e-4), base_bytes=5e8)
    return model


def test_the_constants_that_made_the_seconds_are_found() -> None:
    from scaling_model import fit
    from scaling_runs import FITTED, HELD_BACK

    model = known()
    found = fit([made(shape, model) for shape in FITTED], steps=STEPS)
    # As ratios: the constants themselves are smaller than any absolute tolerance.
    np.testing.assert_allclose(np.divide(found.seconds, model.seconds), 1.0, **FP32)
    foretold, truth = (m.predicted(HELD_BACK, steps=STEPS) for m in (found, model))
    np.testing.assert_allclose(np.divide(foretold, truth), 1.0, **FP32)


def test_a_machine_that_works_otherwise_does_not_fit() -> None:
    from scaling_model import fit, stage_seconds
    from scaling_runs import FITTED

    runs = [made(shape, known()) for shape in FITTED]
    # Training that takes twice as long where all weights are trained: no constant says that.
    odd = [
        replace(run, reward_step_seconds=run.reward_step_seconds * (1 + (run.shape.width > 300)))
        for run in runs
    ]
    found = fit(odd, steps=STEPS)
    ratios = [
        a / b
        for run in odd
        for a, b in zip(stage_seconds(run), found.predicted(run.shape, steps=STEPS), strict=True)
    ]
    assert max(ratios) > 1.2 and min(ratios) < 0.9


def test_operations_of_a_run_are_those_of_its_plan() -> None:
    """By hand, of run B: 6 layers of 256, texts of 32 + 16 tokens, two epochs, batches of 32."""
    from scaling_model import counts, settings_of
    from scaling_runs import FITTED

    shape = FITTED[1]
    config = settings_of(shape, steps=STEPS)
    weights, head, look = 6 * 12 * 256**2, 4096 * 256, 4 * 6 * 256 * 48
    text = 32 + 16
    drawn = 16 * (32 + 4 * 16)
    table = counts(shape, steps=STEPS)
    np.testing.assert_allclose(table[0, 0], (2 * weights + look) * drawn + 2 * head * 64 * 16)
    np.testing.assert_allclose(table[1, 2], 3 * (2 * weights + look) * 16 * (32 + 4 * 16))
    np.testing.assert_allclose(
        table[2, 2], 2 * 3 * ((2 * weights + look) * 32 * text + 2 * head * 32 * 16)
    )
    work = workload_of(config, layers=6, judged=0)
    assert work.policy.drawn == 4 * 32 * text, "four updates"


def test_a_step_of_the_reward_model_reads_its_questions_through_the_frozen_layers() -> None:
    """By hand, of run D: two of six layers of 384 are trained, on rows of 16 + 4 x 24 tokens."""
    from scaling_model import counts
    from scaling_runs import FITTED

    reading, training, calls = counts(FITTED[3], steps=STEPS)[1, 1:]
    layer = 2 * 12 * 384**2 + 4 * 384 * 40
    np.testing.assert_allclose(reading, 4 * layer * 16 * 112)
    np.testing.assert_allclose(training, 2 * 2 * layer * 16 * 112)
    assert calls == 3 * 2 + 16 * 4


def test_memory_is_that_of_three_roles_and_a_step() -> None:
    from scaling_model import counted_bytes
    from scaling_runs import HELD_BACK

    held = 4 * HELD_BACK.model.parameters * 6
    step = 4 * (16 * (40 + 4 * 24)) * 8 * (16 * 512)
    assert counted_bytes(HELD_BACK) == held + step


def test_the_run_that_checks_is_larger_than_all_that_were_fitted_to() -> None:
    from scaling_runs import FITTED, HELD_BACK

    assert HELD_BACK not in FITTED
    assert HELD_BACK.model.parameters > max(shape.model.parameters for shape in FITTED)


@pytest.mark.slow
def test_a_run_records_what_is_read_from_it(tmp_path: Path) -> None:
    from scaling_model import stage_seconds
    from scaling_runs import Shape, measure

    shape = Shape(name="T", layers=1, width=64, query=4, response=4, adapter="none", epochs=1)
    found = measure(shape, tmp_path, threads=1, steps=1)
    assert all(seconds > 0 for seconds in stage_seconds(found))
    assert sum(stage_seconds(found)) < found.run_seconds
    assert found.rows["labels"] == found.rows["comparisons"] == 32
    assert found.rows["comparison_samples"] == 4 * 32
    assert found.peak_bytes > 4 * shape.model.parameters
    operations: Any = forward_operations(shape.model, tokens=8.0, head_tokens=4.0, context=8.0)
    assert operations == 2 * 12 * 64**2 * 8 + 2 * 4096 * 64 * 4 + 4 * 64 * 8 * 8
