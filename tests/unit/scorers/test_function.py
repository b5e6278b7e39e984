"""A function in a file of the user's becomes a scorer."""

import os
from pathlib import Path
from typing import Any

import pytest

from prefloop.errors import InputError, SettingsError
from prefloop.run_file import parse_run
from prefloop.scorers.build import CheckedScorer, build_scorer

SOURCE = """
def score(prompts, responses):
    return [len(r) - len(p) for p, r in zip(prompts, responses)]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(SOURCE)
    return path


def scorer(file: Path, **settings: Any) -> CheckedScorer:
    return build_scorer("mine", {"mine": {"kind": "function", "file": str(file), **settings}})


def test_a_function_scores(file: Path) -> None:
    assert scorer(file).score(["ab", "a"], ["abc", "a"]).tolist() == [1.0, 0.0]


def test_a_function_of_another_name(file: Path) -> None:
    file.write_text(
        SOURCE + "\ndef shout(prompts, responses):\n    return [1.0] * len(responses)\n"
    )
    assert scorer(file, function="shout").score(["", ""], ["a", "b"]).tolist() == [1.0, 1.0]
    with pytest.raises(InputError, match=r"has no function 'shuot'; did you mean 'shout'"):
        scorer(file, function="shuot")


def test_a_changed_file_is_another_fingerprint_and_runs_as_changed(file: Path) -> None:
    """Also where size and second of the file stay the same, which fools cached bytecode."""
    before = scorer(file)
    stamp = file.stat()
    file.write_text(SOURCE.replace("len(r) - len(p)", "len(r) * len(p)"))
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    after = scorer(file)
    assert before.fingerprint != after.fingerprint
    assert (before.score(["ab"], ["abc"])[0], after.score(["ab"], ["abc"])[0]) == (1.0, 6.0)
    assert scorer(file).fingerprint == after.fingerprint
    assert not list(file.parent.rglob("*.pyc"))


def test_reading_a_run_file_does_not_run_the_function(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("raise RuntimeError('run too early')\n")
    raw = {
        "scorers": {"mine": {"kind": "function", "file": str(file)}},
        "policy": {"reward": "mine"},
    }
    run = parse_run(raw, "run.yaml")
    with pytest.raises(InputError, match=r"scorer 'mine' .*RuntimeError: run too early in mine.py"):
        build_scorer("mine", run.scorers)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.py of the function score does not exist"):
        scorer(tmp_path / "gone.py")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return 1 / 0", r"scorer 'mine' .*ZeroDivisionError: division by zero in mine.py, line 2"),
        ("return [1.0]", r"'mine' returned numbers of shape \(1,\) for 2 responses"),
        ("return [float('nan')] * 2", "'mine' returned nan for"),
        ("return None", r"'mine' returned numbers of shape \(\)|'mine' .*raised TypeError"),
        ("return ['good', 'bad']", "'mine' .*raised ValueError: could not convert string"),
    ],
)
def test_what_a_function_does_wrong_is_told(file: Path, body: str, told: str) -> None:
    file.write_text(f"def score(prompts, responses):\n    {body}\n")
    with pytest.raises(InputError, match=told):
        scorer(file).score(["a", "b"], ["c", "d"])


def test_two_scorers_of_one_function_are_not_independent(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    raw = {
        "scorers": {
            "labels": {"kind": "function", "file": "mine.py"},
            "judge": {"kind": "function", "file": str(file)},
        },
        "comparisons": {"synthetic": {"scorers": {"labels": 1.0}}},
        "evaluation": {"judges": ["judge"]},
    }
    with pytest.raises(SettingsError, match=r"'judge' is no independent judge.*\(mine.py\)"):
        parse_run(raw, "run.yaml")
