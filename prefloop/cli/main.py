"""The `prefloop` command: parse, call one function, print."""

import errno
import io
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from prefloop import __version__
from prefloop.access import is_there
from prefloop.cli import (
    audit,
    comparing,
    environment,
    exchange,
    experiment,
    fetching,
    power,
    running,
    serving,
    several,
    store_verbs,
    team,
    trying,
)
from prefloop.cli import doctor as doctor_verb
from prefloop.cli.arguments import AsJson, RunFolder
from prefloop.cli.log_lines import log_with_time
from prefloop.cli.stage_group import STAGE, StageGroup
from prefloop.errors import InputError, PrefloopError
from prefloop.run_paths import RUN_FILE, expanded
from prefloop.text.printable import printable

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Fine-tune a language model from human preferences, with the evidence.",
)

ALONE = "One stage alone"
SYSTEMS = ("linux", "darwin")
"""What `sys.platform` begins with where prefloop runs."""

NOT_OURS = {
    *(errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EEXIST),
    *(errno.EACCES, errno.EPERM, errno.EROFS),
}
"""What the system says of a path that cannot be what a user means."""

LONGEST_NAME = 120
"""Characters of such a path that are shown."""

STOPPED = 130
"""Exit code with which Typer answers ^C."""


def init(
    folder: RunFolder,
    task: Annotated[
        str, typer.Option(help="sentiment, descriptiveness, summarization or custom.")
    ] = "sentiment",
    model: Annotated[
        str, typer.Option(help="smollm2, builtin:tiny, a hub name or a folder.")
    ] = "smollm2",
    prompts: Annotated[
        str, typer.Option(help="builtin:fiction, or a JSONL, CSV or text file.")
    ] = "builtin:fiction",
    labelers: Annotated[
        str | None,
        typer.Option(
            help="synthetic, people (in a browser) or none (imported labels). Left out: synthetic "
            "where a scorer of prefloop's knows what the task asks for, else people."
        ),
    ] = None,
    schema: Annotated[
        bool,
        typer.Option("--schema", help="Put a JSON schema beside it, for editors that read one."),
    ] = False,
) -> None:
    """Make a run folder with a run file to edit.

    Example: `prefloop init my-run --task sentiment --labelers people`
    """
    from prefloop.settings.comparisons import PEOPLE, SYNTHETIC
    from prefloop.settings.task_presets import SCORERS

    raw: dict[str, Any] = {
        "task": task,
        "models": {"name": _from(folder, model)},
        "prompts": {"source": _from(folder, prompts)},
        "comparisons": {"labelers": labelers or (SYNTHETIC if task in SCORERS else PEOPLE)},
    }
    _write_run_file(folder, raw, with_schema=schema)
    print(
        f"{folder / RUN_FILE} holds what you may want to change. Next: prefloop run {folder} --plan"
    )


def _write_run_file(folder: Path, raw: dict[str, Any], *, with_schema: bool) -> None:
    """Write a new run file, and beside it the schema that its first line names."""
    from prefloop.cli.new_run_file import new_run_file
    from prefloop.cli.run_schema import SCHEMA_FILE, run_schema
    from prefloop.files import write_atomically
    from prefloop.run_file import parse_run

    path = folder / RUN_FILE
    if path.exists():
        raise InputError(f"{path} exists already. Edit it, or choose another folder.")
    text = new_run_file(parse_run(raw, str(path)))
    if with_schema:
        write_atomically(folder / SCHEMA_FILE, run_schema())
        text = f"# yaml-language-server: $schema={SCHEMA_FILE}\n{text}"
    write_atomically(path, text)


def _from(folder: Path, name: str) -> str:
    """Return a path that leads from here as it leads from a folder; any other name as it is."""
    path = expanded(name)
    is_path = name != "smollm2" and is_there(path) and not path.is_absolute()
    return os.path.relpath(path, folder) if is_path else name


def report(
    folder: RunFolder,
    to: Annotated[
        Path | None, typer.Option("--to", help="Write it into this folder, not into the run's.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the report of a finished or unfinished run again.

    Example: `prefloop report my-run`
    """
    from prefloop.cli.showing import write_report_again

    write_report_again(folder, to=to, as_json=as_json)


def show(
    folder: RunFolder,
    n: Annotated[int, typer.Option("--number", "-n", min=1, help="How many pairs.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Show random held-out prompts with the response before and after.

    Example: `prefloop show my-run -n 3`
    """
    from prefloop.cli.showing import show_pairs

    show_pairs(folder, n_pairs=n, as_json=as_json)


app.command()(running.demo)
app.command()(init)
app.command()(running.run)
store = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
store.command()(store_verbs.migrate)
store.command()(store_verbs.backup)
store.command()(store_verbs.restore)
store.command()(store_verbs.verify)
audits = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
audits.command()(audit.labels)
audits.command()(audit.rewards)
audits.command()(audit.overoptimization)
crew = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
crew.command()(team.add)
crew.command()(team.invite)
crew.command()(team.password)
crew.command()(team.token)
crew.command()(team.disable)
crew.command()(team.rename)
crew.command()(team.erase)
crew.command()(team.enable)
crew.command()(team.assign)
crew.command(name="list")(team.list_people)

prompts = typer.Typer(cls=StageGroup, no_args_is_help=True, rich_markup_mode="markdown")
prompts.command(name=STAGE, hidden=True)(running.prompts)
prompts.command(name="fetch")(fetching.fetch_prompts)
app.add_typer(prompts, name="prompts", help=running.prompts.__doc__, rich_help_panel=ALONE)
samples = typer.Typer(cls=StageGroup, no_args_is_help=True, rich_markup_mode="markdown")
samples.command(name=STAGE, hidden=True)(running.samples)
samples.command(name="try")(trying.try_prompt)
app.add_typer(samples, name="samples", help=running.samples.__doc__, rich_help_panel=ALONE)
app.command(rich_help_panel=ALONE)(running.comparisons)
rewards = typer.Typer(cls=StageGroup, no_args_is_help=True, rich_markup_mode="markdown")
rewards.command(name=STAGE, hidden=True)(running.rewards)
rewards.command(name="score")(trying.score_file)
rewards.command()(trying.without)
app.add_typer(rewards, name="rewards", help=running.rewards.__doc__, rich_help_panel=ALONE)
app.command(rich_help_panel=ALONE)(running.policy)
evaluation = typer.Typer(cls=StageGroup, no_args_is_help=True, rich_markup_mode="markdown")
evaluation.command(name=STAGE, hidden=True)(running.evaluation)
evaluation.command()(power.power)
app.add_typer(evaluation, name="evaluation", help=running.evaluation.__doc__, rich_help_panel=ALONE)
app.command()(serving.serve)
app.add_typer(audits, name="audit", help=audit.__doc__)
experiments = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
experiments.command()(experiment.copying)
experiments.command()(experiment.methods)
app.add_typer(experiments, name="experiment", help=experiment.__doc__)
app.add_typer(crew, name="team", help=team.__doc__)
app.add_typer(store, name="store", help=store_verbs.__doc__)
app.command()(report)
app.command()(show)
app.command()(comparing.compare)
app.command()(doctor_verb.doctor)
app.command()(environment.env)
app.command(name="import")(exchange.import_labels)
app.command(name="export")(exchange.export_labels)


@app.callback(invoke_without_command=True)
def _version(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(f"prefloop {__version__}")
        raise typer.Exit
    several.join(context)


def refuse_other_systems() -> None:
    """Raise an InputError on a system that prefloop does not run on."""
    if not sys.platform.startswith(SYSTEMS):
        raise InputError(
            f"prefloop runs on Linux and macOS; this is {sys.platform}. On Windows install it "
            "in the Windows Subsystem for Linux (`wsl --install`) and run it there."
        )


def refuse_lost_folder() -> None:
    """Raise an InputError if the current folder was deleted: no path leads anywhere from it."""
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise InputError(
            "The current folder was deleted. Change to another (cd), then again."
        ) from error


def write_any_text() -> None:
    """Let standard output take every text: where a character has no bytes there, its code stands.

    A terminal may know ASCII alone, and a path need not be UTF-8.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def main() -> None:
    """Run the command; print a user's problem without a traceback and exit with code 2."""
    try:
        write_any_text()
        refuse_other_systems()
        refuse_lost_folder()
        log_with_time()
        app(prog_name="prefloop")  # also as `python -m prefloop`: completion is of this name
    except PrefloopError as error:
        print(printable(str(error)), file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        if error.errno not in NOT_OURS or not error.filename:
            raise
        name = os.fsdecode(error.filename)
        shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}..."
        message = f"{shown} cannot be used: {error.strerror}. Check the path."
        print(printable(message), file=sys.stderr)
        sys.exit(2)
    except SystemExit as leaving:
        if leaving.code == STOPPED:
            print("\nStopped. Run the same command again to continue.", file=sys.stderr)
        raise
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to continue.", file=sys.stderr)
        sys.exit(STOPPED)
