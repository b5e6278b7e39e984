"""The responses that people see while the run is alive are those that PPO learned from."""

from pathlib import Path

import pytest
import torch

from prefloop.policy.logged_samples import LOGGED_SAMPLES, logged_samples
from prefloop.seeding import numpy_stream
from tests.stages_for_tests import PROMPTS, disturb, trainer_on


def test_excerpts_are_rows_of_the_rollout(gpt2_folder: Path) -> None:
    trainer = trainer_on(gpt2_folder)
    disturb(trainer.collector.roles.policy)
    rollout = trainer.collect(PROMPTS)
    shown = logged_samples(PROMPTS, rollout, trainer.collector.sampler, numpy_stream(1, "test"))
    assert len(shown) == LOGGED_SAMPLES
    texts = [trainer.collector.sampler.text_of(ids) for ids in rollout.response.tolist()]
    kls = ((rollout.logprobs - rollout.ref_logprobs) * rollout.mask).sum(dim=1)
    for one in shown:
        row = [p.text for p in PROMPTS].index(str(one["prompt"]))
        assert one["response"] == texts[row]
        assert one["score"] == pytest.approx(rollout.scores[row].item())
        assert one["kl"] == pytest.approx(kls[row].item(), abs=1e-5)
    assert len({one["prompt"] for one in shown}) == LOGGED_SAMPLES


def test_a_small_batch_is_shown_whole(gpt2_folder: Path) -> None:
    trainer = trainer_on(gpt2_folder, batch_size=2, epochs=1)
    assert trainer.logged_samples == []
    trainer.step(PROMPTS[:2])
    assert sorted(str(one["prompt"]) for one in trainer.logged_samples) == sorted(
        p.text for p in PROMPTS[:2]
    )
    assert torch.isfinite(
        torch.tensor([float(one["score"]) for one in trainer.logged_samples])
    ).all()
