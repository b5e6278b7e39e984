"""Compared runs as a page: one file, no network, no script."""

from functools import cache
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from prefloop.errors import InputError
from prefloop.experiments.compare.chart import runs_chart
from prefloop.experiments.document import STYLE
from prefloop.figures.compared_runs import RunsComparedFigures
from prefloop.figures.compared_runs_text import (
    PAIR_COLUMNS,
    baseline_line,
    headline,
    missing_lines,
    pair_table,
    run_columns,
    run_table,
)
from prefloop.files import write_atomically
from prefloop.report.filters import page_filters
from prefloop.templates import template_environment

SUFFIXES = (".html", ".htm")

GENERATOR = '<meta name="generator" content="prefloop compare">'
"""Stands in the head of a page: what has it may be written again, and no other file."""

HEAD_BYTES = 1024


def refuse_page_place(path: Path | None) -> None:
    """Raise an InputError where no page can be meant to lie; None means that there is none."""
    if path is None:
        return
    if path.suffix.lower() not in SUFFIXES or path.is_dir():
        raise InputError(
            f"--out {path} is no page: name a file that ends in .html, such as compared.html."
        )
    if path.exists() and not _is_own(path):
        raise InputError(
            f"{path} exists already, and is no page that compared runs: a report, perhaps. Move "
            "it away, or give another name."
        )


def _is_own(path: Path) -> bool:
    """Whether a file is a page that was written here."""
    with path.open("rb") as file:
        return GENERATOR.encode() in file.read(HEAD_BYTES)


@cache
def _environment() -> Environment:
    environment = template_environment("prefloop.experiments")
    environment.filters.update(page_filters())
    return environment


def write_page(figures: RunsComparedFigures, path: Path) -> None:
    """Write the page; names of runs and settings are escaped: they are a stranger's."""
    names = [run.name for run in figures.runs]
    environment = _environment()
    text = environment.get_template("compare.html.jinja").render(
        style=Markup(STYLE.read_text(encoding="utf-8")),
        generator=Markup(GENERATOR),
        figures=figures,
        headline=headline(figures),
        baseline_line=baseline_line(figures),
        run_columns=run_columns(figures),
        run_rows=run_table(figures),
        missing=missing_lines(figures),
        chart=runs_chart(figures),
        pair_columns=PAIR_COLUMNS,
        pair_rows=pair_table(figures),
        setting_columns=("Setting", *names),
        setting_rows=[(key, *values) for key, values in figures.settings.items()],
    )
    write_atomically(path, text)
