"""Models of which each process keeps a part of every weight (torch's FSDP2)."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor

from prefloop.models.runtime import Device


class Together(Protocol):
    """What all processes do at once with sharded models."""

    def take_part(self, given: dict[str, Any]) -> None:
        """Do what process 0 asks for while this process has nothing else to do."""

    def joint_work(self) -> AbstractContextManager[None]:
        """Return the block inside which a process does its share of work."""


def not_sharded(weights: Sequence[nn.Parameter]) -> list[nn.Parameter]:
    """Return the weights that each process holds whole, such as those of heads."""
    return [parameter for parameter in weights if not isinstance(parameter, DTensor)]


def shard(
    model: nn.Module, layers: Sequence[nn.Module], *, device: Device, methods: Sequence[str]
) -> None:
    """Leave each process its part of a model on the device, layer by layer (FSDP2).

    All processes take part in the passes from now on; `methods` are called like the model itself.
    Gradients are summed, not averaged: a loss is a share of one sum.
    """
    everyone = dist.group.WORLD
    assert everyone is not None, "the processes have come together"
    mesh = DeviceMesh.from_group(everyone, device.type)
    for module in (*layers, model):
        fully_shard(module, mesh=mesh, reshard_after_forward=True)
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.set_gradient_divide_factor(1.0)
            module.set_force_sum_reduction_for_comms(True)
    for name in methods:
        register_fsdp_forward_method(model, name)


def distributed(values: Tensor, like: DTensor) -> DTensor:
    """Return this process's part of what process 0 holds, cut as `like` is."""
    return distribute_tensor(values, like.device_mesh, like.placements)
