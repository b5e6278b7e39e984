"""A*-PO as a method: values of the reference's samples, drawn once, and a least-squares loss."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy.special import logsumexp
from torch import Tensor

from prefloop.errors import SettingsError
from prefloop.policy.methods.a2po import A2PO, A2POSettings
from prefloop.policy.methods.build import build_method
from prefloop.policy.reference_scores import ReferenceScores
from prefloop.policy.trainer import PolicyTrainer
from prefloop.records import Prompt
from prefloop.settings.policy import KLConfig, PolicyConfig
from tests.stages_for_tests import (
    PROMPTS,
    disturb,
    require_resumed_as_uninterrupted,
    stage_in,
    trainer_on,
)
from tests.tolerances import EXACT, FP32
from tests.unit.policy.likes_even import PROMPTS as EVEN_PROMPTS
from tests.unit.policy.likes_even import LikesEven, lines_of, rollout_of
from tests.unit.policy.likes_even import trainer_on as even_trainer_on


def a2po_on(folder: Path, **changes: Any) -> PolicyTrainer:
    options = {"value_samples": 3}
    return trainer_on(folder, **{"method": "a2po", "options": options, **changes})


def drawn_by(trainer: PolicyTrainer, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return a list that grows by the ids of the prompts of every draw from the reference."""
    drawn: list[list[str]] = []
    draw = ReferenceScores._draw

    def noted(self: ReferenceScores, prompts: Sequence[Prompt]) -> None:
        drawn.append([prompt.id for prompt in prompts])
        draw(self, prompts)

    monkeypatch.setattr(ReferenceScores, "_draw", noted)
    return drawn


def test_even_tokens_become_frequent(gpt2_folder: Path) -> None:
    fixed = KLConfig(coef=0.01, control="fixed")
    trainer = even_trainer_on(gpt2_folder, method="a2po", kl=fixed, lr=6e-3)
    lines = lines_of(trainer, 14)
    scores = [line["policy/score"] for line in lines]
    assert sum(scores[-4:]) / 4 > scores[0] + 1.0
    assert set(A2PO.metrics) <= set(lines[0])


def test_advantages_are_scores_less_the_values_of_the_reference(gpt2_folder: Path) -> None:
    """By scipy, from scores that the reference's samples have although the policy moved."""
    options = {"value_samples": 4, "value_beta": 0.7}
    trainer = even_trainer_on(gpt2_folder, method="a2po", options=options)
    before = rollout_of(trainer).reference_scores
    disturb(trainer.collector.roles.policy, 0.05)
    rollout = rollout_of(trainer)
    found = trainer.method.targets(rollout, kl_coef=0.5)
    of_reference = rollout.reference_scores.double().numpy()
    assert of_reference.shape == (32, 4) and of_reference.std() > 0.5
    torch.testing.assert_close(rollout.reference_scores, before, **EXACT)
    values = torch.tensor(0.7 * logsumexp(of_reference / 0.7, axis=1, b=1 / 4))
    expected = (rollout.scores.double() - values).float()
    torch.testing.assert_close(found["advantages"], expected, **FP32)
    assert found["kl_coef"].tolist() == [0.5] * 32


def test_reference_samples_have_the_frequencies_of_the_reference(gpt2_folder: Path) -> None:
    """Not those of a policy that left it: a thousand samples of either differ."""
    trainer = even_trainer_on(gpt2_folder, method="a2po", options={"value_samples": 400})
    disturb(trainer.collector.roles.policy, 0.3)
    asked = ReferenceScores(trainer.collector, 400, batch_size=400, seed=1).of(EVEN_PROMPTS)
    sampler, roles = trainer.collector.sampler, trainer.collector.roles

    def mean_of(role_model: Any) -> float:
        batch = sampler.sample(role_model, EVEN_PROMPTS, per_prompt=400, seed=2)
        return LikesEven().score(batch.generation.response.tolist()).mean().item()

    assert asked.mean().item() == pytest.approx(mean_of(roles.reference), abs=0.15)
    assert abs(asked.mean().item() - mean_of(roles.policy)) > 0.2


def test_every_prompt_is_asked_once_and_no_other_one(
    gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = even_trainer_on(gpt2_folder, method="a2po")
    drawn = drawn_by(trainer, monkeypatch)
    lines_of(trainer, 3)
    assert sorted(chain.from_iterable(drawn)) == sorted(prompt.id for prompt in EVEN_PROMPTS)


def test_another_reward_model_asks_again(
    gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = a2po_on(gpt2_folder)
    drawn = drawn_by(trainer, monkeypatch)
    first, again = rollout_of_stage(trainer), rollout_of_stage(trainer)
    n = len(drawn)
    torch.testing.assert_close(first, again, **EXACT)
    trainer.collector.reward.model.head.rescale(2.0, [0.5])  # type: ignore[attr-defined]
    assert not torch.allclose(rollout_of_stage(trainer), first)
    assert len(drawn) == 2 * n


def rollout_of_stage(trainer: PolicyTrainer) -> Tensor:
    """Return the reference's scores in the rollout of the next update."""
    scores = trainer.collect(trainer.prompts_of(trainer.update, PROMPTS)).reference_scores
    assert scores is not None
    return scores


def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight, first, second = (
        stage_in(tmp_path / place, a2po_on(gpt2_folder, checkpoint_every=1))
        for place in ("straight", "stopped", "stopped")
    )
    drawn = drawn_by(straight.trainer, monkeypatch)
    whole: list[list[str]] = []

    def begin_again() -> None:
        whole.extend(drawn)
        drawn.clear()

    require_resumed_as_uninterrupted(straight, first, second, after_straight=begin_again)
    assert drawn == whole, "nothing is drawn twice, and nothing else"
    assert {line["method"] for line in straight.metrics.lines()} == {"a2po"}
    assert not (tmp_path / "stopped" / "policy" / "round-0" / "value_head.safetensors").exists()


def test_without_a_kl_coefficient_it_is_refused() -> None:
    config = PolicyConfig(method="a2po", kl=KLConfig(control="fixed", coef=0.0))
    with pytest.raises(SettingsError, match=r"policy\.kl\.coef 0 leaves .* a2po without a loss"):
        build_method(config)


def test_settings_say_where_their_defaults_come_from() -> None:
    assert (A2POSettings().value_samples, A2POSettings().value_beta) == (8, 0.5)
    assert all("TRL" in (f.description or "") for f in A2POSettings.model_fields.values())
