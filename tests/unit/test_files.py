"""Whatever step fails, or kills the process, a reader finds the last complete version."""

import errno
import os
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from prefloop import files
from prefloop.errors import DiskError, InputError
from prefloop.files import user_cache

CALLS = ("open", "write", "fsync", "replace", "rename", "close")
DEATH = 77


class Fault:
    """Counts the system calls of prefloop.files and lets something happen at the k-th."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, happen: Callable[[], None]):
        self.count, self.at, self.happen = 0, at, happen
        for name in CALLS:
            monkeypatch.setattr(os, name, self._counting(name, getattr(os, name)))

    def _counting(self, name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: Any, **kwargs: Any) -> object:
            self.count += 1
            if self.count == self.at and name != "close":
                if name == "write":
                    descriptor, data = args
                    real(descriptor, data[: len(data) // 2])  # a torn write, then the fault
                self.happen()
            return real(*args, **kwargs)

        return call


def full() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def steps(action: Callable[[], None]) -> int:
    """Count the system calls that `action` makes when nothing goes wrong."""
    with pytest.MonkeyPatch.context() as patch:
        fault = Fault(patch, 0, full)
        action()
        return fault.count


def dies_at(k: int, action: Callable[[], None]) -> bool:
    """Run `action` in a process killed at its k-th system call; say whether it got there."""
    child = os.fork()
    if child == 0:
        try:
            with pytest.MonkeyPatch.context() as patch:
                Fault(patch, k, lambda: os._exit(DEATH))
                action()
        except BaseException:
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, DEATH)
    return code == DEATH


def fails_at(k: int, action: Callable[[], None]) -> bool:
    """Run `action` with the disk full at its k-th system call; say whether it got there."""
    with pytest.MonkeyPatch.context() as patch:
        Fault(patch, k, full)
        try:
            action()
        except DiskError:
            return True
    return False


FAULTS = pytest.mark.parametrize("happens_at", [dies_at, fails_at])


def model(version: int) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "config.json").write_text(f'{{"version": {version}}}')
        (folder / "parts").mkdir()
        (folder / "parts" / "weights").write_bytes(bytes([version]) * 5000)

    return write


def version_in(folder: Path) -> int:
    """The version that a reader finds; both files must agree."""
    aside = folder.with_name(f".{folder.name}.old")
    found = aside if files.verify_folder(folder) else folder
    assert files.verify_folder(found) == []
    weights = (found / "parts" / "weights").read_bytes()
    assert weights == weights[:1] * 5000
    assert (found / "config.json").read_text() == f'{{"version": {weights[0]}}}'
    return weights[0]


def test_write_atomically_puts_the_content_in_place(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.json"
    files.write_atomically(path, "first")
    files.write_atomically(path, b"second")
    assert path.read_text() == "second"
    assert [p.name for p in path.parent.iterdir()] == ["a.json"]


@FAULTS
def test_a_file_is_old_or_new_after_a_fault_at_any_step(
    tmp_path: Path, happens_at: Callable[[int, Callable[[], None]], bool]
) -> None:
    path = tmp_path / "a"
    old, new = "old" * 1000, "new" * 1000
    n_steps = steps(lambda: files.write_atomically(path, new))
    seen, n_faults = set(), 0
    for k in range(1, n_steps + 1):
        files.write_atomically(path, old)
        n_faults += happens_at(k, lambda: files.write_atomically(path, new))
        assert path.read_text() in (old, new)
        seen.add(path.read_text())
    assert n_faults >= 5
    assert seen == {old, new}


def test_writing_in_place_would_be_caught(tmp_path: Path) -> None:
    """The wrong twin: a plain overwrite leaves a part of the file behind."""

    def overwrite() -> None:
        descriptor = os.open(tmp_path / "a", os.O_WRONLY | os.O_TRUNC)
        os.write(descriptor, b"new" * 1000)

    (tmp_path / "a").write_text("old")
    assert dies_at(2, overwrite)
    assert (tmp_path / "a").read_text() not in ("old", "new" * 1000)


@FAULTS
def test_a_folder_is_old_or_new_after_a_fault_at_any_step(
    tmp_path: Path, happens_at: Callable[[int, Callable[[], None]], bool]
) -> None:
    path = tmp_path / "checkpoint"
    files.write_folder(path, model(1))
    n_steps = steps(lambda: files.write_folder(path, model(2)))
    seen, n_faults = set(), 0
    for k in range(1, n_steps + 1):
        files.write_folder(path, model(1))
        assert version_in(path) == 1
        n_faults += happens_at(k, lambda: files.write_folder(path, model(2)))
        seen.add(version_in(path))
        assert path.exists() or happens_at is dies_at  # a process that lives puts things right
    assert n_faults >= 10
    assert seen == {1, 2}


@FAULTS
def test_a_first_folder_is_there_whole_or_not_at_all(
    tmp_path: Path, happens_at: Callable[[int, Callable[[], None]], bool]
) -> None:
    n_steps = steps(lambda: files.write_folder(tmp_path / "0", model(1)))
    for k in range(1, n_steps + 1):
        path = tmp_path / str(k)
        if happens_at(k, partial(files.write_folder, path, model(1))) and path.exists():
            assert version_in(path) == 1
        files.write_folder(path, model(2))
        assert version_in(path) == 2


def test_a_writer_that_fails_leaves_the_old_folder_alone(tmp_path: Path) -> None:
    def stumble(folder: Path) -> None:
        model(2)(folder)
        raise ValueError("out of memory")

    files.write_folder(tmp_path / "c", model(1))
    with pytest.raises(ValueError, match="out of memory"):
        files.write_folder(tmp_path / "c", stumble)
    assert version_in(tmp_path / "c") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["c"]


def test_a_folder_that_must_go_is_gone_or_the_run_hears_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c"
    files.remove_folder(path)
    files.write_folder(path, model(1))

    def refuse(folder: Path) -> None:
        raise PermissionError(errno.EACCES, "no", str(folder))

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", refuse)
        with pytest.raises(DiskError, match="permission denied"):
            files.remove_folder(path)
    files.remove_folder(path)
    assert not path.exists()


def test_verify_folder_names_every_kind_of_damage(tmp_path: Path) -> None:
    path = tmp_path / "c"
    assert files.verify_folder(path) == ["there is no such folder"]
    files.write_folder(path, model(1))
    assert files.verify_folder(path) == []
    (path / "parts" / "weights").write_bytes(bytes([9]) * 5000)
    assert files.verify_folder(path) == ["parts/weights has changed since it was written"]
    assert files.verify_folder(path, hashes=False) == []
    (path / "parts" / "weights").write_bytes(b"short")
    (path / "config.json").unlink()
    assert files.verify_folder(path) == [
        "config.json is missing",
        "parts/weights has 5 bytes, not 5000",
    ]
    (path / files.MANIFEST).write_text('{"files"')
    assert files.verify_folder(path) == ["manifest.json is not readable"]
    (path / files.MANIFEST).unlink()
    assert files.verify_folder(path) == ["manifest.json is missing"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "the disk is read-only"),
        (errno.EACCES, "permission denied"),
    ],
)
def test_a_refusal_names_the_path_the_cause_and_the_room_left(
    tmp_path: Path, code: int, words: str
) -> None:
    with pytest.raises(DiskError) as caught, files.disk_refusals(tmp_path / "not" / "yet"):
        raise OSError(code, os.strerror(code))
    assert str(tmp_path / "not" / "yet") in str(caught.value)
    assert words in str(caught.value)
    assert "GB free" in str(caught.value)


def test_other_system_errors_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), files.disk_refusals(tmp_path):
        tmp_path.open()


@FAULTS
def test_a_line_is_appended_whole_or_not_at_all(
    tmp_path: Path, happens_at: Callable[[int, Callable[[], None]], bool]
) -> None:
    path = tmp_path / "metrics.jsonl"
    n_steps = steps(lambda: files.append_json_line(path, {"update": 0}))
    expected: list[dict[str, int]] = [{"update": 0}]
    for k in range(1, n_steps + 1):
        happens_at(k, partial(files.append_json_line, path, {"update": k}))
        if files.read_json_lines(path) != expected:
            expected.append({"update": k})
        assert files.read_json_lines(path) == expected
        files.append_json_line(path, {"update": -k})
        expected.append({"update": -k})
        assert files.read_json_lines(path) == expected


def test_every_torn_last_line_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    line = '{"update": 12, "policy/kl": 1.5}'
    for length in range(len(line)):
        path.write_text('{"update": 11}\n' + line[:length])
        assert files.read_json_lines(path) == [{"update": 11}]
        files.append_json_line(path, {"update": 13})
        assert path.read_text() == '{"update": 11}\n{"update": 13}\n'
    path.write_text('{"update": 11}\n' + line)
    files.append_json_line(path, {"update": 13})
    assert [r["update"] for r in files.read_json_lines(path)] == [11, 12, 13]


def test_a_bad_line_in_the_middle_is_told_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"update": 1}\nrubbish\n{"update": 3}\n')
    with pytest.raises(InputError, match=r"line 2: not a JSON object; found b'rubbish'"):
        files.read_json_lines(path)


def test_no_file_has_no_lines(tmp_path: Path) -> None:
    assert files.read_json_lines(tmp_path / "none") == []


def test_lines_beyond_a_checkpoint_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    for update in range(6):
        files.append_json_line(path, {"update": update})
    assert files.keep_json_lines(path, lambda record: record["update"] < 4) == 2
    assert [r["update"] for r in files.read_json_lines(path)] == [0, 1, 2, 3]
    assert files.keep_json_lines(path, lambda record: True) == 0


def test_a_number_that_json_has_not_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.append_json_line(tmp_path / "m", {"policy/kl": float("nan")})
    assert not (tmp_path / "m").exists()


def test_large_content_survives_short_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:1000]))
    content = random.Random(0).randbytes(10_500)
    files.write_atomically(tmp_path / "a", content)
    assert (tmp_path / "a").read_bytes() == content


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFLOOP_CACHE", "/data/prefloop")
    assert user_cache() == Path("/data/prefloop")
    monkeypatch.delenv("PREFLOOP_CACHE")
    assert user_cache() == Path.home() / ".cache" / "prefloop"
