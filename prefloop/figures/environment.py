"""What a bug report needs to know of a machine (`prefloop env`), and nothing of who uses it.

No path, no name of a host or user, no variable of the environment.
"""

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, requires, version

from pydantic import BaseModel

from prefloop import __version__
from prefloop.figures.record import RECORD
from prefloop.figures.text import counted, memory

FOR_DEVELOPERS = ("dev", "docs")
"""Extras whose packages no run uses."""

EXTRA = re.compile(r"""extra\s*==\s*['"]([\w-]+)['"]""")
NAME = re.compile(r"[\w.-]+")


class TorchFigures(BaseModel):
    """What torch finds here."""

    model_config = RECORD

    version: str
    """With what it was built for, such as `2.9.0+cpu`."""
    devices: tuple[str, ...]
    """Those that `models.device` may name here, the fastest first."""
    threads: int
    """Threads of a matrix product, unless `models.threads` says otherwise."""


class EnvironmentFigures(BaseModel):
    """Versions, system and resources of a process."""

    model_config = RECORD

    prefloop: str
    python: str
    """Such as `CPython 3.11.7`."""
    system: str
    """Operating system with its release, such as `Linux 6.1`; on Linux also the distribution."""
    processor: str
    """Its architecture, such as `x86_64`."""
    cores: int
    """Those that this process may use."""
    memory_bytes: int | None
    """Of the machine; null where the system does not say."""
    torch: TorchFigures | None
    """Null where it cannot be imported."""
    why_no_torch: str = ""
    """The kind of error that importing torch raised; empty if none."""
    packages: dict[str, str | None]
    """What prefloop depends on, and what a run may use of its extras, with the version that is
    installed; null where none is."""
    extras: dict[str, bool]
    """Whether all packages of an extra are installed."""


def environment_figures(torch: TorchFigures | None, why_no_torch: str = "") -> EnvironmentFigures:
    """Return the figures of this process; `torch` is what that library says of itself."""
    needed, extras = _requirements()
    optional = {
        name for extra, names in extras.items() if extra not in FOR_DEVELOPERS for name in names
    }
    return EnvironmentFigures(
        prefloop=__version__,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        system=_system(),
        processor=platform.machine(),
        cores=_cores(),
        memory_bytes=_memory(),
        torch=torch,
        why_no_torch=why_no_torch,
        packages={name: installed(name) for name in [*needed, *sorted(optional - {*needed})]},
        extras={
            extra: all(installed(name) is not None for name in names)
            for extra, names in extras.items()
        },
    )


def installed(package: str) -> str | None:
    """Return the version of an installed package; None if it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def environment_lines(figures: EnvironmentFigures) -> list[str]:
    """Return the figures in lines that can be pasted into a bug report."""
    torch = figures.torch
    lines = [
        f"prefloop {figures.prefloop}, {figures.python}, {figures.system}, {figures.processor}",
        f"{counted(figures.cores, 'core')}, "
        + ("memory unknown" if figures.memory_bytes is None else memory(figures.memory_bytes)),
        f"torch {torch.version}, {' and '.join(torch.devices)}, {counted(torch.threads, 'thread')}"
        if torch
        else f"torch cannot be imported ({figures.why_no_torch})",
    ]
    there = {True: "yes", False: "no"}
    lines += [f"extra {name}: {there[is_there]}" for name, is_there in figures.extras.items()]
    lines += [f"{name} {found or 'not installed'}" for name, found in figures.packages.items()]
    return lines


def _requirements() -> tuple[list[str], dict[str, list[str]]]:
    """Return the packages that prefloop needs, and those of each extra."""
    needed, extras = list[str](), dict[str, list[str]]()
    for requirement in requires("prefloop") or []:
        name = NAME.match(requirement)
        assert name is not None, requirement
        extra = EXTRA.search(requirement)
        (extras.setdefault(extra[1], []) if extra else needed).append(name[0])
    return sorted(needed, key=str.lower), extras


def _system() -> str:
    found = f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}"
    try:
        return f"{found} ({platform.freedesktop_os_release()['PRETTY_NAME']})"
    except (OSError, KeyError):
        return found


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
