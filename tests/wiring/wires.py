"""Settings reach the code: each one is changed alone, and what changes with it is compared.

A test file of this folder observes what one section of a run file steers: `observe` returns named
observations of a run made with given settings. Its table `WIRES` says for each setting which of
them a change changes. All others must stay as they were, so two settings that are swapped are
found as well as one that is ignored.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch

from prefloop.run_file import parse_run
from prefloop.settings.run import RunConfig

Settings = Mapping[str, Any]
"""Dotted names of settings and their values."""
Observations = dict[str, Any]
Observe = Callable[[Settings, Path], Observations]
"""What is seen of a run with these settings in an empty folder with a store."""
Test = TypeVar("Test", bound=Callable[..., None])


@dataclass(frozen=True, kw_only=True)
class Wire:
    """A setting, another value for it, and the observations that this changes."""

    setting: str
    value: Any
    changes: set[str]
    given: Settings = field(default_factory=dict)
    """Other settings, with the old value and with the new one."""

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The setting's name; that of a method's own setting says which method's."""
        if not self.setting.startswith("policy.options."):
            return self.setting
        return f"{self.given.get('policy.method', 'ppo')}: {self.setting}"


def run_with(settings: Settings) -> RunConfig:
    """Return a run, read as from a file."""
    raw: dict[str, Any] = {}
    for name, value in settings.items():
        *path, last = name.split(".")
        place = raw
        for step in path:
            place = place.setdefault(step, {})
        place[last] = value
    return parse_run(raw, "run.yaml")


class Observer:
    """Makes each observation once."""

    def __init__(self, base: Settings, new_folder: Callable[[], Path]) -> None:
        self.base = base
        self._new_folder = new_folder
        self._known: dict[tuple[Observe, str], Observations] = {}

    def observe(self, observe: Observe, **changes: Any) -> Observations:
        """Return what is seen with the base settings and these changes (dots as `__`)."""
        return self._observe(observe, {k.replace("__", "."): v for k, v in changes.items()})

    def changed(self, observe: Observe, wire: Wire) -> set[str]:
        """Return the names of the observations that the wire's setting changes."""
        before = self._observe(observe, wire.given)
        after = self._observe(observe, {**wire.given, wire.setting: wire.value})
        assert before.keys() == after.keys()
        return {name for name in before if before[name] != after[name]}

    def _observe(self, observe: Observe, changes: Settings) -> Observations:
        settings = {**self.base, **changes}
        key = (observe, repr(sorted(settings.items())))
        if key not in self._known:
            self._known[key] = observe(settings, self._new_folder())
        return self._known[key]


def place_of(weights: torch.Tensor) -> float:
    """Return where weights lie along one direction, without what the order of a sum leaves in them.

    Rounded one by one, some of thousands always lie at a border, and a last bit tips them over.
    """
    direction = torch.randn(weights.numel(), generator=torch.Generator().manual_seed(1))
    return round(float(weights.detach().flatten().double() @ direction.double()), 5)


def covers(*settings: str) -> Callable[[Test], Test]:
    """Mark a test that shows by itself that these settings reach the code."""

    def marked(test: Test) -> Test:
        test.covers = settings  # type: ignore[attr-defined]
        return test

    return marked
