"""Starting several processes of a script, as a launcher does."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence

from tests.architecture.source import ROOT


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def environment(rank: int, size: int, port: int) -> dict[str, str]:
    """Return what a launcher tells a process."""
    told = {"WORLD_SIZE": size, "RANK": rank, "LOCAL_RANK": rank, "MASTER_PORT": port}
    fixed = {"MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return {**os.environ, **fixed, **{name: str(value) for name, value in told.items()}}


SHARDED = {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}
"""What `accelerate launch --use_fsdp --fsdp_version 2` adds."""


def run_together(
    arguments: Sequence[object],
    size: int = 2,
    *,
    seconds: float = 300.0,
    told: Mapping[str, str] | None = None,
) -> None:
    """Run a Python command in several processes, which are `told` more; all must end well."""
    port = free_port()
    command = [sys.executable, *map(str, arguments)]
    started = [
        subprocess.Popen(
            command,
            env={**environment(rank, size, port), **(told or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(size)
    ]
    said = [process.communicate(timeout=seconds)[0] for process in started]
    assert [process.returncode for process in started] == [0] * size, "\n\n".join(said)
