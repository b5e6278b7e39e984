"""A disk that loses its power: it remembers, file by file, what had been forced to the disk.

SQLite is given this as its file system (a VFS). What it writes goes to real files, so everything
works; beside that, each write waits in a list until the file is synced. `survivors()` is what a
machine would find after the power came back: for each file what was synced, and of the writes since
then nothing, or any part.

Not modeled: disks that say "synced" and lie.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import apsw

SECTOR_BYTES = 512
"""A write may end in the middle, at such a border."""

Write = tuple[int, bytes]
Cut = int
"""A file's new length."""


@dataclass
class SimulatedFile:
    """A file as the disk has it, and what the operating system still holds back."""

    synced: bytearray = field(default_factory=bytearray)
    waiting: list[Write | Cut] = field(default_factory=list)


class SimulatedDisk(apsw.VFS):
    """The files of one folder, with their power."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "unix")
        self.name = name
        self.files: dict[str, SimulatedFile] = {}
        self.n_syncs = 0
        self.before_write: Callable[[], None] = lambda: None
        """Is called before every write, sync and cut; may raise what a real disk would."""
        self.has_power = True
        """Without it nothing reaches the disk any more."""
        self.days_ahead = 0.0
        """How far this machine's clock is off."""
        self._lock = threading.Lock()

    def load(self, folder: Path) -> None:
        """Take the files of a folder for synced."""
        for path in folder.iterdir():
            if path.suffix != ".db-shm":
                self.files[str(path)] = SimulatedFile(bytearray(path.read_bytes()))

    def scrap(self) -> None:
        """Forget everything: SQLite keeps every disk that it was ever told of."""
        self.unregister()
        self.files.clear()

    def survivors(self, luck: random.Random | None = None) -> dict[str, bytes]:
        """Return each file's content after a power cut at this moment.

        Without `luck`, nothing survives that was not synced. With it, each write since then
        survives or not, in whole or in part.
        """
        with self._lock:
            return {path: _after_cut(file, luck) for path, file in self.files.items()}

    # what SQLite calls

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        """Open a file."""
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is None or not flags[0] & (apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_WAL):
            return apsw.VFSFile("unix", name, flags)
        is_new = not Path(path).exists()
        with self._lock:
            file = self.files.setdefault(path, SimulatedFile())
            if is_new and self.has_power:
                file.waiting.append(0)
        return _OpenFile(name, flags, file, self)

    def xCurrentTimeInt64(self) -> int:
        """Return the time: milliseconds since noon of a day in 4714 BC."""
        return super().xCurrentTimeInt64() + round(self.days_ahead * 86_400_000)

    def record(self, file: SimulatedFile, change: Write | Cut) -> None:
        """Keep a change until the file is synced."""
        with self._lock:
            if self.has_power:
                file.waiting.append(change)

    def sync(self, file: SimulatedFile) -> None:
        """Force the file to the disk."""
        with self._lock:
            if self.has_power:
                self.n_syncs += 1
                _apply(file.synced, file.waiting)
                file.waiting.clear()


class _OpenFile(apsw.VFSFile):
    """One open handle of a file; several may share the file."""

    def __init__(
        self,
        name: str | apsw.URIFilename | None,
        flags: list[int],
        file: SimulatedFile,
        disk: SimulatedDisk,
    ) -> None:
        super().__init__("unix", name, flags)
        self._file = file
        self._disk = disk

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.before_write()
        self._disk.record(self._file, (offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:
        self._disk.before_write()
        self._disk.record(self._file, newsize)
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:
        # The real file is not synced: this disk's memory is what counts, and is faster.
        self._disk.before_write()
        self._disk.sync(self._file)


def _after_cut(file: SimulatedFile, luck: random.Random | None) -> bytes:
    content = bytearray(file.synced)
    if luck is not None:
        _apply(content, [_part(change, luck) for change in file.waiting if luck.random() < 0.5])
    return bytes(content)


def _part(change: Write | Cut, luck: random.Random) -> Write | Cut:
    """Return the change, or what of it came through."""
    if isinstance(change, int) or luck.random() < 0.5:
        return change
    offset, data = change
    return offset, data[: luck.randrange(0, len(data) + 1, SECTOR_BYTES)]


def _apply(content: bytearray, changes: list[Write | Cut]) -> None:
    for change in changes:
        if isinstance(change, int):
            del content[change:]
            content.extend(bytes(change - len(content)))
            continue
        offset, data = change
        content.extend(bytes(max(0, offset - len(content))))
        content[offset : offset + len(data)] = data
