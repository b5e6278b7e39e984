"""The device, the floating-point type, the CPU threads and the random numbers of a process.

No other module names a device or a floating-point type. Elsewhere a new tensor takes both from the
tensors that it is used with (`x.new_zeros(shape)`, `torch.arange(n, device=x.device)`), or from a
`Runtime` that is handed down.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from prefloop.settings.models import ModelsConfig

Device = torch.device
DType = torch.dtype

FULL_PRECISION = torch.float32
"""The type of log-probabilities, of random numbers, and of weights that are converted once."""


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Where a model's tensors are, and of which floating-point type its weights are."""

    device: Device
    dtype: DType


CPU = Runtime(device=torch.device("cpu"), dtype=FULL_PRECISION)


def start_runtime(config: ModelsConfig) -> Runtime:
    """Set the process's number of threads; return where its models are to be."""
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    return CPU


def product_rate(runtime: Runtime, *, size: int = 768, times: int = 6) -> float:
    """Return the operations a second of a matrix product now: the best of a few, some 30 ms in all.

    A product of two n x n matrices is 2 n^3 multiplications and additions.
    """
    left = torch.ones((size, size), device=runtime.device, dtype=runtime.dtype)
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        (left @ left)[0, 0].item()  # read, so that a device has finished
        seconds.append(time.perf_counter() - began)
    return 2 * size**3 / min(seconds)


class RandomStream:
    """Random numbers that depend on the seed and on the order of the calls alone.

    They are drawn on the CPU and then moved: every device gets the same numbers.
    """

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator(CPU.device).manual_seed(seed)

    def uniform(self, shape: Sequence[int], *, device: Device) -> Tensor:
        """Return numbers from [0, 1), in full precision."""
        drawn = torch.rand(
            tuple(shape), generator=self._generator, device=CPU.device, dtype=FULL_PRECISION
        )
        return drawn.to(device)

    def normal(self, shape: Sequence[int], *, device: Device) -> Tensor:
        """Return numbers from Normal(0, 1), in full precision."""
        drawn = torch.randn(
            tuple(shape), generator=self._generator, device=CPU.device, dtype=FULL_PRECISION
        )
        return drawn.to(device)


def to_numpy(tensor: Tensor) -> np.ndarray[Any, Any]:
    """Return the numbers as an array, copied from the device if need be."""
    return tensor.detach().to(CPU.device).numpy()


@contextmanager
def shapes_only() -> Iterator[None]:
    """Make modules that are built inside the block without memory for their weights."""
    with torch.device("meta"):
        yield
