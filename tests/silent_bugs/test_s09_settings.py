"""S9 and S20: a setting that was asked for is used, and one that does not exist is refused.

Reported as MakazhanAlpamys/Soup PR #741 (a renamed KL coefficient was ignored and the run used
another value) and unsloth PR #8330 (typos accepted in silence).
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from prefloop.errors import SettingsError
from prefloop.run_file import RunFileLoader, parse_run
from prefloop.settings.policy import KLConfig
from prefloop.settings.run import RunConfig
from tests.stages_for_tests import trainer_on

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
ROW = re.compile(r"^\| `([\w.]+)` \| [^|]* \| (.*?) \|", re.MULTILINE)


def leaves(settings: BaseModel, where: str = "") -> dict[str, Any]:
    """Return every setting with its value, by its dotted name."""
    found: dict[str, Any] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        found |= (
            leaves(value, f"{where}{name}.")
            if isinstance(value, BaseModel)
            else {f"{where}{name}": value}
        )
    return found


def nested(dotted: str, value: Any) -> dict[str, Any]:
    """Return the mapping that a run file with this one setting holds."""
    *path, last = dotted.split(".")
    raw: dict[str, Any] = {last: value}
    for step in reversed(path):
        raw = {step: raw}
    if "task" in raw:
        raw["task"]["name"] = "sentiment"
        if "chat" in raw["task"]:  # A section that does not say so is on.
            raw["task"]["chat"]["on"] = False
    return raw


DEFAULTS = leaves(parse_run({"recipe": "none"}, "run.yaml"))
OF_TASKS = ("comparisons.synthetic.scorers", "evaluation.judges")
LONG = [name for name in DEFAULTS if len(name.split(".")[-1]) > 5]


@pytest.mark.parametrize("name", LONG)
def test_every_setting_misspelt_is_refused_with_a_guess(name: str) -> None:
    *path, last = name.split(".")
    typo = ".".join([*path, last[:-2] + last[-1] + last[-2] + "x"])
    with pytest.raises(SettingsError, match=r"no such setting\. Did you mean ") as caught:
        parse_run(nested(typo, DEFAULTS[name]), "run.yaml")
    assert typo.split(".")[-1] in str(caught.value)
    written = nested(name, DEFAULTS[name]) | {"recipe": "none"}
    assert parse_run(written, "run.yaml") == parse_run({"recipe": "none"}, "run.yaml")


@pytest.mark.parametrize("typo", ["kl_coef", "init_kl_coef", "beta"])
def test_the_kl_coefficients_other_names_are_refused(typo: str) -> None:
    for raw in ({"policy": {typo: 0.3}}, {"policy": {"kl": {typo: 0.3}}}):
        with pytest.raises(SettingsError, match="no such setting"):
            parse_run(raw, "run.yaml")


def test_a_kl_coefficient_that_was_asked_for_reaches_the_trainer(gpt2_folder: Path) -> None:
    raw = {"recipe": "none", "policy": {"kl": {"coef": 0.37}}}
    asked = parse_run(raw, "run.yaml").policy.kl
    assert asked == KLConfig(coef=0.37)
    assert trainer_on(gpt2_folder, kl=asked).kl_coef == 0.37


def test_every_default_is_on_the_settings_page() -> None:
    """Those of the settings themselves; recipes and tasks, which come before, have their pages."""
    rows = dict(ROW.findall(DOCS.read_text(encoding="utf-8")))
    assert set(DEFAULTS) <= set(rows)
    for name, value in leaves(parse_run({"recipe": "none"}, "run.yaml")).items():
        is_chosen_elsewhere = name.startswith("task.") or name in OF_TASKS
        if name == "recipe" or rows[name] == "from the preset" or is_chosen_elsewhere:
            continue
        assert yaml.load(rows[name].strip("`"), RunFileLoader) == value, name
    assert len(rows) > 50
    assert RunConfig.model_config["extra"] == "forbid"
