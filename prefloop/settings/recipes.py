"""Recipes: named values for settings that a run file leaves out. Data, not code."""

import copy
import difflib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from prefloop.errors import SettingsError
from prefloop.settings.renamed import Raw
from prefloop.settings.task import is_chat

FOLDER = Path(__file__).parent / "recipes"

PLAIN = "none"
"""The name of no recipe: what is left out has the default of its setting."""

OF_LORA = "adapters"
"""The recipe of a run file that names none and trains low-rank adapters."""

DEFAULT_TASK = "sentiment"
"""The task of a run file that names none."""

EARLIER = "version-0.1"
"""The recipe of runs that began when there were none."""

ONE_SETTING = frozenset({"comparisons.synthetic.scorers"})
"""Mappings that are one setting: a run file's replaces a recipe's, and gets no entry from it."""


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with prefloop."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def _recipe(path: Path) -> Raw:
    """Return what a recipe's file says, not to be changed."""
    found: Raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def load_recipe(name: str, task: object = DEFAULT_TASK) -> Raw:
    """Return the settings of a recipe as a run file of this task writes them; none for `none`.

    Under `tasks` a recipe has what is for one task alone. `task` is its name; None asks for none.
    """
    if name == PLAIN:
        return {}
    known = [*recipe_names(), PLAIN]
    if name not in known:
        close = difflib.get_close_matches(str(name), known, n=1)
        guess = f" Did you mean {close[0]}?" if close else ""
        raise SettingsError(f"recipe {name!r} is unknown.{guess} There are {', '.join(known)}.")
    found = copy.deepcopy(_recipe(FOLDER / f"{name}.yaml"))
    of_tasks = found.pop("tasks", {})
    own = of_tasks.get(task, {}) if isinstance(task, str) else {}
    return sections_over(found, {"task": own}) if own else found


def with_recipe(raw: Mapping[str, Any]) -> Raw:
    """Return the settings of a run file over those of its recipe, which it may leave unnamed.

    Options of another method than the recipe's are not mixed with the recipe's. A KL target or
    horizon in the run file asks for the controller: the recipe's cap does not stand in its way.

    >>> with_recipe({"recipe": "adapters", "policy": {"lr": 1e-4}})["policy"]["lr"]
    0.0001
    """
    name = raw.get("recipe")
    if name is None:
        models = raw.get("models")
        adapter = models.get("adapter", "lora") if isinstance(models, Mapping) else "lora"
        name = OF_LORA if adapter == "lora" else PLAIN
    task = raw.get("task", DEFAULT_TASK)
    named = {"name": task} if isinstance(task, str) else task
    # A turn of a chat ends where the model ends it, and may be short.
    is_text = isinstance(named, Mapping) and not is_chat(named.get("chat"))
    recipe = load_recipe(name, named.get("name") if is_text else None)
    policy = raw.get("policy")
    if recipe and isinstance(policy, Mapping):
        _leave_out_what_is_chosen_otherwise(recipe["policy"], policy)
    return sections_over(recipe, {**raw, "task": named, "recipe": name})


def _leave_out_what_is_chosen_otherwise(recipe: Raw, policy: Mapping[str, Any]) -> None:
    if policy.get("method") not in (None, recipe["method"]):
        recipe.pop("options", None)
    kl = policy.get("kl")
    if isinstance(kl, Mapping) and {"target", "horizon"} & set(kl):
        for key in ("control", "cap"):
            recipe.get("kl", {}).pop(key, None)


def sections_over(below: Mapping[str, Any], above: Mapping[str, Any], where: str = "") -> Raw:
    """Return both, section by section; where both say something, `above` does."""
    result = dict(below)
    for key, value in above.items():
        under, name = below.get(key), f"{where}{key}"
        if isinstance(value, Mapping) and isinstance(under, dict) and name not in ONE_SETTING:
            result[key] = sections_over(under, value, f"{name}.")
        else:
            result[key] = value
    return result
