"""What docs/how-to/use-from-python.md prints runs as printed.

PPO runs on a smaller model under the name `builtin:tiny`: the tutorial and the notebook train the
one of the package.
"""

import json
import runpy
import threading
from pathlib import Path

import pytest

from prefloop.models import sources
from prefloop.run_folder import read_run_folder
from tests.e2e.labelers import Labeler, eventually
from tests.models_for_tests import save_gpt2
from tests.unit.test_how_to_scorers import blocks

PAGE = "use-from-python.md"
MOST_LINES = 10
"""What a first use may take; empty lines are not counted."""


def lines(code: str) -> list[str]:
    """Return the lines of a snippet in which something stands."""
    return [line for line in code.splitlines() if line.strip()]


def carried_out(folder: Path, *snippets: str) -> Path:
    """Run snippets one after the other, as one program in an empty folder."""
    script = folder / "script.py"
    script.write_text("\n".join(snippets), encoding="utf-8")
    runpy.run_path(str(script), run_name="__main__")
    return folder


def test_first_uses_are_ten_lines_at_most() -> None:
    firsts = [code for code in blocks(PAGE, "python") if "import prefloop" in code]
    assert firsts and all(len(lines(code)) <= MOST_LINES for code in firsts)


def test_ppo_with_a_reward_function_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    save_gpt2(tmp_path / "models" / "tiny")
    monkeypatch.setattr(sources, "BUILTIN", tmp_path / "models")
    ppo, _, _, watched, compared, tracked = blocks(PAGE, "python")
    carried_out(tmp_path, ppo, watched, compared, tracked)
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed[:2]] == ["1", "2"]
    assert list((tmp_path / "watched-run" / "tensorboard").glob("events.*"))
    assert "held-out judge (a preference for length)" in printed[-1]
    run = read_run_folder(tmp_path / "my-run")
    assert run.methods == ("ppo",) and run.episodes() == 64
    assert (tmp_path / "my-policy" / "config.json").is_file()
    assert (tmp_path / "my-run" / "report" / "index.html").is_file()


def test_a_reward_model_from_a_preference_file_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [
        {
            "prompt": f"Day {day}: the morning was",
            "chosen": " bright and warm.",
            "rejected": " grey and cold.",
        }
        for day in range(60)
    ]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    carried_out(tmp_path, blocks(PAGE, "python")[1])
    good, bad = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert good > bad
    assert (tmp_path / "my-reward-model" / "config.json").is_file()


def test_a_labeling_page_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody answers through the served page, while the snippet waits."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "my-labels"
    labelers = []

    def answer() -> None:
        lock = folder / "serve.lock"
        eventually("the page is served", lambda: lock.is_file() and lock.read_text())
        labelers.append(Labeler(folder, "ann"))
        labelers[0].start()

    person = threading.Thread(target=answer)
    person.start()
    carried_out(tmp_path, blocks(PAGE, "python")[2])
    person.join()
    labelers[0].stop()
    printed = capsys.readouterr().out
    assert printed.count("GivenAnswer(") == 2
    assert (
        "responses=('Thanks!', 'Thank you so much.', 'Ta.', 'I owe you one.'), chosen=0" in printed
    )
    assert "labeler='ann'" in printed
