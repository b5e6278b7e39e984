"""The path of an experiment: samples once for each start and seed, then every arm that learns.

Every step leaves whole folders, and what is there is not made again: the same command goes on
where an earlier one stopped.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prefloop.experiments.members import Experiment, Member, SampleSet, write_run_file
from prefloop.files import MANIFEST, only_one_process, write_folder
from prefloop.progress import Progress
from prefloop.run import loop
from prefloop.run.assemble import assemble
from prefloop.run.evaluating import draw_evaluation_samples
from prefloop.run.kept_settings import NewSettings, keep_settings, with_method_options
from prefloop.run.labeling import collect_comparisons
from prefloop.run.monitor import RunMonitor
from prefloop.run.rollback import resume
from prefloop.run.stage_history import note_stage, note_start
from prefloop.run_folder import read_run_folder, report_path
from prefloop.run_history import has_made_anything
from prefloop.run_store import STORE_FILE, open_run_store
from prefloop.settings.run import RunConfig
from prefloop.store.upkeep.backup import back_up

DRAWN = "samples.done"
"""In the folder of a set of samples: they are all there."""

WARM_START = "warm_start"


@dataclass(frozen=True)
class NamedProgress:
    """Progress of one of several runs: everything begins with its name."""

    name: str
    progress: Progress

    def say(self, text: str) -> None:
        """Report a sentence of this run."""
        self.progress.say(f"{self.name}: {text}")

    def count(self, what: str, done: int, total: int, detail: str = "") -> None:
        """Report how much of `what` this run has done."""
        self.progress.count(f"{self.name}: {what}", done, total, detail)


def draw_samples(samples: SampleSet, progress: Progress) -> None:
    """Draw everything that the arms share: samples for labels, and the start's own for judges."""
    if is_drawn(samples):
        return
    write_run_file(samples.folder, samples.config)
    with _alone(samples.folder, samples.config, progress) as (config, settings):
        with open_run_store(config, samples.folder) as store:
            monitor = RunMonitor(store, progress, before_making=settings.write)
            with monitor.keepalive():
                stages = assemble(config, samples.folder, monitor, until="samples")
                resume(stages)
                note_start(stages)
                collect_comparisons(stages, 0)
                draw_evaluation_samples(stages, (), 0, with_frontier=True)
                note_stage(stages, "samples", 0)
            monitor.finish()
        settings.tell_unused()
    (samples.folder / DRAWN).touch()


def prepare(member: Member, progress: Progress) -> None:
    """Give a member its run file, the shared samples, and the warm-started model if there is one.

    A member that has made anything keeps what it has.
    """
    write_run_file(member.folder, member.config)
    if has_made_anything(member.folder):
        return
    store = member.folder / STORE_FILE
    if not store.exists():
        back_up(member.samples.folder / STORE_FILE, store, progress)
    warm = member.samples.folder / WARM_START
    if warm.is_dir() and not (member.folder / WARM_START).exists():
        link_folder(warm, member.folder / WARM_START)


def run_here(member: Member, progress: Progress) -> None:
    """Run a member in this process, or go on with it."""
    with _alone(member.folder, member.config, progress) as (config, settings):
        loop.run(config, member.folder, progress, before_making=settings.write)
        settings.tell_unused()


def run_members(
    experiment: Experiment,
    progress: Progress,
    run_all: Callable[[list[Member], Progress], None] | None = None,
) -> None:
    """Draw, label, train and judge everything that is not there yet.

    `run_all` runs prepared members; without it they run here, one after the other.
    """
    for samples in experiment.sample_sets:
        draw_samples(samples, NamedProgress(f"samples/{samples.folder.name}", progress))
    waiting = [member for member in experiment.members if not is_finished(member)]
    for member in waiting:
        prepare(member, NamedProgress(member.name, progress))
    if run_all is not None:
        run_all(waiting, progress)
        return
    for member in waiting:
        run_here(member, NamedProgress(member.name, progress))


def is_drawn(samples: SampleSet) -> bool:
    """Whether a set of samples is complete."""
    return (samples.folder / DRAWN).exists()


def is_finished(member: Member) -> bool:
    """Whether a member has run to its end: its last policy is evaluated, and the report written.

    A report alone does not say so: `prefloop report` writes one of a run that is half done.
    """
    if not report_path(member.folder).exists():
        return False
    last = member.config.rounds - 1
    return read_run_folder(member.folder).evaluation_of_round(last) is not None


@contextmanager
def _alone(
    folder: Path, config: RunConfig, progress: Progress
) -> Iterator[tuple[RunConfig, NewSettings]]:
    config = with_method_options(config)
    with only_one_process(folder):
        yield config, keep_settings(config, folder, progress.say)


def link_folder(source: Path, place: Path) -> None:
    """Put a folder's files in a second place, as links where the disk takes them."""
    write_folder(
        place,
        lambda fresh: shutil.copytree(  # type: ignore[arg-type]
            *(source, fresh),
            ignore=shutil.ignore_patterns(MANIFEST),
            copy_function=_link,
            dirs_exist_ok=True,
        ),
    )


def _link(source: str, place: str) -> None:
    try:
        os.link(source, place)
    except OSError:
        shutil.copy2(source, place)
