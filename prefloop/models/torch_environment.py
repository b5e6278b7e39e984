"""What torch says of itself and of this machine, for bug reports."""

import torch

from prefloop.figures.environment import TorchFigures


def torch_environment() -> TorchFigures:
    """Return its version and its threads in this process."""
    return TorchFigures(version=str(torch.__version__), threads=torch.get_num_threads())
