"""What the doctor advises can be done: its verbs and settings exist."""

import ast
import re
from collections.abc import Iterator

from typer.main import get_command

from docs import generate
from prefloop.cli.main import app
from prefloop.registry import METHODS
from prefloop.settings.run import RunConfig
from tests.architecture.source import PACKAGE, files, tree

VERB = re.compile(r"`prefloop ([a-z]+(?: [a-z]+)?)")
SECTIONS = tuple(name for name in RunConfig.model_fields)
SETTING = re.compile(rf"\b((?:{'|'.join(SECTIONS)})\.[a-z_]+(?:\.[a-z_]+)*)")


def _texts() -> Iterator[str]:
    """Yield every text of the doctor, its docstrings included."""
    for path in files(PACKAGE / "doctor"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def _settings() -> set[str]:
    """Return the dotted names of all settings, those of methods under `policy.options`."""
    names = {
        f"{place}.{name}" if place else name
        for place, section in generate.sections(RunConfig)
        for name in section.model_fields
    }
    for method in METHODS.names():
        section = getattr(METHODS.load(method), "Settings", None)
        names |= {f"policy.options.{name}" for name in section.model_fields} if section else set()
    return names


def test_the_verbs_exist() -> None:
    verbs = {name.removeprefix("prefloop ") for name, _ in generate.verbs(get_command(app))}
    verbs |= {name.removesuffix(" run") for name in verbs}  # `run` may be left out
    named = {match for text in _texts() for match in VERB.findall(text)}
    assert {"run", "import", "store migrate"} <= named
    assert {n for n in named if n not in verbs and n.split()[0] not in verbs} == set()


def test_the_settings_exist() -> None:
    named = {match for text in _texts() for match in SETTING.findall(text)}
    assert {"policy.lr", "policy.options.vf_coef", "task.stop"} <= named
    assert named - _settings() == set()
