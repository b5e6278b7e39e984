"""The time of a run: the tokens of its stages, counted by hand, over a rate."""

from typing import Any

import pytest

from prefloop.run.plan import BaseSize, make_plan, plan_lines
from prefloop.run.plan_time import StageTokens, Workload, machine_seconds, workload_of
from prefloop.run_file import parse_run
from prefloop.settings.run import RunConfig

TEXT = 8 + 10
"""Tokens of a query in the mean, and of a response."""

QUESTION = 8 + 4 * 10
"""A query once, and its four samples."""


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
    # 100 and 20 / 2 questions, each read once for four samples; 50 samples to normalize
    assert work.samples == StageTokens(drawn=110 * (8 + 4 * 10) + TEXT * 50)
    # one pass forward and backward, with adapters; scores before and after
    assert work.rewards == StageTokens(scored=TEXT * 2 * 50, trained=QUESTION * 100 * 2)
    # drawn, read by reference and reward model, then four epochs forward and backward
    own = TEXT * 640
    assert work.policy == StageTokens(drawn=own, read=own, scored=own, trained=own * 4 * 2)
    # policy and reference, drawn and read; the frontier's samples too
    own = TEXT * (2 * 30 + 2 * 8)
    assert work.evaluation == StageTokens(drawn=own, read=own)
    assert work.tokens == 110 * 48 + QUESTION * 200 + TEXT * (50 + 100 + 640 * (3 + 8) + 2 * 76)


def test_all_weights_of_full_copies_have_gradients() -> None:
    models = {"adapter": "none", "lora_top_layers": 1}
    work = workload_of(config(models=models), layers=4, judged=0)
    assert work.rewards.trained == QUESTION * 100 * 3
    assert work.policy.trained == TEXT * 640 * 4 * 3


def test_a_question_that_several_label_is_trained_on_once() -> None:
    comparisons = {"labels": 100, "validation_labels": 20, "overlap": 3}
    work = workload_of(config(comparisons=comparisons), layers=4, judged=0)
    assert work.rewards.trained == QUESTION * 34 * 2


def test_frozen_layers_read_a_question_once_for_all_rounds() -> None:
    """60 labels in the first round, 100 in the second: each trains anew on all that there are."""
    asked = {"labels": 100, "initial_labels": 60, "validation_labels": 20}
    two = config(models={"lora_top_layers": 1}, comparisons=asked).model_copy(update={"rounds": 2})
    normalized = TEXT * 50 * 2
    assert workload_of(two, layers=4, judged=0).rewards == StageTokens(
        scored=0.75 * (QUESTION * 100 + normalized) + 0.25 * 2 * normalized,
        trained=0.25 * QUESTION * (60 + 100) * 2,
    )


def test_a_query_is_read_once_for_all_its_responses() -> None:
    work = workload_of(
        config(policy={"method": "rloo", "options": {"samples_per_prompt": 4}}), layers=4, judged=0
    )
    assert work.policy.drawn == work.policy.read == 160 * (8 + 4 * 10)
    assert work.policy.trained == 160 * (8 + 4 * 10) * 4 * 2
    assert work.policy.scored == TEXT * 640, "the reward model reads each with its prompt"


def test_samples_of_the_reference_are_drawn_and_scored_for_each_response() -> None:
    policy = {"method": "a2po", "options": {"value_samples": 8}}
    work = workload_of(config(policy=policy), layers=4, judged=0)
    assert work.policy.drawn == 640 * (TEXT + 8 + 8 * 10)
    assert work.policy.scored == 640 * TEXT * (1 + 8)


def test_layers_that_are_not_trained_are_read_once() -> None:
    work = workload_of(config(models={"lora_top_layers": 1}), layers=4, judged=0)
    trained = QUESTION * 100 * 0.25 * 2
    own = QUESTION * 100 + TEXT * 50
    assert work.rewards == StageTokens(scored=0.75 * own + 0.25 * 2 * TEXT * 50, trained=trained)
    own = TEXT * 640
    assert work.policy == StageTokens(
        drawn=own, read=0.25 * own, scored=0.25 * own, trained=4 * 2 * 0.25 * own
    )


def test_where_layers_round_the_policy_reads_its_responses_again() -> None:
    work = workload_of(config(models={"dtype": "bfloat16"}), layers=4, judged=0)
    assert work.policy.read == 2 * TEXT * 640


def test_without_a_reward_model_nothing_is_sampled_for_labels() -> None:
    work = workload_of(config(policy={"reward": "imagery"}), layers=4, judged=0)
    assert work.samples == work.rewards == StageTokens()
    own = TEXT * 640
    assert work.policy == StageTokens(drawn=own, read=own, trained=4 * 2 * own)


def test_seconds_follow_size_and_rate() -> None:
    work = Workload(
        samples=StageTokens(drawn=10.0),
        rewards=StageTokens(trained=20.0),
        policy=StageTokens(scored=30.0),
        evaluation=StageTokens(read=40.0),
    )
    least, most = machine_seconds(work, weights=1000, rate=100.0)
    assert least == pytest.approx(2 * 1000 * 100 / 100.0 / 0.75)
    assert most == pytest.approx(2 * 1000 * 100 / 100.0 / 0.15)
    twice = machine_seconds(work, weights=2000, rate=200.0)
    assert twice == pytest.approx((least, most))


def test_people_are_waited_for_besides() -> None:
    size = BaseSize(weights=1_000_000, looked_up=0, layers=4, rate=1e9)
    prompts = {"train": 1000, "validation": 100, "held_out": 100}
    plan = make_plan(config(comparisons={"labelers": "people"}), prompts, base=size)
    assert "besides waiting for people" in "\n".join(plan_lines(plan, "my-run"))
