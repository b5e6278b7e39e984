"""Rows of JSON lines, arrays, objects and tables, and what is said of those that cannot be read."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from prefloop.errors import InputError
from prefloop.row_files.read import read_rows

ROWS = [{"prompt": "Q", "chosen": "a, b", "rejected": "c"}, {"prompt": "ü", "chosen": "", "x": 1}]


def found(path: Path) -> tuple[list[tuple[str, Any]], list[str]]:
    problems: list[str] = []
    return list(read_rows(path, problems)), problems


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("\n".join(map(json.dumps, ROWS)), "line"),
        ("\ufeff" + json.dumps(ROWS[0]) + "\n" + json.dumps(ROWS[1]) + "\n", "line"),
        (json.dumps(ROWS), "item"),
        (json.dumps(ROWS, indent=1), "item"),
        (json.dumps({"data": ROWS}), "item"),
        (json.dumps({"version": 1, "rows": ROWS}, indent=1), "item"),
    ],
    ids=["lines", "mark", "array", "array over lines", "object", "object over lines"],
)
def test_json_in_its_shapes(tmp_path: Path, text: str, place: str) -> None:
    rows, problems = found(written(tmp_path / "x.json", text))
    assert rows == [(f"{place} 1", ROWS[0]), (f"{place} 2", ROWS[1])]
    assert problems == []


def test_one_object_over_lines_is_one_row(tmp_path: Path) -> None:
    rows, _ = found(written(tmp_path / "x.json", json.dumps(ROWS[0], indent=2)))
    assert rows == [("item 1", ROWS[0])]


def test_a_line_that_is_no_json_is_a_problem_of_that_line(tmp_path: Path) -> None:
    rows, problems = found(written(tmp_path / "x.jsonl", '{"a": 1}\n\n{oops\n[2]\n'))
    assert rows == [("line 1", {"a": 1}), ("line 4", [2])]
    assert problems[0].startswith("line 3: is not JSON")


def test_packed_files(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(ROWS[0]).encode()))
    assert found(path)[0] == [("line 1", ROWS[0])]
    path.write_bytes(gzip.compress(b"[1, 2]")[:-4])
    with pytest.raises(InputError, match="is no complete gzip file"):
        found(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{\xff", "is not UTF-8: line 1 has the byte 0xff"),
        (b"[{}", "begins like a JSON array and is none"),
        (b"[" * 100_000, "begins like a JSON array and is none"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(InputError, match=words):
        found(path)


def test_deep_nesting_in_a_line_is_a_problem_of_that_line(tmp_path: Path) -> None:
    _, problems = found(written(tmp_path / "x", '{"a": 1}\n' + '{"a":' * 100_000))
    assert problems[0].startswith("line 2: is not JSON")


def test_a_folder_without_a_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder without a table"):
        found(tmp_path)
