"""Several methods on the same labels: a run for each, from one run file.

Prompts, samples, labels and the reward model come once, in a run of their own that ends with them;
every method goes on from a copy. Each is an ordinary run folder, and goes on where it stopped.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from prefloop.experiments.carry_out import (
    DRAWN,
    NamedProgress,
    is_finished,
    link_folder,
    prepare,
)
from prefloop.experiments.members import Member, SampleSet, write_run_file
from prefloop.experiments.method_settings import method_settings
from prefloop.figures.cost import COSTS
from prefloop.files import read_json_lines, write_atomically
from prefloop.progress import Progress
from prefloop.run_folder import CANARIES, LABEL_AUDIT, REWARD_AUDIT, TEXT_FIGURES
from prefloop.run_history import HISTORY, METRICS_FILE

LABELS = "labels"
"""The folder of the run that everything shared comes from."""

REWARD_MODEL = Path("rewards/round-0")
"""Where a run keeps the reward model of its first round, the only one here."""

AUDITS = (LABEL_AUDIT, REWARD_AUDIT.format(0), CANARIES, TEXT_FIGURES)
"""What was seen of labels and reward model before a policy was trained."""


@dataclass(frozen=True, kw_only=True)
class MethodSet:
    """One run for each method, and the run that their labels come from."""

    labels: SampleSet
    members: tuple[Member, ...]

    @property
    def last_shared(self) -> str:
        """The last stage that is carried out once for all methods, or for several of them."""
        return "rewards" if any(map(_takes_reward_model, self.members)) else "comparisons"


def make_method_set(
    run_file: Path, folder: Path, methods: Sequence[str] | None, changes: Sequence[str] = ()
) -> MethodSet:
    """Return the runs of several methods in `folder`; nothing is written.

    `methods` are their names; None takes those of the run file's section `methods`. `changes` are
    texts such as `policy.lr=1e-4` for all methods, or `rloo:policy.lr=1e-4` for one. SettingsError
    or InputError if the methods could not learn from the same labels.
    """
    shared, configs = method_settings(run_file, methods, changes)
    labels = SampleSet(start=LABELS, seed=shared.seed, folder=folder / LABELS, config=shared)
    members = tuple(
        Member(arm=method, samples=labels, folder=folder / method, config=config)
        for method, config in configs.items()
    )
    return MethodSet(labels=labels, members=members)


def run_methods(
    methods: MethodSet,
    progress: Progress,
    *,
    run_shared: Callable[[Path, str], object],
    run_all: Callable[[list[Member], Progress], None],
) -> None:
    """Collect the labels, learn a reward model from them, and run what is not finished.

    `run_shared` runs a folder up to the end of a stage, `run_all` runs prepared members.
    """
    labels = methods.labels
    # What is finished was made with these settings too, or the table would show other ones.
    write_run_file(labels.folder, labels.config)
    for member in methods.members:
        write_run_file(member.folder, member.config)
    if not (labels.folder / DRAWN).exists():
        run_shared(labels.folder, methods.last_shared)
        (labels.folder / DRAWN).touch()
    waiting = [member for member in methods.members if not is_finished(member)]
    for member in waiting:
        prepare(member, NamedProgress(member.name, progress))
        if not (member.folder / HISTORY).exists() and _takes_reward_model(member):
            _take_reward_model(member)
    run_all(waiting, progress)


def _takes_reward_model(member: Member) -> bool:
    """Whether a method follows the very reward model that the shared run learns."""
    ours, shared = member.config, member.samples.config
    held_out = [[c.scorers.get(name) for name in c.rewards.hold_out] for c in (ours, shared)]
    is_same = ours.rewards == shared.rewards and held_out[0] == held_out[1]
    return shared.policy.uses_reward_model and is_same


def _take_reward_model(member: Member) -> None:
    """Give a method the shared reward model, its audits, and what it cost as a cost of its own.

    Interrupted at any point, it is done again, until the run itself has begun. What it cost comes
    last: a run that is begun by hand before trains its own reward model, and counts that alone.
    """
    shared, own = member.samples.folder, member.folder
    if not (shared / REWARD_MODEL).is_dir():
        return  # Begun by a version that shared labels only.
    for name in AUDITS:
        if (shared / name).exists():
            (own / name).parent.mkdir(exist_ok=True)
            shutil.copy2(shared / name, own / name)
    _copy_lines(shared / METRICS_FILE, own / METRICS_FILE)
    link_folder(shared / REWARD_MODEL, own / REWARD_MODEL)
    _copy_lines(shared / COSTS, own / COSTS)


def _copy_lines(source: Path, place: Path) -> None:
    """Copy what is said of the reward model: the shared run may have gone on to a policy."""
    lines = [line for line in read_json_lines(source) if line.get("stage") == "rewards"]
    write_atomically(place, "".join(json.dumps(line) + "\n" for line in lines))
