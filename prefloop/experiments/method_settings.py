"""The settings of several methods: what a run file says for all of them, and what each changes.

A change stands in the file's section `methods` or on the command line, which wins.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefloop.errors import InputError, SettingsError, listing
from prefloop.experiments.members import SHARED_SECTIONS
from prefloop.figures.text import count
from prefloop.policy.methods.build import build_method
from prefloop.registry import METHODS
from prefloop.run.kept_settings import with_method_options
from prefloop.run_file import checked_run, read_sections, with_overrides
from prefloop.run_paths import Sections, found_paths
from prefloop.settings.recipes import sections_over
from prefloop.settings.renamed import with_todays_names
from prefloop.settings.run import RunConfig
from prefloop.settings.run_file import METHODS_KEY, changes_by_method

SHARED = (*SHARED_SECTIONS, "comparisons", "rounds", "store")
"""What decides about prompts, samples and labels, and where they lie."""

SAME = ("reward", "warm_start")
"""Settings of `policy` that no two policies of a comparison may differ in."""

SHARE = "all methods share prompts, samples and labels"
COMPARED = "the policies of a comparison begin with one model and are trained towards one reward"
METHOD = "policy.method"

ByMethod = dict[str, dict[str, Any]]
"""What the run file changes for each method: dotted names of settings, each with its value."""


def method_settings(
    run_file: Path, named: Sequence[str] | None, changes: Sequence[str] = ()
) -> tuple[RunConfig, dict[str, RunConfig]]:
    """Return the settings of the run that labels come from, and those of each method by its name.

    `named` are the methods; None takes those of the file. `changes` are texts such as
    `policy.lr=1e-4`, or `rloo:policy.lr=1e-4` for one method. `policy.options` of the file are
    those of its own method. InputError without two methods; SettingsError tells at once what is
    wrong with the settings.
    """
    if named is not None and (len(named) < 2 or len(set(named)) < len(named)):
        raise InputError(
            f"--methods {','.join(named)}: name two different methods or more, such as ppo,rloo."
        )
    raw, twice = read_sections(run_file)
    sections = with_todays_names(raw)
    in_file, problems = _in_file(run_file, sections, named)
    names = list(in_file) if named is None else named
    common, mine = _by_method(changes, names)
    shared, found = checked_run(with_overrides(sections, common, run_file))
    problems = twice + problems + found + _one_round_problems(shared)
    configs = dict[str, RunConfig]()
    for method in names:
        own = {k: v for k, v in in_file.get(method, {}).items() if not _misplaced(k)}
        begun = _begun(sections, method, shared)
        own_sections = with_todays_names(_nested(own))
        begun = sections_over(begun, found_paths(own_sections, run_file.parent))
        raw = with_overrides(begun, [*common, *mine[method]], run_file)
        config, wrong = _checked(raw, method, shared)
        place = f"{METHODS_KEY}.{method}" if method in in_file else method
        problems += [_placed(line, place, own) for line in wrong if line not in found]
        if config is not None:
            configs[method] = config
    if shared is None or problems:
        raise SettingsError(listing(str(run_file), problems))
    return shared, {method: with_method_options(config) for method, config in configs.items()}


def _in_file(
    run_file: Path, sections: Sections, named: Sequence[str] | None
) -> tuple[ByMethod, list[str]]:
    """Take the section `methods` out of the file's; return its changes and what is wrong with it.

    InputError if methods are named neither there nor on the command line.
    """
    if METHODS_KEY not in sections:
        if named is None:
            raise InputError(
                f"{run_file} names no methods. Name two or more in it, as in {METHODS_KEY}: [ppo, "
                "rloo], or on the command line, as in --methods ppo,rloo."
            )
        return {}, []
    in_file, problems = changes_by_method(sections.pop(METHODS_KEY))
    if named is None and len(in_file) == 1 and not problems:
        alone = next(iter(in_file))
        return {}, [f"{METHODS_KEY}: {alone} is alone; name two different methods or more"]
    return in_file, problems + [
        f"{METHODS_KEY}.{method}.{key}: {why}"
        for method, own in in_file.items()
        for key in own
        if (why := _misplaced(key)) is not None
    ]


def _misplaced(key: str) -> str | None:
    """Return why a setting cannot be one method's own; None if it can."""
    if key == METHOD:
        return "the method is the one that the entry is called after; delete this"
    first, *rest = key.split(".")
    if first == METHODS_KEY:
        return f"an entry of {METHODS_KEY} holds settings, and no methods; delete this"
    if first in SHARED:
        return f"{SHARE}; write it for all of them, outside of {METHODS_KEY}"
    if first == "policy" and rest[:1] and rest[0] in SAME:
        return f"{COMPARED}; write it for all of them, outside of {METHODS_KEY}"
    return None


def _by_method(
    changes: Sequence[str], names: Sequence[str]
) -> tuple[list[str], dict[str, list[str]]]:
    """Return the changes for all methods, and those for each; InputError if one is for another.

    Without names, since the file's are wrong, changes for one method are left out.
    """
    common, mine = list[str](), {name: list[str]() for name in names}
    for change in changes:
        name, colon, rest = change.partition(":")
        if colon and name in mine:
            mine[name].append(rest)
        elif colon and name.isidentifier():
            if not names:
                continue
            raise InputError(
                f"{change!r} is for {name}, and the methods are {', '.join(names)}. Leave it out, "
                "or name that method too."
            )
        elif change.partition("=")[0].split(".")[0] == METHODS_KEY:
            raise InputError(
                f"{change!r}: on the command line --methods ppo,rloo names methods, and "
                "rloo:policy.lr=1e-4 changes one."
            )
        else:
            common.append(change)
    return common, mine


def _begun(sections: Sections, method: str, shared: RunConfig | None) -> Sections:
    """Return the sections of the run file with this method; the file's options are for its own."""
    policy = sections.get("policy")
    kept = dict(policy) if isinstance(policy, Mapping) else {}
    if shared is None or method != shared.policy.method:
        kept.pop("options", None)
    return {**sections, "policy": {**kept, "method": method}}


def _nested(changes: Mapping[str, Any]) -> Sections:
    """Return sections that hold what is written under dotted names.

    >>> _nested({"policy.lr": 0.001, "policy.kl.coef": 0.1})
    {'policy': {'lr': 0.001, 'kl': {'coef': 0.1}}}
    """
    result: Sections = {}
    for key, value in changes.items():
        inner = value
        for step in reversed(key.split(".")):
            inner = {step: inner}
        result = sections_over(result, inner)
    return result


def _checked(
    raw: Sections, method: str, shared: RunConfig | None
) -> tuple[RunConfig | None, list[str]]:
    """Return the run of a method, None if it cannot be read, and what is wrong with it."""
    if (problem := METHODS.problem(method)) is not None:
        return None, [problem]
    config, problems = checked_run(raw)
    if config is None:
        return None, problems
    if config.policy.method != method:
        return None, [
            f"{METHOD}: {config.policy.method!r} would run under the name of {method}; --methods "
            f"and the section {METHODS_KEY} say which methods there are"
        ]
    problems += _parting(config, shared or config)
    try:
        build_method(config.policy)  # before anybody labels
    except SettingsError as error:
        problems += str(error).splitlines()
    return config, problems


def _parting(config: RunConfig, shared: RunConfig) -> list[str]:
    """Return which settings of a method's run would part it from what is shared or compared."""
    ours, theirs = config.model_dump(), shared.model_dump()
    parted = [section for section in SHARED if ours[section] != theirs[section]]
    if parted and config.recipe != shared.recipe:
        changed = ", ".join(parted)
        return [f"recipe: it changes {changed}, and {SHARE}; name one recipe for all of them"]
    return [
        *(f"{section}: {SHARE}; change it for all of them, or for none" for section in parted),
        *(
            f"policy.{key}: {COMPARED}; change it for all of them, or for none"
            for key in SAME
            if ours["policy"][key] != theirs["policy"][key]
        ),
    ]


def _one_round_problems(shared: RunConfig | None) -> list[str]:
    """Return what keeps methods from sharing labels at all."""
    problems = []
    if shared is not None and shared.rounds > 1:
        problems.append(
            f"rounds: {count(shared.rounds)}, and methods share labels in one round only, since "
            "later questions are about what each policy said; set rounds=1"
        )
    if shared is not None and shared.store is not None:
        problems.append(
            f"store: {shared.store}, and every method gets a copy of the labels in a store of its "
            "own; take it out, or give store=null"
        )
    return problems


def _placed(problem: str, place: str, own: Mapping[str, Any]) -> str:
    """Return a problem of one method's run under the key of the file that it comes from, if any."""
    key = problem.partition(": ")[0]
    is_own = any(f"{key}.".startswith(f"{o}.") or f"{o}.".startswith(f"{key}.") for o in own)
    return f"{place}.{problem}" if is_own else f"{place}: {problem}"
