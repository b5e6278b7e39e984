"""Settings of `samples` change what is drawn, how much at once, and what of it counts."""

from pathlib import Path
from typing import Any

import pytest
import torch

from prefloop.records import REFERENCE, Prompt
from prefloop.run.stages import Stages
from tests.stages_for_tests import token_of
from tests.wiring.runs import STOP, assembled
from tests.wiring.wires import Observations, Observer, Settings, Wire

SHOWN, FOUND, ROWS = "samples in a question", "responses found for labelers", "rows at once"
RESPONSES, COUNTED, LOGPROBS = "responses", "tokens that count", "log-probabilities"
STORED = "stored tokens"

WIRES = [
    Wire(setting="samples.per_prompt", value=5, changes={SHOWN}),
    Wire(setting="samples.batch_size", value=6, changes={ROWS}),
    Wire(
        setting="samples.after_stop",
        value="train",
        changes={RESPONSES, COUNTED, LOGPROBS, STORED},
    ),
    Wire(setting="samples.banned", value="pad", changes={RESPONSES, LOGPROBS, STORED}),
    Wire(setting="samples.attempts", value=1, changes={FOUND}, given={"task.stop_min": 3}),
]


def observe(settings: Settings, folder: Path) -> Observations:
    with assembled(settings, folder) as stages:
        prompts = [p for p in stages.prompts.values() if p.split == "train"]
        sampler, draw = stages.drawer.sampler, stages.drawer.draw
        fixed = torch.tensor([[60, 61, token_of(sampler.tokenizer, STOP), 62, 63, 64]])
        drawn = sampler.sample(
            stages.policy.trainer.collector.roles.policy, prompts[:1], per_prompt=12, seed=1
        )
        questions = stages.builder.build(prompts, round=0, split="train", model=REFERENCE, wanted=6)
        stored = draw(prompts[:1], model=REFERENCE, round=1, purpose="evaluation", per_prompt=12)
        found = draw(prompts[-1:], model=REFERENCE, round=2, purpose="labels", per_prompt=16)
        return {
            SHOWN: max(len(question.sample_ids) for question in questions),
            FOUND: len(found),
            ROWS: rows_at_once(stages, prompts[:8]),
            RESPONSES: drawn.generation.response.tolist(),
            COUNTED: sampler.loss_mask(sampler.stop_rule.apply(fixed)).tolist(),
            LOGPROBS: drawn.generation.logprobs.tolist(),
            STORED: [sample.response_ids for sample in stored],
        }


def rows_at_once(stages: Stages, prompts: list[Prompt]) -> list[int]:
    """Return how many responses are drawn in each call, one to each prompt."""
    sampler, rows = stages.drawer.sampler, []
    sample = sampler.sample

    def recorded(*args: Any, **kwargs: Any) -> Any:
        drawn = sample(*args, **kwargs)
        rows.append(len(drawn.query))
        return drawn

    sampler.sample = recorded  # type: ignore[method-assign]
    stages.drawer.draw(prompts, model=REFERENCE, round=3, purpose="normalization", per_prompt=1)
    return rows


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_setting_changes_this_and_nothing_else(wire: Wire, observer: Observer) -> None:
    assert observer.changed(observe, wire) == wire.changes


def test_the_numbers_are_those_of_the_settings(observer: Observer) -> None:
    assert observer.observe(observe, samples__batch_size=6)[ROWS] == [6, 2]
    assert observer.observe(observe, samples__per_prompt=5)[SHOWN] == 5
    seen = [observer.observe(observe, samples__banned=name)[STORED] for name in ("pad", "special")]
    assert [any(0 in ids for ids in stored) for stored in seen] == [True, False]
