"""The device, the floating-point types, the CPU threads and the random numbers of a process.

No other module names a device or a floating-point type. Elsewhere a new tensor takes both from the
tensors that it is used with (`x.new_zeros(shape)`, `torch.arange(n, device=x.device)`), or from a
`Runtime` that is handed down.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from prefloop.errors import SettingsError
from prefloop.settings.models import ModelsConfig

Device = torch.device
DType = torch.dtype

FULL_PRECISION = torch.float32
"""The type of all that is trained, of heads, log-probabilities and losses, of random numbers, and
of weights that are converted once."""

DTYPES: dict[str, DType] = {"float32": torch.float32, "bfloat16": torch.bfloat16}
"""What `models.dtype` may name."""


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Where a model's tensors are, and of which floating-point types."""

    device: Device
    dtype: DType
    """Of the weights that the layers multiply with, as they are in memory."""
    products: DType | None = None
    """Of the layers' matrix products, where it is another one than that of the weights."""

    def layers(self) -> AbstractContextManager[Any]:
        """Return the block inside which layers run, whose products are of the type `products`."""
        if self.products is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.products)

    @property
    def is_rounded(self) -> bool:
        """Whether the layers compute in less than full precision.

        Then two passes in other shapes, such as a token at a time and all at once, part by
        hundredths of a nat per token.
        """
        return (self.products or self.dtype) == torch.bfloat16

    def as_settings(self) -> dict[str, str]:
        """Return the `models` settings that name this runtime, `auto` in none of them."""
        dtype = self.products or self.dtype
        name = next((name for name, known in DTYPES.items() if known == dtype), str(dtype))
        return {"device": self.device.type, "dtype": name}


CPU = Runtime(device=torch.device("cpu"), dtype=FULL_PRECISION)


def start_runtime(
    config: ModelsConfig, *, has_warm_start: bool = False, nth_device: int = 0
) -> Runtime:
    """Set the process's number of threads; return where its models are to be, and of which type.

    With `adapter: none` all weights are trained. They are then in full precision, and `bfloat16` is
    the type of the products alone: a step is smaller than the distance between two of its numbers.
    So are most steps of a warm start, which the weights of its model hold. `nth_device` is the
    number of the GPU where there are several, from 0: each process of a machine has its own.
    SettingsError for a device that is not there, or one without the type.
    """
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    device = _device(config.device, nth_device)
    dtype = _dtype(config.dtype, device)
    if (config.adapter == "none" or has_warm_start) and dtype != FULL_PRECISION:
        return Runtime(device=device, dtype=FULL_PRECISION, products=dtype)
    return Runtime(device=device, dtype=dtype)


def devices_here() -> list[str]:
    """Return the names of the devices of this machine that torch can use, the fastest first."""
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    return [name for name, is_there in there.items() if is_there]


def _device(name: str, number: int) -> Device:
    here = devices_here()
    if name == "auto":
        name = here[0]
    if name not in here:
        raise SettingsError(
            f"models.device is {name}, which torch {torch.__version__} does not find here; it "
            f"finds {' and '.join(here)}. Set models.device: auto, or {here[0]}; or install a "
            f"torch that is built for {name} (https://pytorch.org/get-started)."
        )
    if name == "cuda" and number > 0 and number >= (n_gpus := torch.cuda.device_count()):
        raise SettingsError(
            f"process {number} of this machine has no GPU of its own: torch finds {n_gpus}. Start "
            "at most as many processes on a machine as it has GPUs, or set models.device: cpu."
        )
    return torch.device(f"cuda:{number}" if name == "cuda" else name)


def _dtype(name: str, device: Device) -> DType:
    if name == "auto":
        is_fast = device.type == "cuda" and _has_bfloat16(device)
        return torch.bfloat16 if is_fast else FULL_PRECISION
    if name == "bfloat16" and not _has_bfloat16(device):
        raise SettingsError(
            f"models.dtype is bfloat16, which {device_name(device)} does not have. Set "
            "models.dtype: float32, or auto, which takes what the device has."
        )
    return DTYPES[name]


def _has_bfloat16(device: Device) -> bool:
    """Whether the device multiplies numbers of this type; on `cuda`, in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    try:
        torch.ones((2, 2), device=device, dtype=torch.bfloat16).mm(
            torch.ones((2, 2), device=device, dtype=torch.bfloat16)
        )
    except (RuntimeError, TypeError):
        return False
    return True


def device_name(device: Device) -> str:
    """Return a device's name for people, such as `cuda (NVIDIA H200)`."""
    is_cuda = device.type == "cuda"
    return f"cuda ({torch.cuda.get_device_name(device)})" if is_cuda else device.type


LONG_SECONDS = 0.2
"""A matrix product that takes longer is not measured six times."""


def product_rate(runtime: Runtime, *, size: int = 768, times: int = 6) -> float:
    """Return the operations a second of a matrix product now: the best of a few, some 30 ms in all.

    A product of two n x n matrices is 2 n^3 multiplications and additions. Where each takes long,
    as in bfloat16 on a processor that has none, two are enough.
    """
    dtype = runtime.products or runtime.dtype
    left = torch.ones((size, size), device=runtime.device, dtype=dtype)
    seconds = []
    for number in range(times):
        began = time.perf_counter()
        (left @ left)[0, 0].item()  # read, so that a device has finished
        seconds.append(time.perf_counter() - began)
        if number > 0 and min(seconds) > LONG_SECONDS:
            break
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


def to_host(tensor: Tensor) -> Tensor:
    """Return numbers without their gradient in the machine's own memory.

    What is worked in float64 is worked there: `mps` does not have it.
    """
    return tensor.detach().to(CPU.device)


def to_numpy(tensor: Tensor) -> np.ndarray[Any, Any]:
    """Return the numbers as an array, copied from the device if need be."""
    return to_host(tensor).numpy()


@contextmanager
def shapes_only() -> Iterator[None]:
    """Make modules that are built inside the block without memory for their weights."""
    with torch.device("meta"):
        yield
