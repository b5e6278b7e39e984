"""Without the extra `web` a run trains and reports; whatever asks for a page says what to install.

The packages of the extra are hidden in a process of their own, where importing them fails.
"""

import json
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from prefloop.store.store import Store
from tests.architecture.source import ROOT
from tests.e2e.small_run import make_run

MODULES = {
    "argon2-cffi": "argon2",
    "fastapi": "fastapi",
    "httptools": "httptools",
    "nh3": "nh3",
    "uvicorn": "uvicorn",
    "uvloop": "uvloop",
}
"""The packages of the extra -> the names under which they are imported."""

HIDDEN = [*MODULES.values(), "starlette", "_argon2_cffi_bindings"]

SCRIPT = f"""
import contextlib, io, json, sys
for name in {HIDDEN}:
    sys.modules[name] = None
from prefloop.cli.main import main
results = []
for words in json.loads(sys.argv[1]):
    sys.argv, code = ["prefloop", *words], 0
    with contextlib.redirect_stdout(io.StringIO()) as out:
        with contextlib.redirect_stderr(io.StringIO()) as err:
            try:
                main()
            except SystemExit as left:
                code = left.code or 0
    results.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(results))
"""

SMALL: dict[str, Any] = {
    "rounds": 1,
    "comparisons": {"labels": 16, "validation_labels": 4},
    "policy": {"episodes": 32, "batch_size": 16, "checkpoint_every": 0},
    "evaluation": {"prompts": 8, "frontier_prompts": 0},
}


@dataclass(frozen=True)
class Ended:
    """What a command left."""

    code: int
    out: str
    err: str


def carried_out(*commands: list[str]) -> list[Ended]:
    """Run commands one after the other where the packages are not."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(commands)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Ended(*result) for result in json.loads(done.stdout)]


@pytest.fixture(scope="module")
def base(
    gpt2_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Ended]]:
    """A run that was trained, and asked for pages, where the extra is not installed."""
    place = tmp_path_factory.mktemp("base")
    run = str(make_run(place / "run", gpt2_folder, **SMALL))
    asked = str(make_run(place / "asked", gpt2_folder, **SMALL))
    commands = {
        "run": ["run", run],
        "report": ["report", run],
        "doctor": ["doctor", run],
        "show": ["show", run],
        "invite": ["team", "add", run, "ann"],
        "serve": ["serve", run],
        "people": ["run", asked, "comparisons.labelers=people"],
        "judges": ["run", asked, "evaluation.judges=[people]"],
        "env": ["env", "--json"],
    }
    return place, dict(zip(commands, carried_out(*commands.values()), strict=True))


def test_the_hidden_packages_are_those_of_the_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [line.partition(">")[0] for line in project["optional-dependencies"]["web"]]
    assert sorted(named) == sorted(MODULES)
    assert not [line for line in project["dependencies"] if line.partition(">")[0] in MODULES]


def test_a_run_is_trained_reported_and_looked_through(base: tuple[Path, dict[str, Ended]]) -> None:
    place, ended = base
    for name in ("run", "report", "doctor", "show", "invite", "env"):
        assert ended[name].code == 0, f"{name}: {ended[name].err}"
    assert (place / "run" / "report" / "index.html").is_file()
    assert (place / "run" / "policy" / "round-0" / "config.json").is_file()
    with Store.open(place / "run" / "prefloop.db") as store:
        assert store.people.by_name("ann") is not None


@pytest.mark.parametrize("name", ["serve", "people", "judges"])
def test_whoever_asks_for_a_page_is_answered_in_a_sentence(
    base: tuple[Path, dict[str, Ended]], name: str
) -> None:
    place, ended = base
    assert ended[name].code == 2
    assert (
        ended[name]
        .err.strip()
        .endswith(
            "The labeling page and the dashboard need packages that are not installed (argon2, "
            "fastapi, httptools, nh3, uvicorn): pip install 'prefloop[web]', then run the same "
            "again."
        )
    )
    assert not (place / "asked" / "prefloop.db").exists()


def test_a_password_and_a_page_from_python_say_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import prefloop

    given = (["Thank a friend."], [["Thanks!", "Ta."]])
    page = prefloop.LabelingPage(tmp_path / "page", *given, quiet=True)
    with Store.open(page.folder / "prefloop.db") as store:
        person = store.people.add("ann", "owner")
        for name in HIDDEN:
            monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(prefloop.PrefloopError, match=r"pip install 'prefloop\[web\]'"):
            store.people.set_password(person.id, "a long password")
    with (
        pytest.raises(prefloop.PrefloopError, match=r"pip install 'prefloop\[web\]'"),
        page.serving(),
    ):
        pass
