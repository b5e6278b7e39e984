"""What a run says on the terminal."""

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from prefloop.cli.arguments import run_file
from prefloop.errors import DiskError
from prefloop.figures.judging import judging_text
from prefloop.figures.text import model_title
from prefloop.report.build import build_report
from prefloop.report.pairs import pairs_of_evaluation
from prefloop.run_file import load_run_as_made
from prefloop.run_folder import read_run_folder
from prefloop.run_store import open_run_store
from prefloop.text.printable import printable


def show_result(folder: Path, report: Path, *, n_pairs: int, as_json: bool) -> None:
    """Print the verdict, some random before-and-after pairs, and where the report lies."""
    latest = read_run_folder(folder).latest
    if as_json:
        print(
            json.dumps(
                {
                    "report": str(report),
                    "evaluation": str(folder / latest.path) if latest else None,
                    "verdict": latest.figures.verdict if latest else None,
                }
            )
        )
        return
    show_pairs(folder, n_pairs=n_pairs, as_json=False)
    console = Console()
    if latest:
        console.print(printable(latest.figures.verdict), style="bold", markup=False)
        for found in latest.figures.win_rates:
            if found.people is not None:
                console.print(printable(judging_text(found.people)), markup=False)
    console.print(f"Report: {report}", markup=False, soft_wrap=True)


def write_report_again(folder: Path, *, to: Path | None, as_json: bool) -> None:
    """Write the report and print where it lies; where it cannot be written, tell the verdict."""
    config = load_run_as_made(run_file(folder))
    with open_run_store(config, folder, read_only=True) as store:
        try:
            path = build_report(folder, store, config, to=to)
        except DiskError as error:
            latest = read_run_folder(folder).latest
            found = f'It would begin with: "{latest.figures.verdict}"\n' if latest else ""
            raise DiskError(
                f"The report could not be written, and nothing was changed. {error}\n{found}"
                f"Write it elsewhere: prefloop report {folder} --to FOLDER"
            ) from error
    print(json.dumps({"report": str(path)}) if as_json else path)


def show_pairs(folder: Path, *, n_pairs: int, as_json: bool) -> None:
    """Print random before-and-after pairs of the latest evaluation."""
    config = load_run_as_made(run_file(folder))
    latest = read_run_folder(folder).latest
    with open_run_store(config, folder, read_only=True) as store:
        pairs = (
            pairs_of_evaluation(store, latest.figures, n=n_pairs, seed=config.seed)
            if latest
            else []
        )
    if as_json:
        rows = [
            {"prompt": p.prompt.text, "before": p.before.text, "after": p.after.text} for p in pairs
        ]
        print(json.dumps(rows))
        return
    if not pairs or latest is None:
        Console().print("There are no pairs yet: the run has not evaluated a policy.")
        return
    table = Table(title="Random held-out prompts, before and after", show_lines=True)
    before, after = (model_title(m) for m in (latest.figures.baseline, latest.figures.model))
    for column in ("prompt", f"before ({before})", f"after ({after})"):
        table.add_column(cell(column), overflow="fold")
    for pair in pairs:
        table.add_row(*(cell(record.text) for record in (pair.prompt, pair.before, pair.after)))
    Console().print(table)


def show_progress(folder: Path, *, as_json: bool) -> None:
    """Print how much of each stage there is."""
    config = load_run_as_made(run_file(folder))
    with open_run_store(config, folder, read_only=True) as store:
        counts = {
            "prompts": len(store.prompts()),
            "samples": len(store.samples()),
            "comparisons": len(store.comparisons()),
            "labels": len(store.labels()),
            "verdicts": len(store.verdicts()),
        }
    run = read_run_folder(folder)
    counts |= {
        "reward_models": len(run.trusts),
        "policy_updates": sum(line.stage == "policy" for line in run.metrics),
        "policies": len(list((folder / "policy").glob("round-*"))),
        "evaluations": len(run.evaluations),
    }
    if as_json:
        print(json.dumps(counts))
        return
    print(", ".join(f"{n} {noun.replace('_', ' ')}" for noun, n in counts.items()))


def cell(text: str) -> Text:
    """Return a model's text for a table: no markup, and nothing that a terminal obeys."""
    return Text(printable(text).strip())
