"""Tables of Apache Arrow: with pyarrow they are read, without it the extra is named.

pyarrow is optional, so both halves hold: whichever this Python has is what these tests see.
"""

import json
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from prefloop.errors import InputError
from prefloop.row_files.read import read_rows

ROWS: list[dict[str, Any]] = [
    {"prompt": "Q", "chosen": [{"role": "user", "content": "a"}], "margin": 0.5},
    {"prompt": "R", "chosen": [{"role": "user", "content": "b"}], "margin": None},
]
NUMBERED = [("row 1", ROWS[0]), ("row 2", ROWS[1])]
HAS_PYARROW = find_spec("pyarrow") is not None


def rows(path: Path) -> list[tuple[str, Any]]:
    return list(read_rows(path, []))


def save_parquet(path: Path, content: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not HAS_PYARROW:
        path.write_bytes(b"PAR1")
        return path
    table = import_module("pyarrow").Table.from_pylist(content)
    import_module("pyarrow.parquet").write_table(table, path)
    return path


def save_arrow(path: Path, content: list[dict[str, Any]], *, indexed: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not HAS_PYARROW:
        path.write_bytes(b"ARROW1")
        return path
    table = import_module("pyarrow").Table.from_pylist(content)
    ipc = import_module("pyarrow.ipc")
    with (ipc.new_file if indexed else ipc.new_stream)(str(path), table.schema) as writer:
        writer.write_table(table)
    return path


def save_dataset(folder: Path, content: list[dict[str, Any]]) -> Path:
    """What Dataset.save_to_disk writes, in two parts."""
    names = [f"data-{i:05d}-of-00002.arrow" for i in range(2)]
    for name, part in zip(names, (content[:1], content[1:]), strict=True):
        save_arrow(folder / name, part)
    state = {"_data_files": [{"filename": name} for name in names], "_split": "train"}
    (folder / "state.json").write_text(json.dumps(state))
    return folder


def check(path: Path, expected: list[tuple[str, Any]]) -> None:
    if HAS_PYARROW:
        assert rows(path) == expected
        return
    with pytest.raises(InputError, match=r"pip install 'prefloop\[data\]'"):
        rows(path)


def refused(path: Path, words: str) -> None:
    with pytest.raises(InputError, match=words if HAS_PYARROW else "is not installed"):
        rows(path)


def test_parquet_and_arrow_files(tmp_path: Path) -> None:
    check(save_parquet(tmp_path / "x.parquet", ROWS), NUMBERED)
    check(save_arrow(tmp_path / "x.arrow", ROWS), NUMBERED)
    check(save_arrow(tmp_path / "y.arrow", ROWS, indexed=True), NUMBERED)


def test_what_datasets_saved(tmp_path: Path) -> None:
    check(save_dataset(tmp_path / "one", ROWS), NUMBERED)
    save_dataset(tmp_path / "splits" / "train", ROWS)
    (tmp_path / "splits" / "dataset_dict.json").write_text('{"splits": ["train"]}')
    check(tmp_path / "splits", NUMBERED)
    save_dataset(tmp_path / "splits" / "test", ROWS)
    with pytest.raises(InputError, match=r"holds the splits test, train\. Name one of them"):
        rows(tmp_path / "splits")
    check(tmp_path / "splits" / "train", NUMBERED)


def test_a_dataset_as_the_hub_keeps_it(tmp_path: Path) -> None:
    for i in range(2):
        save_parquet(tmp_path / "data" / f"train-{i:05d}-of-00002.parquet", ROWS[i : i + 1])
    check(tmp_path, NUMBERED)
    save_parquet(tmp_path / "data" / "test-00000-of-00001.parquet", ROWS)
    with pytest.raises(InputError, match="holds the splits test, train"):
        rows(tmp_path)


def test_damaged_tables_are_told(tmp_path: Path) -> None:
    for name in ("x.parquet", "x.arrow"):
        (tmp_path / name).write_bytes(b"ARROW1 or not")
        refused(tmp_path / name, f"{name} is no complete table")
    refused(tmp_path / "none.parquet", "cannot be read: No such file")
    folder = save_dataset(tmp_path / "d", ROWS)
    (folder / "state.json").write_text("{}")
    with pytest.raises(InputError, match=r"state\.json is damaged"):
        rows(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is a folder without a table"):
        rows(tmp_path / "empty")


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("prefloop.row_files.arrow_rows.import_module", missing)
    with pytest.raises(InputError, match=r"pip install 'prefloop\[data\]'"):
        rows(tmp_path / "x.parquet")


@pytest.mark.skipif(not HAS_PYARROW, reason="needs pyarrow, which is optional")
def test_cells_that_python_cannot_hold_are_empty_and_the_others_are_read(tmp_path: Path) -> None:
    arrow = import_module("pyarrow")
    times = arrow.array([1_700_000_000_000_000_001, 1], arrow.timestamp("ns"))
    far = arrow.array([2**52, 1], arrow.timestamp("ms"))
    table = arrow.table({"prompt": ["Q", "R"], "at": times, "until": far})
    import_module("pyarrow.parquet").write_table(table, tmp_path / "x.parquet")
    found = [row for _, row in rows(tmp_path / "x.parquet")]
    assert [row["prompt"] for row in found] == ["Q", "R"]
    assert found[0]["until"] is None and found[1]["until"] is not None


@pytest.mark.skipif(not HAS_PYARROW, reason="needs pyarrow, which is optional")
def test_a_column_that_is_there_twice_is_told(tmp_path: Path) -> None:
    arrow = import_module("pyarrow")
    batch = arrow.record_batch([arrow.array(["Q"]), arrow.array(["R"])], names=["prompt"] * 2)
    with arrow.ipc.new_stream(str(tmp_path / "x.arrow"), batch.schema) as writer:
        writer.write_batch(batch)
    with pytest.raises(InputError, match=r"has the column 'prompt' twice"):
        rows(tmp_path / "x.arrow")


@pytest.mark.skipif(not HAS_PYARROW, reason="needs pyarrow, which is optional")
def test_bytes_that_are_no_text_are_named_with_their_column(tmp_path: Path) -> None:
    pyarrow = import_module("pyarrow")
    words = pyarrow.array([b"a", b"\xff"], pyarrow.binary()).view(pyarrow.string())
    path = tmp_path / "words.parquet"
    import_module("pyarrow.parquet").write_table(pyarrow.table({"prompt": words}), path)
    with pytest.raises(InputError, match=r"the column 'prompt' of .* holds bytes that are no text"):
        rows(path)
