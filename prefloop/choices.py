"""The names that a run file chooses: known, with settings that fit, and judges independent."""

from collections.abc import Iterable, Mapping
from typing import Any

from prefloop.errors import SettingsError
from prefloop.registry import (
    JUDGES,
    LABELERS,
    METHODS,
    SCORERS,
    NoSettings,
    Registry,
    overlapping_sources,
    sources_of,
)
from prefloop.settings.comparisons import NOBODY, PEOPLE, SYNTHETIC
from prefloop.settings.policy import REWARD_MODEL
from prefloop.settings.run import RunConfig

KIND = "kind"
"""In `scorers:` and `judges:` the key that says which registered class is meant."""


def choice_problems(config: RunConfig) -> list[str]:
    """Return what is wrong with the names that a run file chooses; nothing is constructed."""
    problems = _section_problems("scorers", SCORERS, config.scorers)
    problems += _section_problems("judges", JUDGES, config.judges)
    problems += _unknown(
        "comparisons.synthetic.scorers", SCORERS, config.comparisons.known_scorers, config.scorers
    )
    if not config.comparisons.synthetic.scorers:
        problems.append(
            "comparisons.synthetic.scorers is empty; write one, for example {sentiment: 1.0}"
        )
    if (problem := LABELERS.problem(config.comparisons.labelers, (PEOPLE, NOBODY))) is not None:
        problems.append(f"comparisons.labelers: {problem}")
    if config.policy.reward != REWARD_MODEL:
        problems += _unknown("policy.reward", SCORERS, [config.policy.reward], config.scorers)
    if (problem := METHODS.problem(config.policy.method)) is not None:
        problems.append(f"policy.method: {problem}")
    problems += _judge_problems(config)
    return problems


def chosen_kind(section: Mapping[str, Mapping[str, Any]], name: str) -> tuple[str, dict[str, Any]]:
    """Return the registered name and the settings that `name` stands for.

    A name without an entry in `scorers:` or `judges:` is a registered one with its defaults.

    >>> chosen_kind({"polite": {"kind": "hf_classifier", "folder": "m"}}, "polite")
    ('hf_classifier', {'folder': 'm'})
    >>> chosen_kind({}, "length")
    ('length', {})
    """
    raw = dict(section.get(name, {}))
    return str(raw.pop(KIND, name)), raw


def labeler_sources(config: RunConfig) -> frozenset[str]:
    """Return what the labels of this run file's labelers will rest on; nothing is known of people.

    Labels that were imported say their source in the store.
    """
    comparisons = config.comparisons
    if comparisons.labelers == SYNTHETIC:
        names = [name for name, weight in comparisons.synthetic.scorers.items() if weight]
        return frozenset().union(*(scorer_sources(config, name) for name in names))
    if comparisons.labelers in (PEOPLE, NOBODY):
        return frozenset()
    return sources_of(LABELERS.load(comparisons.labelers), NoSettings())


def scorer_sources(config: RunConfig, name: str) -> frozenset[str]:
    """Return what a scorer of the run file rests on."""
    return _sources(SCORERS, config.scorers, "scorers", name)


def judge_sources(config: RunConfig, name: str) -> frozenset[str]:
    """Return what a judge of the run file rests on; every scorer can be one."""
    if is_scorer(config, name):
        return scorer_sources(config, name)
    return _sources(JUDGES, config.judges, "judges", name)


def is_scorer(config: RunConfig, judge: str) -> bool:
    """Whether a judge's name is that of a scorer which compares by its scores."""
    return judge not in config.judges and judge not in JUDGES.names()


def _sources(
    registry: Registry, section: Mapping[str, Mapping[str, Any]], place: str, name: str
) -> frozenset[str]:
    kind, raw = chosen_kind(section, name)
    return sources_of(registry.load(kind), registry.settings(kind, raw, f"{place}.{name}"))


def _section_problems(
    place: str, registry: Registry, section: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return what is wrong with `scorers:` or `judges:`, entry by entry."""
    problems = []
    for name in section:
        kind, raw = chosen_kind(section, name)
        try:
            registry.settings(kind, raw, f"{place}.{name}")
        except SettingsError as error:
            told = str(error).splitlines()
            problems += told if told[0].startswith(place) else [f"{place}.{name}: {told[0]}"]
    return problems


def _unknown(
    place: str, registry: Registry, names: Iterable[str], section: Mapping[str, Any]
) -> list[str]:
    found = [registry.problem(name, section) for name in names]
    return [f"{place}: {problem}" for problem in found if problem is not None]


def _judge_problems(config: RunConfig) -> list[str]:
    """Return unknown judges, and those that share a source with whoever labels.

    Such a judge would only say that training worked, not that the result is liked (Ziegler et al.
    2019, arXiv:1909.08593, section 2.4).
    """
    known = {*SCORERS.names(), *config.scorers, *config.judges}
    problems = [
        f"evaluation.judges: {problem}"
        for name in config.evaluation.judges
        if (problem := JUDGES.problem(name, known)) is not None
    ]
    if problems:
        return problems
    try:
        told = labeler_sources(config)
        shared = {
            name: overlapping_sources(judge_sources(config, name), told)
            for name in config.evaluation.judges
        }
    except SettingsError as error:
        # What cannot be loaded is named where it is chosen.
        return [str(error)] if not config.scorers and not config.judges else []
    return [
        f"evaluation.judges: {name!r} is no independent judge: the labels rest on the same "
        f"({', '.join(sorted(common))}). Independent: {', '.join(_independent(config, told))}"
        for name, common in shared.items()
        if common
    ]


def _independent(config: RunConfig, told: frozenset[str]) -> list[str]:
    """Return the names of scorers with default settings that rest on nothing the labels rest on."""
    found = []
    for name in SCORERS.names():
        try:
            if not overlapping_sources(scorer_sources(config, name), told):
                found.append(name)
        except SettingsError:
            continue  # It needs settings that the run file does not give.
    return found
