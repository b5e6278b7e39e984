"""Memory that runs out says which setting to make smaller; any other error stays what it is."""

import pytest
import torch

from prefloop.errors import OutOfMemoryError
from prefloop.models.memory import fits_in_memory

MORE_THAN_THERE_IS = 1 << 50


def test_what_the_cpu_cannot_give_names_the_setting_and_its_value() -> None:
    asked = r"training the policy \(.*can't allocate memory.*policy.microbatch_size \(16\)"
    with (
        pytest.raises(OutOfMemoryError, match=asked),
        fits_in_memory("training the policy", policy__microbatch_size=16),
    ):
        torch.empty(MORE_THAN_THERE_IS, dtype=torch.uint8)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_an_accelerator_cannot_give_is_known_by_what_it_says(error: Exception) -> None:
    with (
        pytest.raises(OutOfMemoryError, match=r"smaller samples.batch_size \(64\)"),
        fits_in_memory("drawing samples", samples__batch_size=64),
    ):
        raise error


def test_another_error_is_not_renamed() -> None:
    with (
        pytest.raises(RuntimeError, match="a bug of ours"),
        fits_in_memory("drawing samples", samples__batch_size=64),
    ):
        raise RuntimeError("a bug of ours")


def test_a_setting_that_the_run_keeps_needs_a_new_run() -> None:
    with (
        pytest.raises(OutOfMemoryError, match=r"policy.batch_size \(64\) and begin a new run"),
        fits_in_memory("drawing the policy's responses", policy__batch_size=64),
    ):
        raise MemoryError
