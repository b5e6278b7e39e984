"""The names that a run file chooses: known, with settings that fit, and judges independent."""

from collections.abc import Iterable, Mapping
from typing import Any

from prefloop.errors import SettingsError
from prefloop.registry import (
    JUDGES,
    LABELERS,
    METHODS,
    SCORERS,
    Registry,
    calibration_of,
    overlapping_sources,
    sources_of,
)
from prefloop.settings.comparisons import NOBODY, PEOPLE, SYNTHETIC
from prefloop.settings.policy import REWARD_MODEL
from prefloop.settings.run import RunConfig

OPTIONS = "comparisons.options"
"""Where the settings of a registered labeler stand."""

KIND = "kind"
"""In `scorers:` and `judges:` the key that says which registered class is meant."""


def choice_problems(config: RunConfig) -> list[str]:
    """Return what is wrong with the names that a run file chooses; nothing is constructed."""
    problems = _section_problems("scorers", SCORERS, config.scorers)
    problems += _section_problems("judges", JUDGES, config.judges)
    problems += _name_problems(config)
    comparisons = config.comparisons
    needs_synthetic = config.policy.uses_reward_model and comparisons.labelers == SYNTHETIC
    if needs_synthetic and not comparisons.synthetic.scorers:
        problems.append(
            f"comparisons.synthetic.scorers is empty, and nobody knows what is better at task "
            f"{config.task.name}; write a scorer, for example {{length: 1.0}}, or set "
            "comparisons.labelers: people"
        )
    elif needs_synthetic and not any(comparisons.synthetic.scorers.values()):
        problems.append(
            "comparisons.synthetic.scorers: every weight is 0, so the labelers would like nothing; "
            "write one that is not, for example {sentiment: 1.0}"
        )
    problems += _labeler_problems(config)
    if (problem := METHODS.problem(config.policy.method)) is not None:
        problems.append(f"policy.method: {problem}")
    for place, names in _chosen_scorers(config).items():
        problems += _chosen_problems(place, SCORERS, names, config.scorers)
    others = {*SCORERS.names(), *config.scorers, PEOPLE}
    judges = [n for n in config.evaluation.judges if n != PEOPLE and not is_scorer(config, n)]
    problems += _chosen_problems("evaluation.judges", JUDGES, judges, config.judges, also=others)
    return problems or _dependent_judges(config)


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


def scores_may_differ(name: str, was: Any, now: Any) -> bool:
    """Whether two entries of `scorers:` differ in more than batch sizes, limits and prices."""
    (kind, raw), (kind_now, raw_now) = (
        chosen_kind({name: entry or {}}, name) for entry in (was, now)
    )
    try:
        before, after = SCORERS.settings(kind, raw, name), SCORERS.settings(kind_now, raw_now, name)
    except SettingsError:
        return True
    return kind != kind_now or before.meaning() != after.meaning()


def labeler_sources(config: RunConfig) -> frozenset[str]:
    """Return what the labels of this run file's labelers will rest on; nothing is known of people.

    Labels that were imported say their source in the store.
    """
    chosen = config.comparisons.labelers
    if chosen == SYNTHETIC:
        return synthetic_sources(config)
    return frozenset() if chosen in (PEOPLE, NOBODY) else program_sources(config, chosen)


def synthetic_sources(config: RunConfig) -> frozenset[str]:
    """Return what synthetic labelers of this run file rest on, whether they label or not."""
    weights = config.comparisons.synthetic.scorers
    names = [name for name, weight in weights.items() if weight]
    return frozenset().union(*(scorer_sources(config, name) for name in names))


def program_sources(config: RunConfig, labeler: str) -> frozenset[str]:
    """Return what the labels of a registered labeler rest on.

    One that the run file does not choose any more is taken to have had its default settings.
    """
    options = config.comparisons.options if labeler == config.comparisons.labelers else {}
    return sources_of(LABELERS.load(labeler), LABELERS.settings(labeler, options, OPTIONS))


def training_sources(config: RunConfig) -> frozenset[str]:
    """Return what the policy is trained towards: the labels and what is held out of them, or the
    scorer that it follows."""
    if config.policy.reward == REWARD_MODEL:
        held_out = (scorer_sources(config, name) for name in config.rewards.hold_out)
        return labeler_sources(config).union(*held_out)
    return scorer_sources(config, config.policy.reward)


def scorer_sources(config: RunConfig, name: str) -> frozenset[str]:
    """Return what a scorer of the run file rests on."""
    return _sources(SCORERS, config.scorers, "scorers", name)


def scorer_calibration(config: RunConfig, name: str) -> str | None:
    """Return what people's answers a scorer of the run file was fitted to; None if none are known.

    A scorer whose package is not there says nothing either.
    """
    kind, raw = chosen_kind(config.scorers, name)
    try:
        return calibration_of(SCORERS.load(kind), SCORERS.settings(kind, raw, f"scorers.{name}"))
    except SettingsError:
        return None


def judge_sources(config: RunConfig, name: str) -> frozenset[str]:
    """Return what a judge of the run file rests on; every scorer can be one.

    People rest on themselves, and who they will be is not known before they judge.
    """
    if name == PEOPLE:
        return frozenset()
    if is_scorer(config, name):
        return scorer_sources(config, name)
    return _sources(JUDGES, config.judges, "judges", name)


def is_scorer(config: RunConfig, judge: str) -> bool:
    """Whether a judge's name is that of a scorer which compares by its scores.

    Where packages register a scorer and a judge of one name, prefloop's own is meant, if one is.
    `people` are people.
    """
    if judge == PEOPLE:
        return False
    if judge in config.scorers or judge in config.judges:
        return judge in config.scorers
    return judge in SCORERS.names() and (SCORERS.is_own(judge) or not JUDGES.is_own(judge))


def _sources(
    registry: Registry, section: Mapping[str, Mapping[str, Any]], place: str, name: str
) -> frozenset[str]:
    kind, raw = chosen_kind(section, name)
    return sources_of(registry.load(kind), registry.settings(kind, raw, f"{place}.{name}"))


def _chosen_scorers(config: RunConfig) -> dict[str, list[str]]:
    """Return the names of scorers that a run file uses, by the setting that uses them."""
    reward = [config.policy.reward] if config.policy.reward != REWARD_MODEL else []
    return {
        "comparisons.synthetic.scorers": list(config.comparisons.known_scorers),
        "policy.reward": reward,
        "rewards.hold_out": config.rewards.hold_out,
        "evaluation.judges": [n for n in config.evaluation.judges if is_scorer(config, n)],
        "audits.scorers": config.audits.scorers,
    }


def _name_problems(config: RunConfig) -> list[str]:
    """Return the names of `scorers:` and `judges:` that mean something else already."""
    problems = [
        f"judges.{name}: a scorer has that name too; rename one of them"
        for name in config.judges
        if name in {*config.scorers, *SCORERS.names()}
    ]
    problems += [
        f"scorers.{name}: a judge has that name too; rename the scorer"
        for name in config.scorers
        if name in JUDGES.names()
    ]
    if REWARD_MODEL in config.scorers:
        problems.append(
            f"scorers.{REWARD_MODEL}: in policy.reward this name means the reward model that the "
            "run trains; give the scorer another name"
        )
    problems += [
        f"{section}.{PEOPLE}: the name is that of people who judge; choose another one"
        for section, entries in (("scorers", config.scorers), ("judges", config.judges))
        if PEOPLE in entries
    ]
    return problems


def _labeler_problems(config: RunConfig) -> list[str]:
    name, options = config.comparisons.labelers, config.comparisons.options
    if (problem := LABELERS.problem(name, (PEOPLE, NOBODY))) is not None:
        return [f"comparisons.labelers: {problem}"]
    if name in (SYNTHETIC, PEOPLE, NOBODY):
        found = ", ".join(sorted(options))
        instead = {SYNTHETIC: "comparisons.synthetic", PEOPLE: "comparisons.people"}.get(name)
        advice = f"Write settings of these labelers in {instead}" if instead else "Delete it"
        wrong = f"{OPTIONS} is for labelers of installed packages, and comparisons.labelers is"
        return [f"{wrong} {name!r}; got {found}. {advice}."] if options else []
    try:
        LABELERS.settings(name, options, OPTIONS)
    except SettingsError as error:
        return str(error).splitlines()
    return []


def _section_problems(
    place: str, registry: Registry, section: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return what is wrong with `scorers:` or `judges:`, entry by entry."""
    problems = []
    known = registry.names()
    for name, entry in section.items():
        kind, raw = chosen_kind(section, name)
        if KIND not in entry and name not in known:
            problems.append(
                f"{place}.{name}.kind is missing: which {registry.noun} is it? Known: "
                f"{', '.join(known)}"
            )
        elif name in known and kind != name:
            problems.append(
                f"{place}.{name}: {name} is itself a known {registry.noun}; give the one of kind "
                f"{kind} another name"
            )
        else:
            problems += _settings_problems(registry, kind, raw, f"{place}.{name}")
    return problems


def _chosen_problems(
    place: str,
    registry: Registry,
    names: Iterable[str],
    section: Mapping[str, Any],
    *,
    also: Iterable[str] = (),
) -> list[str]:
    """Return the names that are not known, and those that lack settings which they need."""
    problems = []
    for name in names:
        if name in section:
            continue  # Its entry is looked at where it stands.
        if (problem := registry.problem(name, {*section, *also})) is not None:
            problems.append(f"{place}: {problem}")
            continue
        lacking = _settings_problems(registry, name, {}, name)
        if lacking:
            problems.append(
                f"{place}: {name} needs settings ({'; '.join(lacking)}). Write an entry of "
                f"kind: {name} under {registry.noun}s: and choose it by its name there"
            )
    return problems


def _settings_problems(
    registry: Registry, kind: str, raw: Mapping[str, Any], place: str
) -> list[str]:
    try:
        registry.settings(kind, raw, place)
    except SettingsError as error:
        lines = str(error).splitlines()
        return lines if lines[0].startswith(place) else [f"{place}: {lines[0]}"]
    return []


def _dependent_judges(config: RunConfig) -> list[str]:
    """Return the judges that share a source with what the policy is trained on.

    Such a judge would only say that training worked, not that the result is liked (Ziegler et al.
    2019, arXiv:1909.08593, section 2.4).
    """
    try:
        trained_on = training_sources(config)
        shared = {
            name: overlapping_sources(judge_sources(config, name), trained_on)
            for name in config.evaluation.judges
        }
    except SettingsError as error:
        return [str(error)]
    what = "policy.reward rests"
    if config.policy.reward == REWARD_MODEL:
        what = "labels or rewards.hold_out rest" if config.rewards.hold_out else "the labels rest"
    return [
        f"evaluation.judges: {name!r} is no independent judge: {what} on the same "
        f"({', '.join(sorted(common))}). Independent: {', '.join(_independent(config, trained_on))}"
        for name, common in shared.items()
        if common
    ]


def _independent(config: RunConfig, trained_on: frozenset[str]) -> list[str]:
    """Return the names of scorers with default settings that rest on nothing the labels rest on."""
    found = []
    for name in SCORERS.names():
        try:
            if not overlapping_sources(scorer_sources(config, name), trained_on):
                found.append(name)
        except SettingsError:
            continue  # It needs settings that the run file does not give.
    return found
