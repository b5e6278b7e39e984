"""Files that are either the old version or the new one, whatever goes wrong in between.

A file is written beside its place, flushed to the disk and renamed; a folder likewise, with a
manifest of sizes and hashes written last. A process that dies at any instruction leaves the last
complete version.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefloop.errors import DiskError, InputError

MANIFEST = "manifest.json"
DAY_SECONDS = 24 * 3600
REFUSALS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
}


@contextmanager
def disk_refusals(path: Path) -> Iterator[None]:
    """Turn a refusal to write at `path` into a DiskError that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
        raise DiskError(
            f"{path} could not be written: {REFUSALS[error.errno]} ({free_space(path)}). "
            "What was there before is untouched; make room or choose another folder, and run again."
        ) from error


def free_space(path: Path) -> str:
    """Return how much room is left where `path` lies, for people."""
    folder = next((p for p in [path, *path.parents] if p.exists()), Path("/"))
    return f"{shutil.disk_usage(folder).free / 1e9:.2f} GB free"


def write_atomically(path: Path, content: bytes | str) -> None:
    """Put `content` at `path`: a reader finds the old file or the new one, never a part."""
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with disk_refusals(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_through(temporary, data)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync(path.parent)


def write_if_changed(path: Path, content: str) -> None:
    """Put `content` at `path`, unless it is there: what nobody changed keeps its time."""
    if not path.is_file() or path.read_bytes() != content.encode():
        write_atomically(path, content)


def read_text(path: Path) -> str:
    """Return the text of a file that prefloop wrote; InputError if it is damaged."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is damaged: byte {error.start} of it is no text. Put back a backup of it, or "
            "delete it."
        ) from error


def put_in_place(finished: Path, path: Path) -> None:
    """Give a finished file the name `path`: whoever finds it there finds all of it, for ever."""
    with disk_refusals(path):
        _sync(finished)
        os.replace(finished, path)
        _sync(path.parent)


def write_folder(path: Path, writer: Callable[[Path], None]) -> None:
    """Put the folder that `writer` fills at `path`, complete or not at all.

    A complete folder that was there before stays beside it until the new one has its place; if the
    exchange is interrupted, the next write finishes or undoes it.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with disk_refusals(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _restore(path)
        _clear_leftovers(path)
        try:
            fresh.mkdir()
            writer(fresh)
            _seal(fresh)
            if path.exists():
                os.rename(path, _aside(path))
            os.rename(fresh, path)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            _restore(path)
            raise
        _sync(path.parent)
    shutil.rmtree(_aside(path), ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Remove a folder that must not be read again, if it is there; DiskError if it stays."""
    for folder in (_aside(path), path):
        if folder.exists():
            with disk_refusals(folder):
                shutil.rmtree(folder)


def verify_folder(path: Path, *, hashes: bool = True) -> list[str]:
    """Return what is wrong with a folder made by `write_folder`; an empty list means nothing.

    hashes=False compares names and sizes only, which takes no time.
    """
    try:
        manifest = _read_manifest(path / MANIFEST)
    except (FileNotFoundError, NotADirectoryError):
        return [f"{MANIFEST} is missing" if path.is_dir() else "there is no such folder"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return [f"{MANIFEST} is not readable"]
    problems = []
    for name, expected in sorted(manifest.items()):
        file = path / name
        if not file.is_file():
            problems.append(f"{name} is missing")
        elif file.stat().st_size != expected["bytes"]:
            problems.append(f"{name} has {file.stat().st_size} bytes, not {expected['bytes']}")
        elif hashes and sha256(file) != expected["sha256"]:
            problems.append(f"{name} has changed since it was written")
    return problems


def _read_manifest(path: Path) -> dict[str, dict[str, Any]]:
    """Return size and hash of each file by its name."""
    entries = json.loads(path.read_text(encoding="utf-8"))["files"]
    return {n: {"bytes": int(e["bytes"]), "sha256": str(e["sha256"])} for n, e in entries.items()}


def manifest_hash(folder: Path) -> str:
    """Return the hash of a folder's manifest, which holds those of its files; "" without one."""
    manifest = folder / MANIFEST
    return sha256(manifest) if manifest.is_file() else ""


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def append_json_line(path: Path, record: dict[str, Any]) -> None:
    """Add a line to a JSON-lines file, after cutting off a torn one that an earlier death left."""
    line = json.dumps(record, allow_nan=False) + "\n"
    with disk_refusals(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _mend(path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            _write_all(descriptor, line.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the records of a JSON-lines file; a torn last line is no record, no file is none."""
    return [record for _, record in numbered_json_lines(path)]


def numbered_json_lines(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Return the same records, each with the number of its line."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    records = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        record = _parse(line)
        if record is None and number < len(lines):
            raise InputError(f"{path}, line {number}: not a JSON object; found {line[:60]!r}.")
        if record is not None:
            records.append((number, record))
    return records


def keep_json_lines(path: Path, keep: Callable[[dict[str, Any]], bool]) -> int:
    """Drop the records for which `keep` is False, atomically; return how many were dropped.

    A resumed run drops the lines that its checkpoint does not know of yet.
    """
    records = read_json_lines(path)
    kept = [record for record in records if keep(record)]
    if len(kept) < len(records):
        write_atomically(path, "".join(json.dumps(record) + "\n" for record in kept))
    return len(records) - len(kept)


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _mend(path: Path) -> None:
    """Make `path`, if it exists, end with a complete line."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        content = file.read()
        last = content.rfind(b"\n") + 1
        if last == len(content):
            return
        if _parse(content[last:]) is None:
            file.truncate(last)
        else:
            file.write(b"\n")


def _aside(path: Path) -> Path:
    """Where the old version of a folder waits while the new one takes its place."""
    return path.with_name(f".{path.name}.old")


def _restore(path: Path) -> None:
    """Finish or undo an exchange of folders that was interrupted."""
    aside = _aside(path)
    if aside.exists() and not path.exists():
        os.rename(aside, path)
    shutil.rmtree(aside, ignore_errors=True)


def _clear_leftovers(path: Path) -> None:
    """Delete half-written folders for `path` that this process or one of yesterday left."""
    for folder in path.parent.glob(f".{path.name}.*.tmp"):
        is_own = folder.name.endswith(f".{os.getpid()}.tmp")
        if is_own or time.time() - folder.stat().st_mtime > DAY_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _seal(folder: Path) -> None:
    """Force every file of `folder` to the disk, then write the manifest that vouches for them."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    for file in files:
        _sync(file)
    for inner in {file.parent for file in files}:
        _sync(inner)
    entries = {
        file.relative_to(folder).as_posix(): {"bytes": file.stat().st_size, "sha256": sha256(file)}
        for file in files
    }
    _write_through(folder / MANIFEST, json.dumps({"files": entries}, indent=1).encode())
    _sync(folder)


def _write_through(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        _write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync(path: Path) -> None:
    """Force a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def only_one_process(folder: Path) -> Iterator[None]:
    """Hold the run folder's lock; a second process gets an error instead of mixing two runs."""
    with disk_refusals(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "run.lock").open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"{folder} is in use by another prefloop process. Wait for it, or stop it first."
            ) from error
        yield


def user_cache() -> Path:
    """Return where files are kept that any run can use: $PREFLOOP_CACHE, or ~/.cache/prefloop."""
    return Path(os.environ.get("PREFLOOP_CACHE") or "~/.cache/prefloop").expanduser()
