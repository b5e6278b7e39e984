"""The verbs that run a set of runs which answers one question."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prefloop.cli.arguments import AsJson, Overrides
from prefloop.run_paths import RUN_FILE
from prefloop.text.printable import printable

if TYPE_CHECKING:
    from prefloop.experiments.members import Experiment
    from prefloop.figures.experiment import ExperimentFigures
    from prefloop.settings.experiment import ExperimentConfig

HERE = Path(__file__).parent
COPYING_RUN_FILE = HERE / "runs" / "copying.yaml"
DEMO_RUN_FILE = HERE / "runs" / "copying-demo.yaml"

SOURCE = "prompts.source="

ExperimentFolder = Annotated[Path, typer.Argument(help="The folder for all its runs.")]


def copying(
    folder: ExperimentFolder,
    overrides: Overrides = None,
    seeds: Annotated[
        str | None, typer.Option("--seeds", help="Seeds, such as `1,2,3`; left out, three.")
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print what it will do and how long, and stop.")
    ] = False,
    jobs: Annotated[
        int,
        typer.Option("--jobs", min=1, help="Runs side by side, each on its share of the cores."),
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Do labelers in a hurry make a model copy? Every start, labeler and seed, and the tables.

    It takes hours: `--plan` says how many. ^C stops, and the same command goes on. News articles
    are fetched into the folder, unless `prompts.source=` names a file.

    Example: `prefloop experiment copying copying --jobs 2`
    """
    from prefloop.experiments.members import copying_settings

    settings = copying_settings()
    if seeds is not None:
        settings = settings.model_copy(update={"seeds": _numbers(seeds)})
    experiment = _made(settings, COPYING_RUN_FILE, folder, overrides)
    if plan:
        from prefloop.experiments.plan import experiment_plan, plan_text

        planned = experiment_plan(experiment, lambda text: print(text, file=sys.stderr))
        print(planned.model_dump_json() if as_json else "\n".join(plan_text(planned, experiment)))
        return
    _show(experiment, _carry_out(experiment, jobs), as_json=as_json)


def copying_demo(folder: Path, overrides: list[str] | None, *, as_json: bool) -> None:
    """Run the hurried arm beside the careful one, zero-shot, and say what became of copying."""
    from prefloop.experiments.members import copying_settings

    settings = copying_settings().model_copy(
        update={
            "members": {"zero-shot": ["hurried", "careful"]},
            "seeds": [1],
            "extent": None,
        }
    )
    experiment = _made(settings, DEMO_RUN_FILE, folder, overrides)
    jobs = min(len(experiment.members), os.cpu_count() or 1)
    _show(experiment, _carry_out(experiment, jobs), as_json=as_json)


def _made(
    settings: "ExperimentConfig", run_file: Path, folder: Path, overrides: list[str] | None
) -> "Experiment":
    """Return the experiment, after fetching its articles where no file is named."""
    from prefloop.errors import InputError
    from prefloop.experiments.members import make_experiment
    from prefloop.prompts.news.fetch import FILE, fetch_news

    if folder.is_file() or (folder / RUN_FILE).exists():
        raise InputError(
            f"{folder} is {'a file' if folder.is_file() else 'a run'}; an experiment makes runs in "
            "a folder of its own. Give it a new one."
        )
    changes = list(overrides or [])
    if not any(change.startswith(SOURCE) for change in changes):
        if not (folder / FILE).exists():
            print("reading and mending the articles (about a quarter of a minute)", file=sys.stderr)
            fetch_news(folder)
        changes.append(f"{SOURCE}{folder / FILE}")
    return make_experiment(settings, run_file, folder, changes)


def _carry_out(experiment: "Experiment", jobs: int) -> "ExperimentFigures":
    from prefloop.cli.console import make_progress
    from prefloop.experiments.carry_out import run_members
    from prefloop.experiments.document import write_results
    from prefloop.experiments.processes import run_side_by_side
    from prefloop.experiments.results import experiment_figures

    progress = make_progress()
    try:
        if jobs == 1:
            run_members(experiment, progress)
        else:
            run_members(
                experiment,
                progress,
                lambda members, progress: run_side_by_side(members, progress, jobs=jobs),
            )
        figures = experiment_figures(experiment, progress)
    finally:
        progress.close()
    write_results(experiment, figures)
    return figures


def _show(experiment: "Experiment", figures: "ExperimentFigures", *, as_json: bool) -> None:
    if as_json:
        print(figures.model_dump_json())
        return
    from prefloop.experiments.document import PAGE
    from prefloop.figures.experiment_text import arm_lines, goal_lines, headline

    lines = [headline(figures), "", *arm_lines(figures), "", *goal_lines(figures)]
    lines += [f"left out: {name}: {why}" for name, why in figures.missing.items()]
    print(printable("\n".join(lines)))
    print(f"\nAll tables: {experiment.folder / PAGE}. Every run has its report.")


def _numbers(text: str) -> list[int]:
    from prefloop.errors import InputError

    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() for part in parts) or len(set(parts)) < len(parts):
        raise InputError(f"--seeds {text!r} is no list of different numbers, such as 1,2,3.")
    return [int(part) for part in parts]
