"""A function in a file of the user's becomes a scorer."""

import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prefloop.errors import InputError, SettingsError
from prefloop.run_file import parse_run
from prefloop.scorers.build import CheckedScorer, build_scorer
from prefloop.scorers.function import handed_over
from prefloop.scorers.items import ScoringFunction

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
        (
            "return 1 / 0",
            r"scorer 'mine' .*ZeroDivisionError: division by zero in mine.py, line 2 for response "
            r"1 of 2 \(index 0\), 'cd'\. Nothing that was stored is lost\. Correct the code",
        ),
        (
            "return [1 / (len(r) - 3) for r in responses]",
            r"ZeroDivisionError: .* line 2 for response 2 of 2 \(index 1\), 'xyz'",
        ),
        (
            "return [1.0] if len(responses) == 1 else undefined",
            r"scorer 'mine' .*raised NameError: .* in mine.py, line 2\. Nothing",
        ),
        ("return [1.0]", r"'mine' returned 1 number for 2 responses\. Let it return one number"),
        ("return 1.0", r"'mine' returned 1\.0 for 2 responses"),
        ("return {0: 1.0, 1: 2.0}", r"'mine' returned {0: 1\.0, 1: 2\.0} for 2 responses"),
        ("return {1.0, 2.0}", r"'mine' returned {1\.0, 2\.0} for 2 responses"),
        (
            "import numpy; return numpy.array(1.0)",
            r"'mine' returned array\(1\.\) for 2 responses",
        ),
        (
            "import numpy; return numpy.ones((2, 2))",
            r"'mine' returned array\(\[1\., 1\.\]\) for response 1 of 2 .*, which is no number",
        ),
        (
            "return [1.0, 2e12]",
            r"'mine' returned 2e\+12 for response 2 of 2 .* between -1e\+12 and 1e\+12",
        ),
        ("return [10**400, 1.0]", r"'mine' returned inf for response 1 of 2"),
        (
            "return [1.0, float('nan')]",
            r"'mine' returned nan for response 2 of 2 \(index 1\), 'xyz'\. Scores must be finite",
        ),
        ("return None", "'mine' returned None for 2 responses"),
        (
            "return [1.0, '2.0']",
            r"'mine' returned '2\.0' for response 2 of 2 \(index 1\), 'xyz', which is no number\. "
            "Let it return a number",
        ),
        ("return 'ab'", "'mine' returned 'ab' for 2 responses"),
        ("return [None, 1.0]", r"'mine' returned None for response 1 of 2 .*, 'cd', which is no"),
    ],
)
def test_what_a_function_does_wrong_is_told(file: Path, body: str, told: str) -> None:
    file.write_text(f"def score(prompts, responses):\n    {body}\n")
    with pytest.raises(InputError, match=told):
        scorer(file).score(["a", "b"], ["cd", "xyz"])


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("def score(completions, **kwargs):", r"score\(completions, \*\*kwargs\) cannot be called"),
        ("def score(prompts, responses, model):", "missing a required argument: 'model'"),
        ("async def score(prompts, responses):", "`async def`"),
    ],
)
def test_a_function_of_other_arguments_is_told_before_it_is_called(
    file: Path, head: str, told: str
) -> None:
    file.write_text(f"{head}\n    raise AssertionError('called')\n")
    with pytest.raises(InputError, match=told):
        scorer(file)


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


def given(name: str) -> CheckedScorer:
    return build_scorer("mine", {"mine": {"kind": "function", "file": None, "function": name}})


def test_a_function_that_is_handed_over_scores_while_it_is_there() -> None:
    with handed_over({"size": lambda prompts, responses: np.array([len(r) for r in responses])}):
        assert given("size").score(["", ""], ["a", "abc"]).tolist() == [1.0, 3.0]
        with handed_over({"zero": lambda prompts, responses: [0.0] * len(responses)}):
            assert given("size").fingerprint != given("zero").fingerprint
    with pytest.raises(InputError, match=r"size was handed over in Python.*reward=size.*FILE\.py"):
        given("size")


def counts(letter: str) -> ScoringFunction:
    return lambda prompts, responses: [text.count(letter) for text in responses]


def scaled(prompts: list[str], responses: list[str], by: float = 1.0) -> list[float]:
    return [by * len(text) for text in responses]


def flat(prompts: list[str], responses: list[str]) -> list[float]:
    return [0.0] * len(responses)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (counts("a"), counts("b")),
        (partial(scaled, by=1.0), partial(scaled, by=-1.0)),
        (partial(counts("a")), partial(counts("b"))),
        (partial(scaled), partial(flat)),
    ],
    ids=["closures", "bound arguments", "bound closures", "bound functions"],
)
def test_functions_that_look_alike_are_told_apart(
    one: ScoringFunction, other: ScoringFunction
) -> None:
    found = []
    for function in (one, one, other):
        with handed_over({"mine": function}):
            found.append(given("mine").fingerprint)
    assert found[0] == found[1] != found[2]


def test_a_function_that_encloses_itself_has_a_fingerprint() -> None:
    def depth(prompts: list[str], responses: list[str]) -> list[float]:
        return [*depth(prompts, responses[1:]), 1.0] if responses else []

    with handed_over({"mine": depth}):
        assert given("mine").fingerprint == given("mine").fingerprint
        assert given("mine").score(["", ""], ["a", "b"]).tolist() == [1.0, 1.0]


def test_too_few_numbers_are_told_whatever_stands_among_them() -> None:
    with (
        handed_over({"mine": lambda prompts, responses: [1.0, 2.0, None]}),
        pytest.raises(InputError, match="returned 3 numbers for 2 responses"),
    ):
        given("mine").score(["", ""], ["a", "b"])


def test_one_that_is_handed_over_under_two_names_is_no_independent_judge() -> None:
    entry = {"kind": "function", "file": None, "function": "size"}
    raw = {
        "scorers": {"reward": entry, "judge": entry},
        "policy": {"reward": "reward"},
        "evaluation": {"judges": ["judge"]},
    }
    with pytest.raises(SettingsError, match=r"'judge' is no independent judge.*function size"):
        parse_run(raw, "run.yaml")
