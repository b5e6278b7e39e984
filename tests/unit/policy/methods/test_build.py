"""A method is built from what the run file says, or refused in its words."""

from typing import Any

import pytest

from prefloop.errors import InputError, SettingsError
from prefloop.policy.methods.build import build_method
from prefloop.policy.methods.method import Method
from prefloop.policy.methods.ppo import PPO
from prefloop.policy.methods.rloo import RLOO
from prefloop.registry import METHODS
from prefloop.run_file import parse_run
from prefloop.settings.policy import PolicyConfig


def test_the_default_is_ppo_with_its_defaults() -> None:
    method = build_method(PolicyConfig())
    assert isinstance(method, PPO)
    assert method.settings == PPO.Settings()
    assert method.samples_per_prompt == 1


def test_options_are_the_methods_settings() -> None:
    config = PolicyConfig(method="rloo", options={"samples_per_prompt": 4, "clip_range": 0.1})
    method = build_method(config)
    assert isinstance(method, RLOO)
    assert (method.samples_per_prompt, method.settings.clip_range) == (4, 0.1)


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("ppo", {"clip_rang": 0.1}, r"policy\.options\.clip_rang: .*Did you mean clip_range\?"),
        ("ppo", {"gamma": 2.0}, r"policy\.options\.gamma: .*less than or equal to 1; got 2\.0"),
        ("ppo", {"samples_per_prompt": 2}, r"policy\.options\.samples_per_prompt: no such"),
        ("rloo", {"samples_per_prompt": 1}, r"samples_per_prompt: .*greater than or equal to 2"),
        ("rloo", {"vf_coef": 0.1}, r"policy\.options\.vf_coef: no such setting"),
        ("rlo", {}, r"method 'rlo' is not known; did you mean 'rloo'\?"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_name(
    method: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        build_method(PolicyConfig(method=method, options=options))


def test_a_constructor_that_fails_is_told_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: PPO, settings: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(PPO, "__init__", fails)
    with pytest.raises(InputError, match=r"method 'ppo' .*ZeroDivisionError: by zero in test_b"):
        build_method(PolicyConfig())


def test_groups_that_do_not_fill_a_minibatch_are_refused() -> None:
    options = {"samples_per_prompt": 3}
    with pytest.raises(SettingsError, match=r"3 responses to each prompt.*minibatch of 32"):
        build_method(PolicyConfig(method="rloo", options=options, minibatches=2))


def test_an_old_run_files_settings_reach_the_method() -> None:
    """Version 0.1 had PPO's settings in the section `policy` itself."""
    config = parse_run({"policy": {"clip_range": 0.3, "whiten_rewards": False}}, "run.yaml")
    method = build_method(config.policy)
    assert isinstance(method, PPO)
    assert (method.settings.clip_range, method.settings.whiten_rewards) == (0.3, False)


@pytest.mark.parametrize("name", METHODS.names())
def test_every_method_says_what_readers_need(name: str) -> None:
    method: type[Method] = METHODS.load(name)
    assert method.name == name
    assert all(
        key.startswith("policy/") and text.endswith(".") for key, text in method.metrics.items()
    )
    assert METHODS.load(name)(method.Settings()).state() == {}
