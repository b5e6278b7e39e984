"""The formulas that must have golden numbers and wrong twins, found by walking the files."""

import importlib
import inspect
from collections.abc import Callable
from typing import Any

MODULES = [
    "a2po",
    "adam",
    "advantages",
    "best_of_n",
    "dpo",
    "kl",
    "kl_control",
    "logprobs",
    "masking",
    "normalization",
    "ppo_loss",
    "preference_loss",
    "rewards",
    "rloo",
    "schedules",
    "truncation",
]
"""`sampling` draws: its tests are statistical, in tests/unit/functional/test_sampling.py."""


def _public_functions(module: str) -> dict[str, Callable[..., Any]]:
    path = f"prefloop.functional.{module}"
    found = inspect.getmembers(importlib.import_module(path), inspect.isfunction)
    return {n: f for n, f in found if f.__module__ == path and not n.startswith("_")}


FORMULAS = {name: module for module in MODULES for name in _public_functions(module)}
"""Function name to module name."""


def formula(name: str) -> Callable[..., Any]:
    """Return the shipped function."""
    return _public_functions(FORMULAS[name])[name]
