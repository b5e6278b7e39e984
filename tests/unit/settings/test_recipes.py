"""Recipes are data under what a run file says, and are written out."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from prefloop.errors import SettingsError
from prefloop.run.kept_settings import with_method_options
from prefloop.run_file import as_yaml, load_run_file, parse_run
from prefloop.settings.recipes import EARLIER, load_recipe, recipe_names
from prefloop.settings.run import RunConfig
from prefloop.settings.task_presets import load_task


def run(**raw: Any) -> RunConfig:
    return parse_run(raw, "run.yaml")


def leaves(section: dict[str, Any], where: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in section.items():
        key = f"{where}.{name}" if where else name
        found |= leaves(value, key) if isinstance(value, dict) else {key: value}
    return found


@pytest.mark.parametrize("name", recipe_names())
def test_every_value_of_a_recipe_reaches_the_resolved_run_file(name: str) -> None:
    resolved = yaml.safe_load(as_yaml(with_method_options(run(recipe=name))))
    assert resolved["recipe"] == name
    found = leaves(resolved)
    for key, value in leaves(load_recipe(name)).items():
        assert found[key] == value, key


def test_the_recipe_of_2019_has_the_numbers_of_its_code() -> None:
    """openai/lm-human-preferences, launch.py: the sentiment task."""
    config = run(recipe="ziegler2019")
    assert (config.policy.episodes, config.policy.batch_size, config.policy.lr) == (
        1954 * 512,
        512,
        1e-5,
    )
    assert (config.policy.epochs, config.policy.minibatches) == (4, 1)
    assert (config.policy.kl.coef, config.policy.kl.target) == (0.15, 6.0)
    assert config.policy.kl_horizon == 10_000.0
    assert (config.rewards.lr, config.rewards.batch_size, config.comparisons.labels) == (
        5e-5,
        32,
        4992,
    )
    assert (config.models.adapter, config.samples.after_stop) == ("none", "train")


def test_the_run_file_wins_over_its_recipe_at_any_depth() -> None:
    config = run(recipe="ziegler2019", policy={"lr": 2e-6, "kl": {"coef": 0.03}})
    assert (config.policy.lr, config.policy.kl.coef, config.policy.kl.target) == (2e-6, 0.03, 6.0)


def test_adapters_have_steps_of_their_own_unless_the_file_says_otherwise() -> None:
    lora, full, plain = run(), run(models={"adapter": "none"}), run(recipe="none")
    assert (lora.recipe, full.recipe, plain.recipe) == ("adapters", "none", "none")
    assert lora.policy.lr >= 50 * full.policy.lr
    assert plain.policy == full.policy
    assert lora.policy.options == load_recipe("adapters")["policy"]["options"]


def test_another_method_keeps_the_steps_and_has_options_of_its_own() -> None:
    config = run(policy={"method": "rloo"})
    assert config.policy.options == {}
    assert config.policy.lr == run().policy.lr
    assert with_method_options(config).policy.options["samples_per_prompt"] == 2


def test_a_task_keeps_its_preset_under_a_recipe() -> None:
    for task in ("descriptiveness", {"name": "descriptiveness"}):
        config = run(task=task)
        assert config.task.question == load_task("descriptiveness").question
        assert config.task.missing_stop_score == 0.0
    assert run(task={"name": "sentiment", "missing_stop_score": -2.0}).task.missing_stop_score == -2
    assert run(recipe="ziegler2019").task.missing_stop_score == -1.0


def test_what_a_recipe_says_of_one_task_is_for_that_task() -> None:
    """Vivid sentences are longer than 2019's 16 to 24 tokens; 2019's recipe keeps them."""
    spans = {
        (recipe, task): (found.response_tokens, found.stop_min)
        for recipe in ("adapters", "ziegler2019")
        for task in ("sentiment", "descriptiveness")
        for found in [run(recipe=recipe, task=task).task]
    }
    assert spans.pop(("adapters", "descriptiveness")) == (32, 8)
    assert set(spans.values()) == {(24, 16)}
    own = run(task={"name": "descriptiveness", "response_tokens": 24}).task
    assert (own.response_tokens, own.stop_min) == (24, 8)
    chat = run(task={"name": "descriptiveness", "chat": True}).task
    assert (chat.stop, chat.stop_min) == ("end_of_text", 0), "a turn may be short"


def test_a_target_asks_for_the_controller() -> None:
    plain, aimed = run(), run(policy={"kl": {"target": 12.0}})
    assert (plain.policy.kl.control, plain.policy.kl.cap) == ("fixed", 9.0)
    assert (aimed.policy.kl.control, aimed.policy.kl.cap) == ("adaptive", None)
    fixed = run(policy={"kl": {"target": 3.0, "control": "fixed", "cap": 4.0}})
    assert (fixed.policy.kl.control, fixed.policy.kl.cap) == ("fixed", 4.0)


def test_an_unknown_recipe_is_told_with_a_guess_and_with_everything_else() -> None:
    with pytest.raises(SettingsError) as caught:
        run(recipe="zeigler2019", seed=-1)
    told = str(caught.value)
    assert "recipe 'zeigler2019' is unknown. Did you mean ziegler2019?" in told
    assert "seed" in told


@pytest.mark.parametrize(
    ("resolved", "expected"),
    [("seed: 1\n", EARLIER), ("recipe: none\n", "adapters"), (None, "adapters")],
)
def test_a_run_that_began_without_recipes_goes_on_without(
    tmp_path: Path, resolved: str | None, expected: str
) -> None:
    (tmp_path / "run.yaml").write_text("seed: 1\n")
    if resolved is not None:
        (tmp_path / "run.resolved.yaml").write_text(resolved)
    config = load_run_file(tmp_path / "run.yaml")
    assert config.recipe == expected
    if expected == EARLIER:
        assert (config.policy.lr, config.policy.kl_horizon) == (1e-5, 10_000.0)
        assert not config.models.beginning_of_text
        assert config.evaluation.judges == ["lexicon"]


@pytest.mark.parametrize("mix", [None, {"length": 1.0}, {"sentiment": 2.0, "length": 1.0}])
def test_a_short_run_file_of_version_0_1_has_the_mix_of_that_time_or_its_own_alone(
    tmp_path: Path, mix: dict[str, float] | None
) -> None:
    """Then every task's labelers preferred what is positive, where a run file said nothing."""
    own = "" if mix is None else f"comparisons: {{synthetic: {{taste: {json.dumps(mix)}}}}}\n"
    (tmp_path / "run.yaml").write_text(f"task: descriptiveness\n{own}")
    (tmp_path / "run.resolved.yaml").write_text("seed: 1\n")
    found = load_run_file(tmp_path / "run.yaml").comparisons.synthetic.scorers
    assert found == ({"sentiment": 1.0} if mix is None else mix)
    (tmp_path / "run.resolved.yaml").unlink()
    today = load_run_file(tmp_path / "run.yaml").comparisons.synthetic.scorers
    assert today == ({"descriptiveness": 1.0} if mix is None else mix)
