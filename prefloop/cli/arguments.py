"""Arguments and options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

from prefloop.run_paths import RUN_FILE


def a_run_folder(path: Path) -> Path:
    """Return the run folder that is meant by it, or by the run file in it."""
    if path.name == RUN_FILE and path.is_file():
        return path.parent
    if path.is_file():
        from prefloop.errors import InputError

        raise InputError(
            f"{path} is a file. Name the run folder; `prefloop run {path}` makes one of a run file."
        )
    return path


RunFolder = Annotated[Path, typer.Argument(help="The run folder.", callback=a_run_folder)]
Overrides = Annotated[
    list[str] | None, typer.Argument(help="Changes such as `policy.lr=1e-4`.", show_default=False)
]
RunPlace = Annotated[Path, typer.Argument(help="The run folder, or a run file.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output, and nothing else.")
]


def run_file(folder: Path) -> Path:
    """Return the run file that a user means by a folder, or by the file itself."""
    return folder if folder.is_file() else folder / RUN_FILE
