"""`prefloop env` says what a bug report needs, and nothing of who sends it; shells complete."""

import getpass
import re
import socket
import sys
from pathlib import Path

import pytest

from prefloop import __version__
from prefloop.cli.main import main
from prefloop.figures.environment import EnvironmentFigures
from tests.e2e.command import Command


@pytest.fixture
def prefloop(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(monkeypatch, capsys)


def test_it_names_versions_system_memory_threads_and_extras(prefloop: Command) -> None:
    import torch
    import transformers

    found = EnvironmentFigures.model_validate_json(prefloop.done("env", "--json").out)
    assert found.prefloop == __version__
    assert found.python.endswith("{}.{}.{}".format(*sys.version_info[:3]))
    assert found.packages["transformers"] == transformers.__version__
    assert found.torch is not None and found.torch.version == torch.__version__
    assert found.torch.devices[-1] == "cpu"
    assert found.torch.threads == torch.get_num_threads()
    assert found.cores >= 1 and found.memory_bytes is not None and found.memory_bytes > 2**28
    assert {"postgres", "parquet", "dev"} <= found.extras.keys()
    told = prefloop.done("env").out
    assert f"prefloop {__version__}, " in told and "extra postgres: " in told
    assert f"transformers {transformers.__version__}\n" in told


def test_an_extra_that_lacks_a_package_is_not_installed(
    prefloop: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefloop.figures import environment

    there = environment.installed
    monkeypatch.setattr(
        environment, "installed", lambda name: None if name == "pyarrow" else there(name)
    )
    found = EnvironmentFigures.model_validate_json(prefloop.done("env", "--json").out)
    assert not found.extras["parquet"] and found.extras["postgres"]
    assert "extra parquet: no" in prefloop.done("env").out


def test_nothing_says_who_or_where_somebody_is(
    prefloop: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFLOOP_TEST_KEY", "sk-very-secret")
    monkeypatch.setenv("USER", "somebody-by-name")
    for told in (prefloop.done("env").out, prefloop.done("env", "--json").out):
        assert "sk-very-secret" not in told and "PREFLOOP_TEST_KEY" not in told
        for private in (socket.gethostname(), getpass.getuser(), str(Path.home()), sys.prefix):
            assert private not in told
        # The only slash is the distribution's.
        assert re.findall(r"\S*/\S*", told.replace("GNU/Linux", "")) == []


def test_a_torch_that_is_broken_is_said_with_the_rest(
    prefloop: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prefloop.models.torch_environment", None)
    told = prefloop.done("env").out
    assert "torch cannot be imported (ModuleNotFoundError)" in told and "transformers " in told


# completion


def completed(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """Return what bash is offered behind these words, the last of which is begun."""
    monkeypatch.setattr(sys, "argv", ["prefloop"])
    monkeypatch.setenv("_PREFLOOP_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"prefloop {words}")
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" "))))
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code
    return capsys.readouterr().out.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("comp", ["comparisons", "compare"]),
        ("audit ", ["labels", "rewards", "overoptimization"]),
        ("prompts f", ["fetch"]),
        ("compare --o", ["--out"]),
        ("nothing", []),
    ],
)
def test_a_shell_completes_verbs_and_options(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    offered: list[str],
) -> None:
    assert completed(words, monkeypatch, capsys) == offered


def test_the_script_for_a_shell_is_shown(
    prefloop: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shellingham.detect_shell", lambda *_, **__: ("bash", "/bin/bash"))
    told = prefloop("--show-completion")
    assert told.code == 0 and "complete" in told.out and "_PREFLOOP_COMPLETE" in told.out
