"""The plan says what a run will do, and refuses what it cannot."""

from typing import Any

import pytest
from scipy.stats import binom

from prefloop.errors import InputError
from prefloop.functional.statistics import detectable_share, wilson
from prefloop.run.plan import (
    BaseSize,
    count_by_split,
    make_plan,
    plan_lines,
    refuse_impossible,
)
from prefloop.run_file import parse_run
from prefloop.settings.run import RunConfig
from tests.unit.comparisons.builders import make_prompt

SIXTY = {"train": 48, "validation": 6, "held_out": 6}
MANY = {"train": 4000, "validation": 400, "held_out": 500}


def config(**raw: Any) -> RunConfig:
    return parse_run(raw, "run.yaml")


def lines(counts: dict[str, int], base: BaseSize | None = None, **raw: Any) -> str:
    return "\n".join(plan_lines(make_plan(config(**raw), counts, base=base), "my-run"))


def test_the_numbers_are_those_of_the_stages() -> None:
    settings = config(
        rounds=2,
        comparisons={"labels": 601, "overlap": 2, "validation_labels": 101},
        policy={"episodes": 960, "batch_size": 64},
        models={"adapter": "none"},
    )
    size = BaseSize(weights=1_000_000, looked_up=0, layers=4, rate=1e9)
    plan = make_plan(settings, MANY, base=size)
    assert plan.labels == {"train": 601, "validation": 2 * 102}
    assert plan.questions == {"train": 301, "validation": 2 * 51}
    assert (plan.updates, plan.episodes, plan.rounds) == (15, 960, 2)
    assert plan.passes == pytest.approx(0.24)
    assert plan.memory_bytes == 32_000_000, "two roles, and one in training beside two moments"
    assert make_plan(config(models={"adapter": "none"}), MANY, base=size).memory_bytes == 24_000_000
    assert plan.judged == 256
    assert plan.reading_seconds is None


def test_the_memory_of_sharded_models_is_that_of_the_parts() -> None:
    settings = config(models={"adapter": "none"})
    size = BaseSize(weights=1_000_000_000, looked_up=0, layers=4, rate=1e9)
    whole, plan = (make_plan(settings, MANY, base=size, parts=n) for n in (1, 4))
    assert (whole.memory_bytes, plan.memory_bytes) == (24_000_000_000, 6_000_000_000)
    assert "about 24.0 GB of memory; activations" in "\n".join(plan_lines(whole, "my-run"))
    assert "6.0 GB of memory in each of 4 processes;" in "\n".join(plan_lines(plan, "my-run"))


def test_sixty_prompts_are_told_to_be_few() -> None:
    said = lines(SIXTY)
    assert "60 prompts: 48 to train on, 6 for validation, 6 held out." in said
    assert "Note: 600 train questions are wanted" in said
    assert "there are 48 prompts for them" in said
    assert "Note: the verdict rests on 6 held-out prompts" in said
    assert "A verdict needs about 100." in said
    assert "Note: an update asks for 64 prompts, and there are 48 to train on" in said
    assert "memory" not in said and "computes" not in said


def test_enough_prompts_are_told_without_a_note() -> None:
    said = lines(
        MANY, base=BaseSize(weights=135_000_000, looked_up=28_000_000, layers=30, rate=1e11)
    )
    assert "Note" not in said
    assert "600 labels are wanted to train the reward model and 100 to measure it." in said
    assert "about 0.5 GB of memory" in said
    assert "This machine computes for between " in said
    assert "people" not in said
    assert "The verdict rests on 256 held-out prompts" in said


def test_with_too_few_to_win_there_is_no_verdict() -> None:
    assert "too few to say anything, even if all are won" in lines(SIXTY | {"held_out": 3})
    assert "there will be no verdict" in lines(SIXTY, evaluation={"judges": []})


def test_people_who_judge_are_not_told_what_a_program_would_show() -> None:
    said = lines(MANY, evaluation={"judges": ["people", "lexicon"]})
    assert "at most 256 questions for each model" in said and "prefloop evaluation power" in said
    assert "four runs of five" not in said
    assert "four runs of five" in lines(MANY, evaluation={"judges": ["lexicon", "people"]})


def test_people_are_told_how_long_they_read() -> None:
    """500 labels of 64 + 4 * 24 tokens are 160 * 0.75 words each, at 238 a minute: 4 h 12 min."""
    people = {"labelers": "people", "labels": 400, "validation_labels": 100}
    assert "about 4 h 12 min of people's reading" in lines(MANY, comparisons=people)
    assert "Nobody is asked for labels." in lines(MANY, policy={"reward": "length"})


@pytest.mark.parametrize("n", [6, 48, 100, 256])
def test_the_least_win_rate_is_found_in_four_runs_of_five(n: int) -> None:
    share = detectable_share(n, power=0.8)
    assert share is not None
    found = [k for k in range(n + 1) if wilson(k, n).low > 0.5]
    assert binom.pmf(found, n, share).sum() == pytest.approx(0.8)
    assert (0.63 < share < 0.65) if n == 100 else True


def test_all_that_is_impossible_is_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        refuse_impossible(config(), {"train": 0, "validation": 0, "held_out": 0})
    told = str(caught.value)
    assert told.startswith("the run has 3 problems:")
    assert "is left to train on" in told
    assert "raise prompts.held_out_share (now 0.1)" in told
    assert "set comparisons.validation_labels: 0" in told


@pytest.mark.parametrize(
    ("raw", "counts"),
    [
        ({}, SIXTY),
        ({"evaluation": {"judges": []}}, SIXTY | {"held_out": 0}),
        ({"comparisons": {"validation_labels": 0}}, SIXTY | {"validation": 0}),
        ({"policy": {"reward": "length"}}, SIXTY | {"validation": 0}),
        ({"comparisons": {"labelers": "none"}}, SIXTY | {"validation": 0}),
    ],
)
def test_what_nobody_needs_may_be_missing(raw: dict[str, Any], counts: dict[str, int]) -> None:
    refuse_impossible(config(**raw), counts)


def test_prompts_are_counted_by_split() -> None:
    prompts = [make_prompt(0), make_prompt(1), make_prompt(2, split="held_out")]
    assert count_by_split(prompts) == {"train": 2, "validation": 0, "held_out": 1}
