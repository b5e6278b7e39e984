"""An export that nobody touched is known again; anything else is not."""

from pathlib import Path

import pytest

from prefloop.comparisons.exchange.own_files import is_own, record_path, write_record
from prefloop.records import LedgerHead

HEAD = LedgerHead(n_events=3, hash="a" * 64)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "labels.jsonl"
    path.write_text("{}\n")
    write_record(path, format="raw", head=HEAD)
    return path


def test_what_was_written_is_known_also_elsewhere(file: Path, tmp_path: Path) -> None:
    assert is_own(file)
    (tmp_path / "moved").mkdir()
    for path in (record_path(file), file):
        path.rename(tmp_path / "moved" / path.name)
    assert is_own(tmp_path / "moved/labels.jsonl")


@pytest.mark.parametrize("record", [None, "", "[]", "{}", "\xff", '{"sha256": "0"}'])
def test_a_file_without_a_record_of_ours_is_foreign(file: Path, record: str | None) -> None:
    if record is None:
        record_path(file).unlink()
    else:
        record_path(file).write_bytes(record.encode("latin-1"))
    assert not is_own(file)


def test_a_file_that_was_changed_is_foreign(file: Path) -> None:
    file.write_text("{} \n")
    assert not is_own(file)
    file.unlink()
    assert not is_own(file)
