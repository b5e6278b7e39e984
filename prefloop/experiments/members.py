"""The runs of an experiment, made from one run file and from what the experiment varies."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from prefloop.errors import InputError, SettingsError
from prefloop.files import write_atomically
from prefloop.run_file import RunFileLoader, as_yaml, load_run_file
from prefloop.run_paths import RUN_FILE
from prefloop.settings.experiment import ExperimentConfig
from prefloop.settings.run import RunConfig

COPYING = Path(__file__).with_name("copying.yaml")
"""What the copying experiment varies."""

SAMPLES = "samples"
RUNS = "runs"
"""Folders of an experiment: where samples are drawn, and where arms learn from them."""

SHARED_SECTIONS = ("seed", "task", "models", "prompts", "samples")
SHARED_SETTINGS = {
    "comparisons": (
        *("labels", "initial_labels", "validation_labels", "overlap", "validation_overlap"),
    ),
    "evaluation": ("prompts", "baseline", "frontier_prompts", "frontier_samples"),
}
"""What decides which samples are drawn; the same in all arms of a start and seed."""


@dataclass(frozen=True, kw_only=True)
class SampleSet:
    """The samples of one start and seed: a run that ends with them, whose labels nobody gives."""

    start: str
    seed: int
    folder: Path
    config: RunConfig


@dataclass(frozen=True, kw_only=True)
class Member:
    """A run of the experiment: one arm, on the samples of one start and seed."""

    arm: str
    samples: SampleSet
    folder: Path
    config: RunConfig

    @property
    def name(self) -> str:
        """What progress calls it."""
        return self.folder.name


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """All runs of an experiment, in the order in which they are made."""

    settings: ExperimentConfig
    folder: Path
    members: tuple[Member, ...]

    @property
    def sample_sets(self) -> tuple[SampleSet, ...]:
        """The samples that members share, each set once."""
        return tuple({member.samples.folder: member.samples for member in self.members}.values())

    def of(self, start: str, arm: str) -> list[Member]:
        """Return the members of an arm from a start, by seed."""
        return [m for m in self.members if (m.samples.start, m.arm) == (start, arm)]

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield every start with each of its arms."""
        for start, arms in self.settings.members.items():
            yield from ((start, arm) for arm in arms)


def copying_settings() -> ExperimentConfig:
    """Return what the copying experiment varies."""
    return ExperimentConfig.model_validate(
        yaml.load(COPYING.read_text(encoding="utf-8"), Loader=RunFileLoader)
    )


def narrowed(
    settings: ExperimentConfig, starts: Sequence[str] | None, arms: Sequence[str] | None
) -> ExperimentConfig:
    """Return the experiment with these starts and arms only, in its own order; None keeps all.

    InputError for a name that it does not have, and if nothing is left.
    """
    _refuse_unknown("start", starts, settings.members)
    _refuse_unknown("arm", arms, settings.arms)
    members = {
        start: [arm for arm in own if arms is None or arm in arms]
        for start, own in settings.members.items()
        if starts is None or start in starts
    }
    if not any(members.values()):
        has = (f"{start} has {', '.join(own)}" for start, own in settings.members.items())
        raise InputError(f"No run has such a start and arm: {'; '.join(has)}.")
    kept = {start: own for start, own in members.items() if own}
    return settings.model_copy(update={"members": kept})


def _refuse_unknown(what: str, names: Sequence[str] | None, known: Collection[str]) -> None:
    if wrong := [name for name in names or () if name not in known]:
        raise InputError(
            f"The experiment has no {what} {', '.join(map(repr, wrong))}. It has "
            f"{', '.join(known)}."
        )


def make_experiment(
    settings: ExperimentConfig, run_file: Path, folder: Path, overrides: Sequence[str] = ()
) -> Experiment:
    """Return the runs of an experiment in `folder`; nothing is written.

    `overrides` are texts such as `policy.lr=1e-4`, for all of them. SettingsError if one of an
    arm's changes would change the samples, which its start's arms share.
    """
    members = list[Member]()
    for seed in settings.seeds:
        for start, arms in settings.members.items():
            begun = [f"seed={seed}", *_texts(settings.starts[start].changes)]
            samples = SampleSet(
                start=start,
                seed=seed,
                folder=folder / SAMPLES / f"{start}-seed-{seed}",
                config=load_run_file(run_file, [*begun, *overrides]),
            )
            for arm in arms:
                changes = [*begun, *_texts(settings.arms[arm].changes), *overrides]
                config = load_run_file(run_file, changes)
                _refuse_other_samples(arm, config, samples.config)
                place = folder / RUNS / f"{start}-{arm}-seed-{seed}"
                members.append(Member(arm=arm, samples=samples, folder=place, config=config))
    return Experiment(settings=settings, folder=folder, members=tuple(members))


def write_run_file(folder: Path, config: RunConfig) -> None:
    """Write the run file of a member, or refuse one that says something else.

    InputError if the run was begun with other settings.
    """
    if (folder / RUN_FILE).exists():
        refuse_other_settings(folder, config)
    else:
        write_atomically(folder / RUN_FILE, as_yaml(config, folder))


def refuse_other_settings(folder: Path, config: RunConfig) -> None:
    """Refuse a member whose run file says something else: InputError with the setting."""
    path = folder / RUN_FILE
    there = load_run_file(path)
    if changed := first_difference(there.model_dump(), config.model_dump()):
        key, was, now = changed
        raise InputError(
            f"{path} says {key}: {was!r}, and this command says {now!r}. Give the overrides that "
            "the experiment was begun with, or begin another one in a new folder."
        )


def _texts(changes: dict[str, Any]) -> list[str]:
    return [f"{key}={json.dumps(value)}" for key, value in changes.items()]


def _refuse_other_samples(arm: str, config: RunConfig, shared: RunConfig) -> None:
    ours, theirs = config.model_dump(), shared.model_dump()
    for section, keys in [*((s, None) for s in SHARED_SECTIONS), *SHARED_SETTINGS.items()]:
        a, b = ours[section], theirs[section]
        if keys is not None:
            a, b = ({key: part[key] for key in keys} for part in (a, b))
        if a != b:
            raise SettingsError(
                f"Arm {arm!r} changes {section}, and all arms of a start share its samples: an arm "
                "may change who answers, what is learned, and who judges."
            )


def first_difference(was: Any, now: Any, where: str = "") -> tuple[str, Any, Any] | None:
    """Return the dotted key of the first setting that differs, what it was and is; None if none."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in {**was, **now}:
            place = f"{where}.{key}" if where else str(key)
            if found := first_difference(was.get(key), now.get(key), place):
                return found
        return None
    return None if was == now else (where, was, now)
