"""The notebook that is shipped runs, and all its cells once more.

`make test` lets its policy make two small updates, and `make test-slow` runs it as it stands.
"""

from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests import own_loop
from tests.architecture.source import ROOT
from tests.unit.python.test_shown import read

FILE = ROOT / "notebooks" / "own-reward.ipynb"
CELL_SECONDS = 600
"""A cell takes this long where other tests share the processor."""

TRAINING, SHORT = '{"episodes": 448, "batch_size": 64}', '{"episodes": 32, "batch_size": 16}'
"""What the notebook trains, and what is enough to see that every cell works."""


def code_cells(notebook: Any) -> list[Any]:
    """Return the cells of a notebook that are run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cell: Any) -> str:
    """Return the HTML that a cell leaves as its last output."""
    return str(cell.outputs[-1]["data"]["text/html"])


def carried_out(notebook: Any, place: Path) -> None:
    """Run a notebook's cells in a folder; their outputs are in it then."""
    client = NotebookClient(
        notebook, timeout=CELL_SECONDS, resources={"metadata": {"path": str(place)}}
    )
    own_loop.run(client.async_execute())


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> list[list[Any]]:
    """The notebook's code cells after all were run, and after all were run again in that kernel."""
    notebook = nbformat.read(FILE, as_version=4)
    cells = code_cells(notebook)
    (training,) = (cell for cell in cells if TRAINING in cell.source)
    training.source = training.source.replace(TRAINING, SHORT)
    again = [deepcopy(cell) for cell in cells]
    for cell in again:
        cell["id"] += "-again"
    notebook.cells += again
    carried_out(notebook, tmp_path_factory.mktemp("notebook"))
    return [code_cells(notebook)[: len(cells)], code_cells(notebook)[len(cells) :]]


def test_git_holds_no_outputs() -> None:
    notebook = nbformat.read(FILE, as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.outputs and cell.execution_count is None for cell in code_cells(notebook))
    assert {key for cell in notebook.cells for key in cell.metadata} == set()


def test_it_runs_and_shows_what_it_says(twice: list[list[Any]]) -> None:
    outputs = [output for cell in twice[0] for output in cell.outputs]
    red = [output.text for output in outputs if output.output_type == "stream"]
    assert red == [], "what is not shown as HTML stands out in red"
    _, made, trained, before, after, compared, pairs, run = twice[0]
    assert made.outputs == []
    progress = read(str(trained.outputs[0]["data"]["text/html"]))
    assert "training the policy: 2 of 2" in progress.words
    assert read(shown(trained)).tags.count("svg") == 2
    assert "reference" in read(shown(before)).words
    assert "policy after update 2" in read(shown(after)).words
    assert "held-out judge" in read(shown(compared)).words
    assert read(shown(pairs)).tags.count("tr") == 6
    assert "report/index.html" in read(shown(run)).words


@pytest.mark.slow
def test_as_it_stands_the_policy_learns_what_it_is_asked_for(tmp_path: Path) -> None:
    notebook = nbformat.read(FILE, as_version=4)
    carried_out(notebook, tmp_path)
    before, after = (read(shown(cell)).words.lower().split() for cell in code_cells(notebook)[3:5])
    assert sum(word in ("she", "her") for word in after) > sum(
        word in ("she", "her") for word in before
    )


def test_every_cell_may_be_run_again(twice: list[list[Any]]) -> None:
    first, again = twice
    assert shown(again[4]) == shown(first[4]), "the policy is the same"
    told = "".join(str(output) for cell in again for output in cell.outputs)
    assert "changed" not in told and "training the policy" not in told
    assert "2 updates of the policy" in read(shown(again[2])).words


def test_nothing_of_a_run_lies_beside_the_notebook() -> None:
    assert [path.name for path in FILE.parent.iterdir() if path.is_dir()] == []


def test_the_page_about_python_leads_to_it() -> None:
    page = Path(ROOT / "docs/how-to/use-from-python.md").read_text(encoding="utf-8")
    assert f"notebooks/{FILE.name}" in page
