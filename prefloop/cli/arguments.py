"""Arguments and options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

RunFolder = Annotated[Path, typer.Argument(help="The run folder.")]
Overrides = Annotated[
    list[str] | None, typer.Argument(help="Changes such as `policy.lr=1e-4`.", show_default=False)
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output, and no more.")
]


def run_file(folder: Path) -> Path:
    """Return the run file that a user means by a folder, or by the file itself."""
    return folder if folder.is_file() else folder / "run.yaml"
