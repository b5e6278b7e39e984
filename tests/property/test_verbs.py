"""Whatever lies where a verb looks and whatever is typed, it says so in words and leaves with 2."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.main import get_command

from docs.generate import verbs
from prefloop.cli.main import app
from prefloop.store.store import Store
from tests.e2e.command import Command, Outcome
from tests.unit.store.records_for_tests import prompt

ALL = {
    name.removeprefix("prefloop "): verb
    for name, verb in verbs(get_command(app))
    if any(parameter.name in ("folder", "runs") for parameter in verb.params)
}
"""Every verb that looks at a run or at several, by its name, with its parameters."""

MAKES_A_FOLDER = {"init", "demo", "experiment copying", "experiment methods"}
VALUES = {"file": "FILE", "to": "PLACE", "name": "ann", "purpose": "tests", "prompt": "Call me"}
"""What is given for a required argument besides the run folder."""

RUN: dict[str, Any] = {
    "task": "sentiment",
    "models": {"name": "builtin:tiny"},
    "comparisons": {"people": {"browser": False}},
}


@pytest.fixture
def prefloop(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(monkeypatch, capsys)


def typed(verb: str, folder: Path) -> list[str]:
    """Return a command line of a verb with all that it requires, in its order."""
    if verb == "demo":
        return ["demo", "--fast", "--folder", str(folder)]
    words = verb.split()
    for parameter in ALL[verb].params:
        if getattr(parameter, "param_type_name", "") == "argument" and parameter.required:
            if parameter.name == "runs":
                words.append(str(folder.parent / "OTHER"))
            value = VALUES.get(parameter.name, str(folder))
            words.append(str(folder.parent / value) if value in ("FILE", "PLACE") else value)
    return words


def check(outcome: Outcome, verb: str) -> str:
    """Fail unless a verb refused in words; return them."""
    told = outcome.err or outcome.out
    assert outcome.code == 2, f"{verb} left with {outcome.code}: {told}"
    assert "Traceback" not in told and len(told.strip()) > 20, told
    return told


def make(folder: Path, run: Any = RUN) -> Path:
    folder.mkdir(parents=True)
    data = run if isinstance(run, bytes) else yaml.safe_dump(run).encode()
    (folder / "run.yaml").write_bytes(data)
    (folder.parent / "FILE").write_text('{"prompt": "a", "chosen": "b", "rejected": "c"}\n')
    return folder


DAMAGED: dict[str, bytes] = {
    "empty": b"",
    "no text": b"\xff\xfe\x00\x01",
    "not YAML": b"task: [",
    "no sections": b"- task\n- seed\n",
    "deep": b"[" * 600,
    "an absurd number": b"task: sentiment\nseed: 1e400\n",
    "a number too large": b"task: sentiment\nseed: " + b"9" * 5000 + b"\n",
    "unknown": b"task: sentiment\npolcy: {}\n",
    "a section that is none": b"task: sentiment\nmodels: 3\nprompts: []\n",
    "keys that are no words": b"task: sentiment\n3: 4\nnull: 5\n",
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_run_files(prefloop: Command, tmp_path: Path, damage: str) -> None:
    folder = make(tmp_path / "run", DAMAGED[damage])
    for verb in ALL:
        check(prefloop(*typed(verb, folder)), verb)


def test_folders_that_are_none(prefloop: Command, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("a file")
    (tmp_path / "empty").mkdir()
    places = (tmp_path / "nowhere", tmp_path / "empty", tmp_path / "text", tmp_path / ("x" * 300))
    for verb in sorted(set(ALL) - MAKES_A_FOLDER):
        for place in places:
            check(prefloop(*typed(verb, place)), verb)
    for verb in sorted(MAKES_A_FOLDER):
        for place in places[2:]:
            check(prefloop(*typed(verb, place)), verb)
    assert {path.name for path in tmp_path.iterdir()} == {"text", "empty"}
    assert list((tmp_path / "empty").iterdir()) == []


def _garbage(place: Path) -> None:
    place.write_bytes(b"no database at all" * 100)


def _folder(place: Path) -> None:
    place.mkdir()


def _of_others(place: Path) -> None:
    import sqlite3

    with sqlite3.connect(place) as connection:
        connection.execute("create table theirs (x)")
    connection.close()


@pytest.mark.parametrize("damage", [_garbage, _folder, _of_others])
def test_damaged_stores(prefloop: Command, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    folder = make(tmp_path / "run")
    damage(folder / "prefloop.db")
    # Replacing a store is what `restore` is for; `rewards score` and `samples try` need none.
    without = {"store restore", "rewards score", "samples try", "init", "demo"}
    for verb in sorted(set(ALL) - without):
        outcome = prefloop(*typed(verb, folder))
        check(outcome, verb)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("run.resolved.yaml", b"["),
        ("metrics.jsonl", b'{"stage": 1}\n{"stage": 2}\n'),
        ("evaluation/policy/update-1.json", b"{}"),
        ("rewards/round-0/trust.json", b"[1]"),
        ("usage.jsonl", b"[]\n[]\n"),
        ("costs.jsonl", b'{"seconds": 1}\n{"seconds": 2}\n'),
    ],
)
def test_damaged_results(
    prefloop: Command, tmp_path: Path, sqlite_template: Path, name: str, data: bytes
) -> None:
    folder = make(tmp_path / "run")
    with Store.open(shutil.copy(sqlite_template, folder / "prefloop.db")) as store:
        # Without any prompt the store would be said to be lost, before the results are read.
        store.add_prompts([prompt()])
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    for verb in ("show", "report", "doctor") if name != "run.resolved.yaml" else ("doctor", "run"):
        outcome = prefloop(*typed(verb, folder))
        told = check(outcome, verb)
        assert name.rpartition("/")[2] in told, told


def test_unknown_options(prefloop: Command, tmp_path: Path) -> None:
    folder = make(tmp_path / "run")
    for verb in ALL:
        check(prefloop(*typed(verb, folder), "--no-such-option"), verb)
        check(prefloop(*verb.split()[:1], "--no-such-option"), verb)


@pytest.mark.parametrize(
    ("verb", "option"),
    [
        ("show", "-n=0"),
        ("show", "--number=many"),
        ("serve", "--port=http"),
        ("serve", "--port=99999999"),
        ("serve", "--port=-1"),
        ("serve", "--host=nowhere.invalid"),
        ("serve", "comparisons.people.certificate=nowhere.pem"),
        ("import", "--validation-share=2"),
        ("import", "--validation-share=nan"),
        ("import", "--format=xlsx"),
        ("import", "--source=nobody"),
        ("export", "--format=argilla"),
        ("team add", "--hours=-1"),
        ("team add", "--hours=nan"),
        ("team add", "--hours=1e300"),
        ("team add", "--role=king"),
        ("samples try", "--seed=-1"),
        ("samples try", "-n=0"),
        ("samples try", "--model=../../etc"),
        ("samples try", "-n=65"),
        ("samples try", "--seed=1e9"),
        ("rewards score", "--scorer=lenght"),
        ("rewards score", "--out=/"),
        ("rewards without", "--round=-1"),
        ("audit rewards", "--round=99999999999999999999"),
        ("audit overoptimization", "--people=3"),
        ("team assign", "--batch=99999999999999999999"),
        ("evaluation", "--judge=nobody"),
        ("evaluation", "--models=../.."),
        ("store verify", "--head=nothing"),
        ("compare", "--out=page.pdf"),
        ("compare", "--out=/"),
        ("experiment copying", "--seeds=-1"),
        ("experiment copying", "--seeds="),
        ("experiment copying", "--seeds=²"),
        ("experiment copying", "--jobs=0"),
        ("experiment copying", "--starts=nowhere"),
        ("experiment copying", "--arms=hurried,,nobody"),
        ("experiment copying", "models.name=./nowhere"),
        ("experiment copying", "prompts.source=nowhere.jsonl"),
        ("experiment methods", "--methods=ppo"),
        ("experiment methods", "--methods=ppo,ppo"),
        ("experiment methods", "--jobs=many"),
        ("init", "--task=nonsense"),
        ("init", "--labelers=nobody"),
        ("demo", "policy.lr=-1"),
        ("demo", "models.name=./nowhere"),
    ],
)
def test_absurd_values(
    prefloop: Command, tmp_path: Path, sqlite_template: Path, verb: str, option: str
) -> None:
    folder = tmp_path / "run" if verb in MAKES_A_FOLDER else make(tmp_path / "run")
    if verb not in MAKES_A_FOLDER:
        shutil.copy(sqlite_template, folder / "prefloop.db")
    check(prefloop(*typed(verb, folder), option), verb)
    if verb in MAKES_A_FOLDER:
        assert not folder.exists(), "nothing is made before it is looked at"


@pytest.mark.parametrize("value", ["nan", "-1", "2", "1e400", "0", "inf"])
@pytest.mark.parametrize(
    "option", ["win-rate", "ties", "people", "answers", "agreement", "spread", "looks", "power"]
)
def test_absurd_plans_of_a_judging(prefloop: Command, option: str, value: str) -> None:
    usual = [] if option == "win-rate" else ["--win-rate", "0.6"]
    outcome = prefloop("evaluation", "power", *usual, f"--{option}={value}")
    fine = {("ties", "0"), ("agreement", "0"), ("spread", "0"), ("spread", "2")}
    fine |= {("people", "2"), ("looks", "2")}
    if (option, value) in fine:
        assert outcome.code == 0 and "nan" not in outcome.out
    else:
        check(outcome, "evaluation power")


def test_a_current_folder_that_was_deleted(
    prefloop: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here").rmdir()
    for verb in ALL:
        assert "current folder was deleted" in check(prefloop(*typed(verb, Path("run"))), verb)


@pytest.mark.parametrize("name", ["~nobody-here/model", "x" * 300, "a b", "./nowhere"])
def test_names_that_no_model_has(prefloop: Command, tmp_path: Path, name: str) -> None:
    folder = make(tmp_path / "run")
    for verb in ("run", "prompts", "evaluation"):
        assert "model " in check(prefloop(verb, folder, f"models.name={name}"), verb)


@pytest.mark.parametrize("verb", ["run", "samples", "policy", "serve"])
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(key=st.text(min_size=1, max_size=8), value=st.text(max_size=8))
@example(key="policy.lr", value="-1")
@example(key="policy.lr", value="[" * 600)
@example(key="seed", value="9" * 5000)
@example(key="prompts.source", value="\0")
@example(key="models.name", value="\ud800")
@example(key="store", value="postgresql://host:port/name")
@example(key="models.threads", value="1000000")
@example(key="task", value="{}")
def test_absurd_overrides(
    prefloop: Command, tmp_path: Path, verb: str, key: str, value: str
) -> None:
    folder = tmp_path / "run"
    if not folder.exists():
        make(folder)
    if key.startswith("-"):
        key = f"x{key}"
    # Nothing beyond the settings is reached: a run that began would be refused at its prompts.
    check(prefloop(verb, folder, "prompts.source=nowhere.txt", f"{key}={value}"), verb)
