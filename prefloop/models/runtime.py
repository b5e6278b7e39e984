"""The device, the floating-point type, the CPU threads and the random numbers of a process.

No other module names a device or a floating-point type. Elsewhere a new tensor takes both from the
tensors that it is used with (`x.new_zeros(shape)`, `torch.arange(n, device=x.device)`), or from a
`Runtime` that is handed down.
"""

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
