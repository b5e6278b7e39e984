"""What torch says of itself and of this machine, for bug reports."""

import torch

from prefloop.figures.environment import TorchFigures
from prefloop.models.runtime import devices_here


def torch_environment() -> TorchFigures:
    """Return its version, the devices that it finds, and its threads in this process."""
    return TorchFigures(
        version=str(torch.__version__),
        devices=tuple(devices_here()),
        threads=torch.get_num_threads(),
    )
