"""What a run was made with, written beside its results."""

import platform
from importlib.metadata import version
from pathlib import Path

from prefloop import __version__
from prefloop.config import RunConfig, as_yaml
from prefloop.files import write_atomically

PACKAGES = ("torch", "transformers", "peft", "numpy", "scikit-learn", "vaderSentiment")


def write_resolved(config: RunConfig, folder: Path) -> None:
    """Write `run.resolved.yaml`: every setting written out, and the versions in use."""
    lines = [
        f"# prefloop {__version__}, Python {platform.python_version()}, {platform.machine()}",
        *(f"# {package} {version(package)}" for package in PACKAGES),
        as_yaml(config),
    ]
    write_atomically(folder / "run.resolved.yaml", "\n".join(lines))
