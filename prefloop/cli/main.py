"""The `prefloop` command: parse, call one function, print."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from prefloop import __version__
from prefloop.errors import InputError, PrefloopError, SettingsError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Fine-tune a language model from human preferences, with the evidence.",
)

RunFolder = Annotated[Path, typer.Argument(help="The run folder.")]
Overrides = Annotated[
    list[str] | None, typer.Argument(help="Changes such as `policy.lr=1e-4`.", show_default=False)
]
HERE = Path(__file__).parent


@app.command()
def demo(
    overrides: Overrides = None,
    fast: Annotated[bool, typer.Option(help="Use the tiny embedded model: three minutes.")] = False,
    folder: Annotated[Path | None, typer.Option(help="Where the run goes.")] = None,
) -> None:
    """Run the whole loop on a small model and show what came out.

    Example: `prefloop demo --fast`
    """
    from prefloop.cli.showing import show_result

    folder = folder or Path("demo-run-fast" if fast else "demo-run")
    source = HERE / "runs" / ("fast.yaml" if fast else "demo.yaml")
    if not (folder / "run.yaml").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "run.yaml").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    report = _run(folder, overrides or [])
    show_result(folder, report, n_pairs=5)


@app.command()
def init(
    folder: RunFolder,
    task: Annotated[str, typer.Option(help="sentiment, descriptiveness, summarization or custom.")] = "sentiment",
    model: Annotated[str, typer.Option(help="smollm2, builtin:tiny, a hub name or a folder.")] = "smollm2",
    prompts: Annotated[str, typer.Option(help="builtin:fiction, or a JSONL, CSV or text file.")] = "builtin:fiction",
) -> None:
    """Make a run folder with a run file to edit.

    Example: `prefloop init my-run --task sentiment --model gpt2`
    """
    from prefloop.config import as_yaml, parse_run

    path = folder / "run.yaml"
    if path.exists():
        raise InputError(f"{path} exists already. Edit it, or choose another folder.")
    raw: dict[str, Any] = {"task": task, "models": {"name": model}, "prompts": {"source": prompts}}
    text = as_yaml(parse_run(raw, str(path)))
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(f"{path} holds every setting with its default. Next: prefloop run {folder}")


@app.command()
def run(folder: RunFolder, overrides: Overrides = None) -> None:
    """Run every stage; stop it with ^C and run again to go on.

    Example: `prefloop run my-run policy.lr=1e-4`
    """
    from prefloop.cli.showing import show_result

    report = _run(folder, overrides or [])
    show_result(folder, report, n_pairs=3)


@app.command(name="report")
def report_command(folder: RunFolder) -> None:
    """Write the report of a finished or unfinished run again.

    Example: `prefloop report my-run`
    """
    from prefloop.config import load_run_file
    from prefloop.report.build import build_report
    from prefloop.store.store import Store

    config = load_run_file(_run_file(folder))
    with Store.open(config.store or folder / "prefloop.db") as store:
        path = build_report(
            folder, store, config=config.report, task=config.task, settings=config.model_dump()
        )
    print(path)


def _run(folder: Path, overrides: list[str]) -> Path:
    from prefloop import loop
    from prefloop.cli.console import make_progress
    from prefloop.cli.provenance import write_resolved
    from prefloop.config import load_run_file
    from prefloop.files import only_one_process

    config = load_run_file(_run_file(folder), overrides)
    progress = make_progress()
    try:
        with only_one_process(folder):
            write_resolved(config, folder)
            return loop.run(config, folder, progress)
    finally:
        progress.close()


def _run_file(folder: Path) -> Path:
    return folder / "run.yaml" if folder.is_dir() or not folder.suffix else folder


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(f"prefloop {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command; tell the user's problems without a traceback and leave with code 2."""
    try:
        app()
    except (SettingsError, PrefloopError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to go on.", file=sys.stderr)
        sys.exit(130)
