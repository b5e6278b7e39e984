"""The settings that a run was made with: written beside its results, and kept when it resumes."""

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from prefloop.choices import OPTIONS, scores_may_differ
from prefloop.errors import SettingsError, listing
from prefloop.figures.provenance import installed_versions
from prefloop.files import write_if_changed
from prefloop.records import REFERENCE
from prefloop.registry import LABELERS, METHODS
from prefloop.run.added_rounds import Changes, too_little_left
from prefloop.run.kept_contents import is_known_model
from prefloop.run_file import as_yaml, read_settings
from prefloop.run_history import has_made_files
from prefloop.run_paths import found_paths, kept_paths
from prefloop.run_store import open_run_store
from prefloop.settings.comparisons import NOBODY, PEOPLE
from prefloop.settings.policy import REWARD_MODEL
from prefloop.settings.renamed import with_todays_names
from prefloop.settings.run import RunConfig
from prefloop.settings.section import by_dotted_key
from prefloop.store.store import Store

MIX = "comparisons.synthetic.scorers"

MIXED_LABELS = "labels that rest on different scorers would be mixed"
MIXED_ANSWERS = "labels of a labeler with different options would be mixed"

KEPT = {
    "seed": "every random number depends on it",
    "store": "the labels are in the other database",
    "task": "samples and labels were made under the other task",
    "models": "samples and checkpoints are of the other model",
    "prompts.held_out_share": "the judge would see prompts that were trained on",
    "prompts.validation_share": "labels that were trained on would measure the reward model",
    "samples.per_prompt": "questions of one round would differ in size",
    "samples.after_stop": "the KL would change its meaning",
    "samples.stop_match": "responses that were labeled ended elsewhere",
    "comparisons.label_type": "one reward model cannot learn from choices and rankings",
    "comparisons.synthetic": MIXED_LABELS,
    "rewards.ensemble": "reward models that were trained have another number of heads",
    "rewards.hold_out": "earlier policies were trained towards the other reward",
    "policy.method": "the checkpoints are of the other method",
    "policy.options.samples_per_prompt": "updates are counted in prompts",
    "policy.reward": "the policy was trained towards the other reward",
    "policy.batch_size": "updates are counted in it",
    "policy.warm_start": "the reference would be another model",
}
"""Settings that may not change once samples exist, and why."""

FREE = (
    *("task.question", "task.instructions", "task.instructions_version"),
    *("models.threads", "models.device", "models.dtype"),
)
"""Exceptions: labels carry the version of their instructions; threads, device and floating-point
type change the rounding, and what is trained is in float32 in all of them."""

OF_EVERY_EARLIER_POLICY = {"method": "ppo", "reward": REWARD_MODEL}
"""What version 0.1 did, which had no settings for it."""

NAMED_SECTIONS = ("scorers", "judges")
"""Sections that map a name to its settings; what a name means is one setting."""


def with_method_options(config: RunConfig) -> RunConfig:
    """Return the run with every option of its method written out; SettingsError if one is unknown.

    This imports the method, so it comes after the run file has been read.
    """
    policy = config.policy
    try:
        options = METHODS.settings(policy.method, policy.options, "policy.options")
    except SettingsError as error:
        raise SettingsError(listing("the run file", str(error).splitlines())) from error
    changed = policy.model_copy(update={"options": options.model_dump()})
    return config.model_copy(update={"policy": changed})


class NewSettings:
    """Settings that apply from here on: reported and written down before anything is made."""

    def __init__(
        self, config: RunConfig, folder: Path, changes: Changes, say: Callable[[str], None]
    ) -> None:
        self.config = config
        self.folder = folder
        self.changes = changes
        self._say = say
        self._is_written = False

    def write(self) -> None:
        """Tell every change, and write `run.resolved.yaml`; the first call does it.

        The store is opened before: the file names no store that never opened.
        """
        if self._is_written:
            return
        self._is_written = True
        self.tell(self.changes)
        open_run_store(self.config, self.folder).close()
        write_resolved(self.config, self.folder)

    def tell(self, changes: Changes) -> None:
        """Tell what each of these settings was and is."""
        for key, (was, now) in changes.items():
            self._say(f"{key} was {was!r} and is {now!r}{_effect(key, self.config)}.")

    def tell_unused(self) -> None:
        """Tell the changes that had no effect, since nothing was left to make."""
        if self.changes and not self._is_written:
            was = ", ".join(f"{key} {was!r}" for key, (was, _) in self.changes.items())
            self._say(f"Nothing was left to make: the run stays as it was made, with {was}.")


def keep_settings(config: RunConfig, folder: Path, say: Callable[[str], None]) -> NewSettings:
    """Refuse settings that contradict what the run has made; return those that are new.

    They are written once something is made: `run.resolved.yaml` holds the settings with which the
    run last made something.
    """
    changes = _changes(config, folder)
    # The earlier start wrote a path as it leads from the folder, not from here.
    store = found_paths(_earlier(folder), folder).get("store")
    if not changes or not _has_begun(folder, store):
        return NewSettings(config, folder, {}, say)
    # Those who labeled before, and those who label now: the mix is of synthetic ones only.
    labelers = {*changes.get("comparisons.labelers", ()), config.comparisons.labelers}
    problems = [
        f"{key} was {was!r} and is {now!r}: {reason}"
        for key, (was, now) in changes.items()
        if (reason := _reason(config, key, was, now)) is not None
        # Other labelers have other options; which of them labeled is with each label.
        and not (key == OPTIONS and "comparisons.labelers" in changes)
        and not (key == MIX and labelers <= {PEOPLE, NOBODY})
    ]
    problems += too_little_left(config, folder, changes, store or folder / "prefloop.db")
    if problems:
        raise SettingsError(
            listing(f"{folder} was begun with other settings and", problems)
            + "\nTake them back (an override must be given every time) to continue this run, "
            "or start a new one: copy run.yaml into a new folder and run that."
        )
    kept = {key: change for key, change in changes.items() if not key.startswith("report.")}
    settings = NewSettings(config, folder, kept, say)
    # A report is written by every run, also where nothing else is left to make.
    settings.tell({key: change for key, change in changes.items() if key not in kept})
    return settings


def is_unchanged(config: RunConfig, folder: Path) -> bool:
    """Whether the run was begun with these very settings."""
    return (folder / "run.resolved.yaml").is_file() and not _changes(config, folder)


def write_resolved(config: RunConfig, folder: Path) -> None:
    """Write `run.resolved.yaml`: every setting written out, and the versions in use."""
    lines = [
        f"# {platform.machine()}",
        *(f"# {package} {number}" for package, number in installed_versions().items()),
        as_yaml(config, folder),
    ]
    write_if_changed(folder / "run.resolved.yaml", "\n".join(lines))


def _reason(config: RunConfig, key: str, was: Any, now: Any) -> str | None:
    """Return why a setting may not change, or None if it may."""
    if key == "rounds" and now < was:
        return "rounds may be added, but not taken away"
    if key in FREE:
        return None
    section, _, name = key.partition(".")
    if key == OPTIONS:
        return MIXED_ANSWERS if _answers_may_differ(config, was, now) else None
    if section == "scorers":
        if not scores_may_differ(name, was, now):
            return None
        if name in config.comparisons.known_scorers:
            return MIXED_LABELS
        if name in config.rewards.hold_out:
            return KEPT["rewards.hold_out"]
        return KEPT["policy.reward"] if name == config.policy.reward else None
    return next((why for name, why in KEPT.items() if f"{key}.".startswith(f"{name}.")), None)


def _answers_may_differ(config: RunConfig, was: Any, now: Any) -> bool:
    """Whether two sets of a labeler's options differ in more than what is operational."""
    name = config.comparisons.labelers
    try:
        before, after = (LABELERS.settings(name, raw, OPTIONS).meaning() for raw in (was, now))
    except SettingsError:
        return True
    return before != after


def _effect(key: str, config: RunConfig) -> str:
    """Return from when on a changed setting applies."""
    if key == "policy.kl.coef" and config.policy.kl.control == "adaptive":
        return (
            "; it is where the coefficient starts, and the policy continues with the one that its "
            "checkpoint holds. To set it now, use policy.kl.control=fixed"
        )
    if key.startswith("evaluation.people.") or (
        key == "evaluation.prompts" and PEOPLE in config.evaluation.judges
    ):
        return " for models that people are not asked about yet"
    return " from here on"


def _changes(config: RunConfig, folder: Path) -> Changes:
    """Return what differs from the earlier start: key -> (was, now).

    Settings that the earlier version of prefloop did not have are left out.
    """
    # A path names the same file from wherever the command is typed.
    raw = kept_paths(found_paths(_earlier(folder), folder), folder)
    today = kept_paths(config.model_dump(), folder)
    earlier, now = (dict(by_dotted_key(x, is_one=_is_one)) for x in (raw, today))
    for section in NAMED_SECTIONS:
        if section in raw:
            names = [f"{section}.{name}" for name in {**raw[section], **today[section]}]
            earlier = {**dict.fromkeys(names), **earlier}
            now = {**dict.fromkeys(names), **now}
    return {
        key: (earlier[key], value)
        for key, value in now.items()
        if key in earlier
        and earlier[key] != value
        # From a folder that was moved another path leads to the same files.
        and not (key == "models.name" and is_known_model(config.models.name, folder))
    }


def _earlier(folder: Path) -> dict[str, Any]:
    """Return the settings of the earlier start under today's names; nothing if there was none."""
    path = folder / "run.resolved.yaml"
    if not path.is_file():
        return {}
    try:
        settings = read_settings(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(
            f"{path} is not YAML any more ({error}). prefloop writes it: delete it if the settings "
            "in run.yaml are those that the run was begun with."
        ) from error
    if not isinstance(settings, dict):
        return {}
    earlier = with_todays_names(settings)
    if isinstance(policy := earlier.get("policy"), dict):
        earlier["policy"] = {**OF_EVERY_EARLIER_POLICY, **policy}
    return earlier


def _has_begun(folder: Path, store: str | None) -> bool:
    """Whether the run has made anything; its store is the one that an earlier start named."""
    if _has_traces(folder):
        return True
    if store is None and not (folder / "prefloop.db").exists():
        return False
    with Store.open(store or folder / "prefloop.db", read_only=True) as opened:
        return has_begun(folder, opened)


def has_begun(folder: Path, store: Store) -> bool:
    """Whether the run has made anything that depends on its settings and its models."""
    return _has_traces(folder) or bool(store.samples(model=REFERENCE))


def _has_traces(folder: Path) -> bool:
    made = ("warm_start", "metrics.jsonl")
    return any((folder / name).exists() for name in made) or has_made_files(folder)


def _is_one(key: str) -> bool:
    """Whether a key is one setting: names and weights of a mix, and what a scorer's name means."""
    return key in (MIX, OPTIONS) or key.rpartition(".")[0] in NAMED_SECTIONS
