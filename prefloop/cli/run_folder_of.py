"""The folder that a run goes into, where somebody names a run file instead of a folder."""

import sys
from pathlib import Path

from prefloop.run_paths import RUN_FILE


def folder_of(path: Path) -> Path:
    """Return the run folder that is meant: the path itself, or that of a run file.

    `my-run/run.yaml` means my-run. Any other file, such as `runs/known.yaml`, is copied into a
    folder of its name below the current one, and that is said; an InputError if another run is
    there.
    """
    if not path.is_file():
        return path
    if path.name == RUN_FILE:
        return path.parent
    from prefloop.errors import InputError
    from prefloop.files import write_atomically
    from prefloop.run_file import load_run_file

    folder, text = Path(path.stem), _copy(path)
    place = folder / RUN_FILE
    if folder.is_file() or folder == path:
        raise InputError(
            f"{path} needs a folder {folder}, and a file is there. Rename one of them."
        )
    if place.is_file() and place.read_bytes() != text.encode():
        raise InputError(
            f"{place} differs from {path}. To go on with the run that is there: prefloop run "
            f"{folder}. For a new run give {path} another name, or copy it to NEW/{RUN_FILE}."
        )
    # A mistake is reported before a folder is made.
    load_run_file(path)
    if not place.is_file():
        write_atomically(place, text)
    print(f"{path} runs in the folder {folder}; {place} is its copy.", file=sys.stderr)
    return folder


def _copy(path: Path) -> str:
    """Return the run file as it must read in another folder: its paths lead from there."""
    import yaml

    from prefloop.errors import SettingsError
    from prefloop.run_file import RunFileLoader
    from prefloop.run_paths import found_paths

    try:
        text = path.read_text(encoding="utf-8")
        raw = yaml.load(text, Loader=RunFileLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        # ValueError: no text, a date that is none, a whole number of thousands of digits.
        raise SettingsError(f"{path} is not YAML: {error}. Correct it.") from error
    if not isinstance(raw, dict):
        return text
    led = found_paths(raw, path.parent.resolve())
    if "store" in raw:
        # What a run makes is made in its own folder.
        led["store"] = raw["store"]
    # Unless it names files of its own, the copy is the file itself, comments and all.
    return text if led == raw else yaml.safe_dump(led, sort_keys=False, allow_unicode=True)
