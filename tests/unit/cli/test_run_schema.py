"""The schema for editors takes what a run file may say, and marks what is refused."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from prefloop.cli.new_run_file import new_run_file
from prefloop.cli.run_schema import SCHEMA_FILE, run_schema
from prefloop.run_file import RunFileLoader, as_yaml, parse_run
from prefloop.settings.task_presets import preset_names
from tests.architecture.source import ROOT
from tests.e2e.command import Command

SCHEMA = json.loads(run_schema())
VALIDATOR = jsonschema_rs.Draft202012Validator(SCHEMA)
RUN_FILES = sorted([*(ROOT / "runs").glob("*.yaml"), *(ROOT / "prefloop/cli/runs").glob("*.yaml")])


@pytest.fixture
def prefloop(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(monkeypatch, capsys)


def problems(text: str) -> list[str]:
    """Return what an editor would mark."""
    content = yaml.load(text, Loader=RunFileLoader)
    return [f"{list(error.instance_path)}: {error}" for error in VALIDATOR.iter_errors(content)]


@pytest.mark.parametrize("path", RUN_FILES, ids=lambda path: path.name)
def test_every_run_file_that_comes_with_prefloop_is_taken(path: Path) -> None:
    assert problems(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("task", preset_names())
def test_what_init_writes_and_what_a_run_resolves_to_are_taken(task: str) -> None:
    config = parse_run({"task": task, "comparisons": {"labelers": "people"}}, "run.yaml")
    assert problems(new_run_file(config)) == []
    assert problems(as_yaml(config)) == []


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "task: sentiment",
        "task: {name: sentiment, response_tokens: 32}",
        "policy: {method: of_a_package, options: {anything: 1}, lr: 1e-5}",
        "scorers: {mine: {kind: function, module: m}}",
        "policy: {kl: {cap: null}}",
        "methods: [ppo, of_a_package]",
        "methods: {ppo: null, rloo: {policy.lr: 1e-3, policy: {kl: {coef: 0.1}}}}",
    ],
)
def test_what_a_run_file_may_say_is_taken(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("polcy: {}", "polcy"),
        ("policy: {learning_rate: 1e-5}", "learning_rate"),
        ("policy: {episodes: many}", "episodes"),
        ("policy: {episodes: 0}", "episodes"),
        ("prompts: {held_out_share: 1.5}", "held_out_share"),
        ("models: {adapter: full}", "adapter"),
        ("task: {response_tokens: -1}", "task"),
        ("task: poetry", "task"),
        ("rounds: null", "rounds"),
        ("methods: ppo", "methods"),
        ("methods: {ppo: [policy.lr]}", "methods"),
    ],
)
def test_what_would_be_refused_is_marked(text: str, marked: str) -> None:
    [problem] = problems(text)
    assert marked in problem


def test_settings_are_described_and_none_has_a_default_that_a_recipe_may_change() -> None:
    sections: dict[str, Any] = {"run": SCHEMA, **SCHEMA["$defs"]}
    settings = {
        f"{name}.{key}": setting
        for name, section in sections.items()
        for key, setting in section["properties"].items()
    }
    assert len(settings) > 100
    described = {key for key, s in settings.items() if s.get("description") or "$ref" in s}
    assert settings.keys() - described == set()
    assert [key for key, setting in settings.items() if {"default", "title"} & setting.keys()] == []


def test_a_new_run_names_the_schema_only_where_it_lies(prefloop: Command, tmp_path: Path) -> None:
    plain, helped = tmp_path / "plain", tmp_path / "helped"
    prefloop.done("init", plain, "--model", "builtin:tiny")
    assert "$schema" not in (plain / "run.yaml").read_text(encoding="utf-8")
    assert [path.name for path in plain.iterdir()] == ["run.yaml"]
    prefloop.done("init", helped, "--model", "builtin:tiny", "--schema")
    first, *rest = (helped / "run.yaml").read_text(encoding="utf-8").splitlines()
    assert first == f"# yaml-language-server: $schema={SCHEMA_FILE}"
    assert rest == (plain / "run.yaml").read_text(encoding="utf-8").splitlines()
    assert (helped / SCHEMA_FILE).read_text(encoding="utf-8") == run_schema()
