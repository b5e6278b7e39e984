"""What whoever runs this may find, read and write: the rights to a file or folder."""

import os
import stat
from pathlib import Path


def is_there(path: Path) -> bool:
    """Whether there is a file or folder; nothing is under a name that no system takes."""
    try:
        return path.exists()
    except OSError:
        return False


def why_closed(path: Path) -> str | None:
    """Return why a path cannot be read by whoever runs this, in words that follow its name.

    None where it can, and where nothing is there. What lies in a folder that may not be entered is
    not absent, though `Path.exists` says so of it (from Python 3.14 on).
    """
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except PermissionError:
        # Behind links: the folder of a link to a closed place is open itself.
        entered = next((p for p in path.resolve().parents if is_there(p)), path.parent)
        return (
            f"cannot be looked at: you may not enter the folder {entered} (permission denied). Ask "
            "its owner to let you in (chmod +x), or name a place that you may read."
        )
    except (OSError, ValueError):
        return None
    if os.access(path, os.R_OK | os.X_OK if is_folder else os.R_OK):
        return None
    right = "chmod +rx" if is_folder else "chmod +r"
    return (
        f"is there, and you may not read it (permission denied). Ask its owner to let you ({right})"
        ", or name another."
    )


def is_write_protected(path: Path) -> bool:
    """Whether nothing can be written at a file and beside it, or in a folder: no right, no disk."""
    folder = path if path.is_dir() else path.parent
    return not os.access(folder, os.W_OK) or not os.access(path, os.W_OK)
