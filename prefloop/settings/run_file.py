"""What a run file may say: a whole run, or what the runs of several methods share."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from prefloop.settings.run import RunConfig
from prefloop.settings.section import by_dotted_key

METHODS_KEY = "methods"
"""The section that no run has: the run of each method is made from the rest of the file."""


class RunFileConfig(RunConfig):
    """A whole run. The sections are the stages, in order."""

    methods: list[str] | dict[str, dict[str, Any] | None] = Field(default_factory=dict)
    """Methods to compare on the same labels: a list, or a mapping of each to what it changes, as in
    `rloo: {policy.lr: 1e-3}`. Such a file is for `prefloop experiment methods`, not for a run."""


def changes_by_method(section: Any) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return what a section `methods` changes for each method, by dotted name, and its problems.

    >>> changes_by_method({"ppo": None, "rloo": {"policy": {"lr": 0.001}}})
    ({'ppo': {}, 'rloo': {'policy.lr': 0.001}}, [])
    """
    if isinstance(section, list):
        return _listed(section)
    if section is None or section == {}:
        return {}, [f"{METHODS_KEY}: it is empty; name two methods or more, or take it out"]
    if not isinstance(section, Mapping):
        return {}, [
            f"{METHODS_KEY}: {section!r} is neither a list of methods, such as [ppo, rloo], nor a "
            "mapping of each to what it changes"
        ]
    problems = [
        f"{METHODS_KEY}.{name}: {entry!r} is no mapping of settings to values, such as "
        "{policy.lr: 1e-3}"
        for name, entry in section.items()
        if not isinstance(entry, Mapping | None)
    ]
    changes = dict[str, dict[str, Any]]()
    for name, entry in section.items():
        pairs = list(by_dotted_key(entry)) if isinstance(entry, Mapping) else []
        problems += _said_twice(str(name), [key for key, _ in pairs])
        changes[str(name)] = dict(pairs)
    return changes, problems


def _said_twice(method: str, keys: list[str]) -> list[str]:
    """Return which settings a method's entry changes twice, or beside a part of them.

    >>> _said_twice("ppo", ["policy.kl", "policy.kl.coef"])
    ['methods.ppo.policy.kl.coef: policy.kl is changed there too; write one of them']
    """
    problems = []
    for place, key in enumerate(keys):
        if key in keys[:place]:
            problems.append(f"{METHODS_KEY}.{method}.{key}: it is there twice; write it once")
        elif whole := next((k for k in keys if key.startswith(f"{k}.")), None):
            problems.append(
                f"{METHODS_KEY}.{method}.{key}: {whole} is changed there too; write one of them"
            )
    return problems


def _listed(names: list[Any]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    if not names:
        return changes_by_method(None)
    problems = [
        f"{METHODS_KEY}: {name!r} is no name; where a method changes something, write a mapping "
        "in place of the list"
        for name in names
        if not isinstance(name, str)
    ]
    texts = [name for name in names if isinstance(name, str)]
    problems += [
        f"{METHODS_KEY}: {name} is there {texts.count(name)} times"
        for name in dict.fromkeys(texts)
        if texts.count(name) > 1
    ]
    return {} if problems else {name: {} for name in texts}, problems
