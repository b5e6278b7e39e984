"""A rollout: what is drawn, scored, masked and compared with the reference."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from prefloop.models.scoring import respond_forward
from tests.stages_for_tests import disturb, improve, sampled_batch, token_of
from tests.tolerances import EXACT, MODEL
from tests.unit.policy.likes_even import PROMPTS, lines_of, rollout_of, trainer_on


@pytest.mark.parametrize("penalty", [-1.0, 0.25])
def test_unended_responses_get_the_penalty_and_tokens_after_the_stop_are_ignored(
    gpt2_folder: Path, penalty: float
) -> None:
    rule = {"stop": ".", "stop_min": 1, "response_tokens": 6, "missing_stop_score": penalty}
    trainer = trainer_on(gpt2_folder, task=rule)
    collector = trainer.collector
    sampler = collector.sampler
    rollout = rollout_of(trainer)
    assert (rollout.scores[~rollout.is_ended] == penalty).all()
    assert not rollout.is_ended.all()
    assert rollout.mask[~rollout.is_ended].all()
    response = torch.tensor([[60, 61, token_of(sampler.tokenizer, "."), 60, 60, 60]] * 3)
    batch = sampled_batch(response, sampler)
    assert batch.stop_mask.is_ended.all() and batch.stop_mask.mask.sum() == 9
    query = [sampler.tokenizer.encode(p.text) for p in PROMPTS]
    read = [(q + r[:3])[-6:] for q, r in zip(query, response.tolist(), strict=True)]
    expected = torch.tensor([float(sum(i % 2 == 0 for i in ids)) for ids in read])
    torch.testing.assert_close(collector.reward.score(PROMPTS, batch).scores, expected, **EXACT)
    trained = trainer_on(gpt2_folder, task=rule, samples={"after_stop": "train"})
    assert trained.collector.sampler.loss_mask(batch.stop_mask).all()


@pytest.mark.parametrize("after_stop", ["ignore", "train"])
def test_an_update_trains_on_what_was_drawn(gpt2_folder: Path, after_stop: str) -> None:
    """Were tokens counted that nobody drew, their banned padding would make the KL infinite."""
    rule = {"stop": "e", "stop_min": 1, "response_tokens": 12}
    trainer = trainer_on(gpt2_folder, task=rule, samples={"after_stop": after_stop})
    rollout = rollout_of(trainer)
    is_padding = rollout.response == trainer.collector.sampler.tokenizer.pad_id
    assert torch.equal(is_padding, ~rollout.mask)
    assert is_padding.any() == (after_stop == "ignore")
    assert not rollout.logprobs[is_padding].any() and not rollout.ref_logprobs[is_padding].any()
    assert all(math.isfinite(value) for value in lines_of(trainer, 1)[0].values())


@pytest.mark.parametrize("temperature", [0.6, 1.7])
def test_the_temperature_of_sampling_is_that_of_policy_reference_and_steps(
    gpt2_folder: Path, temperature: float
) -> None:
    """Detail 10. Each place that forgot it would see log-probabilities of another distribution."""
    trainer = trainer_on(gpt2_folder, task={"temperature": temperature})
    roles, sampler = trainer.collector.roles, trainer.collector.sampler
    disturb(roles.policy)
    rollout = rollout_of(trainer)

    def logprobs(role: Any, at: float) -> torch.Tensor:
        with torch.no_grad():
            return respond_forward(
                role,
                rollout.query,
                rollout.query_mask,
                rollout.response,
                temperature=at,
                banned=sampler.banned,
            ).logprobs

    torch.testing.assert_close(rollout.logprobs, logprobs(roles.policy, temperature), **MODEL)
    torch.testing.assert_close(
        rollout.ref_logprobs, logprobs(roles.reference, temperature), **MODEL
    )
    for role in (roles.policy, roles.reference):
        assert (logprobs(role, 1.0) - logprobs(role, temperature)).abs().mean() > 0.1
    first = trainer.optimizer.step(rollout, kl_coef=0.0)
    assert first.maxima["policy/ratio_max"] == pytest.approx(1.0, abs=1e-3)
    assert first.kl_increase == pytest.approx(0.0, abs=1e-3)


def test_temperature_shapes_what_is_drawn(gpt2_folder: Path) -> None:
    entropies = []
    for temperature in (0.5, 1.0, 2.0):
        trainer = trainer_on(gpt2_folder, task={"temperature": temperature})
        entropies.append(improve(trainer, rollout_of(trainer))["policy/entropy"])
    assert entropies == sorted(entropies)


def test_each_prompt_is_answered_as_often_as_the_method_asks(gpt2_folder: Path) -> None:
    options = {"samples_per_prompt": 4}
    trainer = trainer_on(gpt2_folder, method="rloo", options=options)
    prompts = trainer.prompts_of(0, PROMPTS)
    rollout = trainer.collect(prompts)
    assert len(prompts) == 8 and len(rollout.scores) == 32
    assert torch.equal(rollout.query, rollout.query[::4].repeat_interleave(4, dim=0))
    assert not torch.equal(rollout.response[0], rollout.response[1])
    assert [p.id for p in trainer.collector.prompts_of_rows(prompts)][:8] == [
        p.id for p in prompts[:2] for _ in range(4)
    ]
    assert rollout.values is None
