"""An accelerator that is not there: its tensors have a device, a type and a shape, and no numbers.

torch's FakeTensorMode works every operation by its rule for shapes, and refuses one whose tensors
lie on two devices, as an accelerator would. The device is called `lazy`: of those for which the CPU
build of torch has no kernels it is the one whose indexing runs in that mode. (For `cuda` it does
not.) Where the code asks for a number, such as whether all rows have ended, it gets an answer that
leads on: no mask excludes anything, everything counts once, and no check finds a fault.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from prefloop.models.roles import ModelRoles

ACCELERATOR = torch.device("lazy:0")
ADAM = sys.modules[torch.optim.Adam.__module__]
ATEN = torch.ops.aten
ANSWERS = {torch.bool: True, torch.float32: 1.0, torch.float64: 1.0}


class _FakeMode(FakeTensorMode):
    """FakeTensorMode, with an answer to each question about numbers."""

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> Any:
        if func is ATEN._local_scalar_dense.default:
            return getattr(args[0], "answer", ANSWERS.get(args[0].dtype, 1))
        if func in (ATEN.nonzero.default, ATEN.repeat_interleave.Tensor):
            found = [args[0].numel(), args[0].dim()][: 2 if func is ATEN.nonzero.default else 1]
            with self:
                return torch.zeros(found, dtype=torch.long, device=args[0].device)
        result: Any = super().__torch_dispatch__(func, types, args, kwargs or {})
        if func.overloadpacket is ATEN.any:
            result.answer = False
        return result


@contextmanager
def fake_accelerator() -> Iterator[None]:
    """Make tensors without numbers inside the block; a fused step of Adam takes them."""
    with pytest.MonkeyPatch.context() as patch, _FakeMode():
        patch.setattr(ADAM, "_device_dtype_check_for_fused", lambda *_, **__: None)
        yield


def move(roles: ModelRoles) -> ModelRoles:
    """Put the weights of roles that share one base on the accelerator; they lose their numbers."""
    causal = roles.policy.causal
    for module in causal.modules():
        for name, weight in module._parameters.items():
            if weight is not None:
                there = _empty_like(weight)
                module._parameters[name] = nn.Parameter(there, weight.requires_grad)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = _empty_like(buffer)
    causal.tie_weights()
    moved = dict(causal.named_parameters())
    for role_model in (roles.policy, roles.reward):
        role_model.named_parameters = [
            (name, moved[name].requires_grad_()) for name, _ in role_model.named_parameters
        ]
    return roles


def _empty_like(tensor: Tensor) -> Tensor:
    return torch.empty(tensor.shape, dtype=tensor.dtype, device=ACCELERATOR)


def on_accelerator(tensor: Tensor) -> bool:
    """Whether a tensor lies on the device that is not there."""
    return tensor.device == ACCELERATOR
