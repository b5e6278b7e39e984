"""The time of a run: the tokens of its stages, counted by hand, over a rate."""

from typing import Any

import pytest

from prefloop.run.plan import BaseSize, make_plan, plan_lines
from prefloop.run.plan_time import Workload, machine_seconds, workload_of
from prefloop.run_file import parse_run
from prefloop.settings.run import RunConfig

TEXT = 8 + 10
"""Tokens of a query in the mean, and of a response."""


def config(**raw: Any) -> RunConfig:
    sections: dict[str, Any] = {
        "task": {
            "name": "sentiment",
            "query_tokens_min": 6,
            "query_tokens_max": 10,
            "response_tokens": 10,
            "stop_min": 2,
        },
        "models": {"name": "builtin:tiny", "adapter": "lora"},
        "samples": {"per_prompt": 4},
        "comparisons": {"labels": 100, "validation_labels": 20},
        "rewards": {"epochs": 1, "normalize_samples": 50},
        "policy": {"episodes": 640, "batch_size": 64, "epochs": 4},
        "evaluation": {"judges": ["lexicon"], "frontier_prompts": 2, "frontier_samples": 8},
    }
    for section, values in raw.items():
        sections[section] = sections[section] | values
    return parse_run(sections, "run.yaml")


def test_the_tokens_of_each_stage_are_counted() -> None:
    work = workload_of(config(), layers=4, judged=30)
    # 100 and 20 / 2 questions of four samples; 50 samples drawn and scored to normalize
    assert work.samples == TEXT * (110 * 4 + 2 * 50)
    # one pass forward and backward, which costs three forward
    assert work.rewards == TEXT * 100 * 4 * 3
    # drawn, read by reference and reward model, then four epochs forward and backward
    assert work.policy == TEXT * 640 * (3 + 4 * 3)
    # policy and reference, drawn and read; the frontier's samples too
    assert work.evaluation == TEXT * (2 * 2 * 30 + 2 * 2 * 8)


def test_samples_of_the_reference_are_drawn_and_scored_for_each_response() -> None:
    policy = {"method": "a2po", "options": {"value_samples": 8}}
    work = workload_of(config(policy=policy), layers=4, judged=0)
    assert work.policy == TEXT * 640 * (3 + 8 * 2 + 4 * 3)


def test_layers_that_are_not_trained_are_read_once() -> None:
    work = workload_of(config(models={"lora_top_layers": 1}), layers=4, judged=0)
    assert work.rewards == TEXT * 100 * 4 * (0.75 + 3 * 0.25)
    assert work.policy == TEXT * 640 * (3 + 0.75 + 4 * 3 * 0.25)


def test_without_a_reward_model_nothing_is_sampled_for_labels() -> None:
    work = workload_of(config(policy={"reward": "imagery"}), layers=4, judged=0)
    assert work.samples == work.rewards == 0
    assert work.policy == TEXT * 640 * (2 + 4 * 3)


def test_seconds_follow_size_and_rate() -> None:
    work = Workload(samples=10.0, rewards=20.0, policy=30.0, evaluation=40.0)
    least, most = machine_seconds(work, weights=1000, rate=100.0)
    assert least == pytest.approx(2 * 1000 * 100 / 100.0)
    assert most == pytest.approx(2 * 1000 * 100 / 100.0 / 0.2)
    twice = machine_seconds(work, weights=2000, rate=200.0)
    assert twice == pytest.approx((least, most))


def test_people_are_waited_for_besides() -> None:
    size = BaseSize(weights=1_000_000, looked_up=0, layers=4, rate=1e9)
    prompts = {"train": 1000, "validation": 100, "held_out": 100}
    plan = make_plan(config(comparisons={"labelers": "people"}), prompts, base=size)
    assert "besides waiting for people" in "\n".join(plan_lines(plan, "my-run"))
