"""The results of an experiment as a page of tables: Markdown, and HTML with drawings."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from markdown_it import MarkdownIt
from markupsafe import Markup

from prefloop.experiments.charts import copied_chart, dose_chart
from prefloop.experiments.members import Experiment
from prefloop.figures.experiment import ExperimentFigures
from prefloop.figures.experiment_text import (
    ACCURACY_COLUMNS,
    ARM_COLUMNS,
    SYSTEM_COLUMNS,
    accuracy_table,
    arm_lines,
    arm_table,
    goal_lines,
    headline,
    system_table,
)
from prefloop.figures.record import to_json
from prefloop.files import write_atomically
from prefloop.report import build
from prefloop.templates import template_environment

RESULTS = "results.json"
TABLES = "results.md"
PAGE = "results.html"

STYLE = Path(build.__file__).parent / "templates" / "style.css"


def write_results(experiment: Experiment, figures: ExperimentFigures) -> Path:
    """Write the figures, the tables and the page into the experiment's folder; return the page."""
    text = tables(figures)
    write_atomically(experiment.folder / RESULTS, to_json(figures))
    write_atomically(experiment.folder / TABLES, text)
    page = experiment.folder / PAGE
    write_atomically(page, _page(figures, text))
    return page


def tables(figures: ExperimentFigures) -> str:
    """Return everything that was found, as Markdown."""
    parts = [
        "# Copying: what was found",
        headline(figures),
        "## What became of copying in each arm",
        _table(ARM_COLUMNS, arm_table(figures)),
        _items(line.strip() for line in arm_lines(figures)),
        "## Copying, beside table 4 of 2019",
        _table(SYSTEM_COLUMNS, system_table(figures)),
        "## Accuracy, beside table 5 of 2019",
        "Here a check finds a summary rather supported than not (`accuracy`, docs/labelers.md); in "
        "2019 the authors read 30 articles of each kind.",
        _table(ACCURACY_COLUMNS, accuracy_table(figures)),
        "## Goals",
        _items(" ".join(line.split()) for line in goal_lines(figures)),
    ]
    if figures.missing:
        missing = (f"{name}: {why}" for name, why in figures.missing.items())
        parts += ["## Not measured", _items(missing)]
    return "\n\n".join(parts) + "\n"


def _page(figures: ExperimentFigures, text: str) -> str:
    environment = template_environment("prefloop.experiments")
    # Names from a run are text: HTML in Markdown is escaped.
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return environment.get_template("results.html.jinja").render(
        style=Markup(STYLE.read_text(encoding="utf-8")),
        body=Markup(body),
        charts=[c for c in (copied_chart(figures), dose_chart(figures)) if c is not None],
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in lines)


def _items(lines: Iterable[str]) -> str:
    return "\n".join(f"* {line}" for line in lines)
