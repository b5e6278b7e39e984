"""`prefloop import`: the format is guessed and said, and so is who judged."""

import json
from pathlib import Path

import pytest

from prefloop.store.store import Store
from tests.e2e.command import Command
from tests.e2e.small_run import make_run, prompt_lines


@pytest.fixture
def run(gpt2_folder: Path, tmp_path: Path) -> Path:
    return make_run(tmp_path / "run", gpt2_folder)


def pairs(path: Path, prompts: list[str]) -> Path:
    rows = [{"prompt": text, "chosen": " Yes.", "rejected": " No."} for text in prompts]
    path.write_text(json.dumps(rows))
    return path


def test_import_says_what_it_read_and_who_judged(
    prefloop: Command, run: Path, tmp_path: Path
) -> None:
    file = pairs(tmp_path / "pairs.json", [f"Is it {i}?" for i in range(40)])
    told = prefloop.done("import", run, file).out
    assert "40 labels new from" in told and "read as trl" in told
    assert "Who judged is not known of 40 imported labels" in told
    with Store.open(run / "prefloop.db") as store:
        mine = [c for c in store.comparisons() if c.split == "validation"]
    assert 0 < len(mine) < 20
    told = prefloop.done("import", run, file, "--source", "model:gpt-4o", "--json").json()
    assert (told["labels"], told["format"]) == (0, "trl")
    assert "not known" not in prefloop.done("import", run, file, "--source", "person").out


def test_labels_on_held_out_prompts(prefloop: Command, run: Path, tmp_path: Path) -> None:
    file = pairs(tmp_path / "pairs.json", [*prompt_lines(20), "Another?"])
    told = prefloop.refused("import", run, file)
    assert "or import with --skip-held-out" in told
    counts = prefloop.done("import", run, file, "--skip-held-out", "--json").json()
    assert counts["labels"] + counts["left_out_held_out"] == 21
    assert counts["left_out_held_out"] > 0


def test_what_import_refuses(prefloop: Command, run: Path, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text('{"question": "a"}\n')
    assert "has the keys 'question'" in prefloop.refused("import", run, file)
    assert "--source" in prefloop.refused("import", run, file, "--source", "ann")
    assert "does not exist" in prefloop.refused("import", run, tmp_path / "none")


def test_a_label_file_does_not_speak_to_the_terminal(prefloop: Command, tmp_path: Path) -> None:
    """An error quotes the file, and the terminal obeys what is printed."""
    run, file = tmp_path / "run", tmp_path / "hostile.jsonl"
    prefloop.done("init", run, "--model", "builtin:tiny")
    schemes = {f"\x1b]0;{n}\x07": {"selection": "A"} for n in range(2)}
    texts = {"prompt": "Say hello.", "responses": ["Hello!", "Go away."]}
    file.write_text(json.dumps({"id": "i", "user_id": "ann", "label_annotations": schemes} | texts))
    told = prefloop.refused("import", run, file)
    assert "compares in \ufffd]0;0\ufffd, \ufffd]0;1\ufffd; keep one of them" in told
    assert not {"\x1b", "\x07"} & set(told)
