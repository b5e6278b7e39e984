"""The verbs that run a set of runs which answers one question."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prefloop.cli.arguments import AsJson, Overrides
from prefloop.run_paths import RUN_FILE, expanded, require_there
from prefloop.text.printable import printable

if TYPE_CHECKING:
    from prefloop.experiments.members import Experiment
    from prefloop.figures.compared_runs import RunsComparedFigures
    from prefloop.figures.experiment import ExperimentFigures
    from prefloop.settings.experiment import ExperimentConfig

HERE = Path(__file__).parent
COPYING_RUN_FILE = HERE / "runs" / "copying.yaml"
DEMO_RUN_FILE = HERE / "runs" / "copying-demo.yaml"

SOURCE = "prompts.source="
COMPARED = "compared.html"
"""In the folder of several methods: the page that holds them against each other."""

ExperimentFolder = Annotated[Path, typer.Argument(help="The folder for all its runs.")]

Jobs = Annotated[
    int,
    typer.Option("--jobs", min=1, help="Runs side by side, each on its share of the cores."),
]

StartNames = Annotated[
    str | None,
    typer.Option("--starts", help="Of `zero-shot,supervised` these only; left out, both."),
]

ArmNames = Annotated[
    str | None,
    typer.Option("--arms", help="These arms only, such as `hurried,careful`; left out, all."),
]


def copying(
    folder: ExperimentFolder,
    overrides: Overrides = None,
    seeds: Annotated[
        str | None, typer.Option("--seeds", help="Seeds, such as `1,2,3`; left out, three.")
    ] = None,
    starts: StartNames = None,
    arms: ArmNames = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print what it will do and how long, and stop.")
    ] = False,
    tables: Annotated[
        bool, typer.Option("--tables", help="Write the tables of what is finished, and stop.")
    ] = False,
    jobs: Jobs = 1,
    as_json: AsJson = False,
) -> None:
    """Do labelers in a hurry make a model copy? Every start, labeler and seed, and the tables.

    It takes hours: `--plan` says how many. ^C stops, and the same command goes on. `--seeds`,
    `--starts` and `--arms` make a part of it; a later command with more of them adds the others.
    `--tables` makes the tables again, of what is finished, and runs nothing.
    News articles are fetched into the folder, unless `prompts.source=` names a file.

    Example: `prefloop experiment copying copying --jobs 2`
    """
    from prefloop.experiments.members import copying_settings, narrowed

    if tables:
        _refuse_without_runs(folder)
    settings = copying_settings()
    if seeds is not None:
        settings = settings.model_copy(update={"seeds": _numbers(seeds)})
    settings = narrowed(settings, _names(starts), _names(arms))
    experiment = _made(settings, COPYING_RUN_FILE, folder, overrides)
    if plan:
        _show_plan(experiment, as_json=as_json)
    else:
        figures = _results(experiment) if tables else _carry_out(experiment, jobs)
        _show(experiment, figures, as_json=as_json)


def methods(
    folder: ExperimentFolder,
    file: Annotated[
        Path, typer.Argument(help="A run file: its prompts, samples and labels are shared.")
    ],
    changes: Annotated[
        list[str] | None,
        typer.Argument(
            help="Changes for all, such as `policy.lr=1e-4`, or for one: `rloo:policy.lr=1e-4`.",
            show_default=False,
        ),
    ] = None,
    names: Annotated[
        str | None,
        typer.Option("--methods", help="Such as `ppo,rloo`; left out, those of the run file."),
    ] = None,
    jobs: Jobs = 1,
    as_json: AsJson = False,
) -> None:
    """Which method? One run for each, on the same prompts, samples and labels, and the comparison.

    ^C stops, and the same command goes on. Every run is an ordinary folder.

    Example: `prefloop experiment methods my-set my-run/run.yaml --methods ppo,rloo`
    """
    from prefloop.cli.comparing import show_compared
    from prefloop.experiments.compare.page import refuse_page_place, write_page
    from prefloop.figures.record import to_line

    _refuse_a_run(folder)
    refuse_page_place(folder / COMPARED)
    figures = _run_methods(folder, file, _names(names), changes or [], jobs)
    write_page(figures, folder / COMPARED)
    if as_json:
        print(to_line(figures))
    else:
        show_compared(figures, folder / COMPARED)


def _run_methods(
    folder: Path, file: Path, names: list[str] | None, changes: list[str], jobs: int
) -> "RunsComparedFigures":
    """Run what is not finished, and return the finished runs beside each other."""
    from prefloop.cli.console import make_progress
    from prefloop.cli.running import carry_out
    from prefloop.experiments.compare.measure import compare_runs
    from prefloop.experiments.methods import make_method_set, run_methods
    from prefloop.experiments.processes import run_side_by_side

    made, progress = make_method_set(file, folder, names, changes), make_progress()
    try:
        run_methods(
            made,
            progress,
            run_shared=lambda place, stage: carry_out(place, None, stage),
            run_all=lambda members, progress: run_side_by_side(members, progress, jobs=jobs),
        )
        return compare_runs([member.folder for member in made.members], progress)
    finally:
        progress.close()


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
    """Return the experiment, after fetching its articles where no file is named.

    Settings and models are looked at first: what is refused leaves no folder behind.
    """
    from prefloop.experiments.members import make_experiment
    from prefloop.models.sources import resolve
    from prefloop.prompts.news.fetch import FILE, fetch_news

    _refuse_a_run(folder)
    changes, articles = list(overrides or []), folder / FILE
    is_named = any(change.startswith(SOURCE) for change in changes)
    changes += [] if is_named else [f"{SOURCE}{articles}"]
    experiment = make_experiment(settings, run_file, folder, changes)
    source = experiment.members[0].config.prompts.source  # All of them share it.
    if is_named and not source.startswith("builtin:"):
        require_there(expanded(source))
    for name in dict.fromkeys(member.config.models.name for member in experiment.members):
        resolve(name, say=lambda text: print(text, file=sys.stderr))
    if not is_named and not articles.exists():
        print("reading and mending the articles (about a quarter of a minute)", file=sys.stderr)
        fetch_news(folder)
    return experiment


def _refuse_a_run(folder: Path) -> None:
    from prefloop.errors import InputError

    if folder.is_file() or (folder / RUN_FILE).exists():
        raise InputError(
            f"{folder} is {'a file' if folder.is_file() else 'a run'}; an experiment makes runs in "
            "a folder of its own. Give it a new one."
        )


def _refuse_without_runs(folder: Path) -> None:
    from prefloop.errors import InputError
    from prefloop.experiments.members import RUNS

    if not (folder / RUNS).is_dir():
        raise InputError(f"{folder} holds no runs of an experiment: there are no tables to make.")


def _carry_out(experiment: "Experiment", jobs: int) -> "ExperimentFigures":
    from prefloop.cli.console import make_progress
    from prefloop.experiments.carry_out import run_members
    from prefloop.experiments.processes import run_side_by_side

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
    finally:
        progress.close()
    return _results(experiment)


def _results(experiment: "Experiment") -> "ExperimentFigures":
    """Return what the finished runs show, and write it into the experiment's folder."""
    from prefloop.cli.console import make_progress
    from prefloop.experiments.document import write_results
    from prefloop.experiments.results import experiment_figures

    progress = make_progress()
    try:
        figures = experiment_figures(experiment, progress)
    finally:
        progress.close()
    write_results(experiment, figures)
    return figures


def _show_plan(experiment: "Experiment", *, as_json: bool) -> None:
    from prefloop.experiments.plan import experiment_plan, plan_text
    from prefloop.figures.record import to_line

    planned = experiment_plan(experiment, lambda text: print(text, file=sys.stderr))
    print(to_line(planned) if as_json else "\n".join(plan_text(planned, experiment)))


def _show(experiment: "Experiment", figures: "ExperimentFigures", *, as_json: bool) -> None:
    from prefloop.experiments.document import PAGE
    from prefloop.figures.record import to_line

    if as_json:
        print(to_line(figures))
        return
    from prefloop.figures.experiment_text import arm_lines, goal_lines, headline

    lines = [headline(figures), "", *arm_lines(figures), "", *goal_lines(figures)]
    lines += [f"left out: {name}: {why}" for name, why in figures.missing.items()]
    print(printable("\n".join(lines)))
    print(f"\nAll tables: {experiment.folder / PAGE}. Every run has its report.")


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name for part in text.split(",") if (name := part.strip())]


def _numbers(text: str) -> list[int]:
    from prefloop.errors import InputError

    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts) or len(set(parts)) < len(parts):
        raise InputError(f"--seeds {text!r} is no list of different numbers, such as 1,2,3.")
    return [int(part) for part in parts]
