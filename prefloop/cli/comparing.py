"""The verb that holds finished runs against each other."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prefloop.cli.arguments import AsJson, a_run_folder

if TYPE_CHECKING:
    from prefloop.figures.compared_runs import RunsComparedFigures


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Two run folders or more.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write a page here too: one HTML file, no network."),
    ] = None,
    different_labels: Annotated[
        bool,
        typer.Option(
            "--different-labels",
            help="Compare runs that learned from different labels too, and say so.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Hold finished runs against each other: win rates, KL, reward, time and memory.

    The runs must have the same task, base model, prompts, labels and a judge in common. No run is
    changed.

    Example: `prefloop compare ppo rloo --out compared.html`
    """
    from prefloop.cli.console import make_progress
    from prefloop.experiments.compare.measure import compare_runs
    from prefloop.experiments.compare.page import refuse_page_place, write_page
    from prefloop.figures.record import to_line
    from prefloop.run_paths import require_all_there

    refuse_page_place(out)
    require_all_there(runs)
    folders = [a_run_folder(run) for run in runs]
    with closing(make_progress()) as progress:
        figures = compare_runs(folders, progress, different_labels=different_labels)
    if out is not None:
        write_page(figures, out)
    if as_json:
        print(to_line(figures))
    else:
        show_compared(figures, out)


def show_compared(figures: "RunsComparedFigures", page: Path | None) -> None:
    """Print a table of runs, a table of pairs, what to keep in mind, and the verdict."""
    from rich.console import Console
    from rich.table import Table

    from prefloop.cli.showing import cell
    from prefloop.figures.compared_runs_text import (
        PAIR_COLUMNS,
        baseline_line,
        headline,
        missing_lines,
        pair_table,
        run_columns,
        run_table,
        settings_lines,
    )
    from prefloop.text.printable import printable

    console = Console()
    # A terminal is narrow: each run is a column.
    first, *measures = zip(run_columns(figures), *run_table(figures), strict=True)
    for columns, rows in ((first, measures), (PAIR_COLUMNS, pair_table(figures))):
        if not rows:
            continue
        table = Table()
        for column in columns:
            table.add_column(cell(column), overflow="fold")
        for row in rows:
            table.add_row(*map(cell, row))
        console.print(table)
    lines = [baseline_line(figures), *missing_lines(figures)]
    lines += [f"differs: {line}" for line in settings_lines(figures)]
    lines += [f"* {note}" for note in figures.notes]
    print(printable("\n".join(line for line in lines if line)))
    console.print(printable(headline(figures)), style="bold", markup=False)
    if page is not None:
        print(f"Page: {page}")
