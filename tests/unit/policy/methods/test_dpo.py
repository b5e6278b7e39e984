"""DPO as a method: it learns from labeled pairs, and what the policy draws is measured."""

from pathlib import Path
from typing import Any

import pytest
import torch

from prefloop.batches import Rollout
from prefloop.errors import InputError, SettingsError
from prefloop.functional.dpo import dpo_loss
from prefloop.functional.masking import masked_row_sums
from prefloop.models.scoring import respond_forward
from prefloop.policy.methods.build import build_method
from prefloop.policy.methods.dpo import DPO, DPOSettings
from prefloop.policy.pair_batches import LabeledPair, can_be_learned
from prefloop.policy.trainer import PolicyTrainer
from prefloop.settings.policy import KLConfig, PolicyConfig
from tests.known import known
from tests.stages_for_tests import disturb, require_resumed_as_uninterrupted, stage_in
from tests.tolerances import MODEL
from tests.unit.policy.likes_even import PROMPTS, lines_of, trainer_on

EVEN, ODD = (110, 120, 130, 140, 150, 160), (111, 121, 131, 141, 151, 161)
PAIRS = [
    LabeledPair(prompt, responses, votes)
    for prompt in PROMPTS
    for responses, votes in (
        ((EVEN, ODD), (1.0, 0.0)),
        ((ODD[::-1], EVEN[::-1]), (0.0, 1.0)),
        ((EVEN[:3], ODD[:4]), (0.75, 0.25)),
    )
]


def dpo_on(folder: Path, **changes: Any) -> PolicyTrainer:
    small = {"batch_size": 8, "episodes": 800, "microbatch_size": 4}
    trainer = trainer_on(folder, **{"method": "dpo", **small, **changes})
    known(trainer.labeled).learn_from(PAIRS)
    return trainer


def pairs_of(trainer: PolicyTrainer, update: int) -> Rollout:
    return known(trainer.labeled).of_update(update, trainer.seed)


def test_the_preferred_become_likelier_and_the_policy_is_measured(gpt2_folder: Path) -> None:
    lines = lines_of(dpo_on(gpt2_folder, epochs=2), 8)
    assert lines[0]["policy/policy_loss"] == pytest.approx(0.69, abs=0.1)
    assert lines[-1]["policy/policy_loss"] < 0.5
    assert lines[-1]["policy/preference_margin"] > lines[0]["policy/preference_margin"] + 0.5
    assert lines[-1]["policy/preference_accuracy"] > 0.9
    assert abs(lines[0]["policy/kl"]) < 1e-3 < lines[-1]["policy/kl"], "of what the policy draws"
    assert set(DPO.metrics) <= set(lines[0])
    assert not {"policy/kl_increase", "policy/reward_gap"} & set(lines[0]), "not known of labels"


def test_a_batch_holds_pairs_with_the_references_log_probabilities(gpt2_folder: Path) -> None:
    trainer = dpo_on(gpt2_folder)
    lines_of(trainer, 2)
    batch = pairs_of(trainer, 2)
    sampler, roles = trainer.collector.sampler, trainer.collector.roles
    alone = respond_forward(
        roles.reference,
        *(batch.query, batch.query_mask, batch.response),
        temperature=sampler.task.temperature,
        banned=sampler.banned,
        loss_mask=batch.mask,
    )
    found, expected = (masked_row_sums(x, batch.mask) for x in (batch.ref_logprobs, alone.logprobs))
    torch.testing.assert_close(found, expected, **MODEL)
    shown = [
        (tuple(ids[mask].tolist()), vote)
        for ids, mask, vote in zip(
            batch.response, batch.mask, known(batch.votes).tolist(), strict=True
        )
    ]
    labeled = [tuple(zip(pair.responses, pair.votes, strict=True)) for pair in PAIRS]
    assert all(pair in labeled for pair in zip(shown[0::2], shown[1::2], strict=True))


def test_every_pair_comes_once_before_any_comes_twice(gpt2_folder: Path) -> None:
    trainer = dpo_on(gpt2_folder)
    rows = [
        (query[query_mask].tolist(), ids[mask].tolist())
        for update in range(9)
        for batch in [pairs_of(trainer, update)]
        for query, query_mask, ids, mask in zip(
            *(batch.query, batch.query_mask, batch.response, batch.mask), strict=True
        )
    ]
    pairs = [repr(pair) for pair in zip(rows[0::2], rows[1::2], strict=True)]
    for start in range(0, len(pairs), len(PAIRS)):
        assert len(set(pairs[start : start + len(PAIRS)])) == len(PAIRS)
    assert pairs[:9] != pairs[9:18], "in another order"


def test_microbatches_change_nothing(gpt2_folder: Path) -> None:
    found = []
    for size in (8, 2):
        trainer = dpo_on(gpt2_folder, microbatch_size=size)
        step = trainer.optimizer.step(pairs_of(trainer, 0), kl_coef=0.1, kl_weight=0.5)
        named = trainer.optimizer.named_parameters
        gradient = torch.cat([p.grad.flatten() for _, p in named if p.grad is not None])
        assert gradient.norm() > 0.01
        found.append(torch.cat([gradient, torch.tensor([step.loss, *step.shares.values()])]))
    torch.testing.assert_close(found[1], found[0], **MODEL)


def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    straight, first, second = (
        stage_in(tmp_path / place, dpo_on(gpt2_folder, checkpoint_every=1))
        for place in ("straight", "stopped", "stopped")
    )
    require_resumed_as_uninterrupted(straight, first, second)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reward": "sentiment"}, r"with policy\.reward 'sentiment' nobody labels"),
        (
            {"kl": KLConfig(control="fixed", coef=0.0)},
            r"policy\.kl\.coef 0 leaves policy\.method dpo without a loss",
        ),
        ({"microbatch_size": 3}, r"policy\.microbatch_size 3 would split a pair"),
        (
            {"minibatches": 64},
            r"2 responses to each prompt.* a minibatch of 1",
        ),
    ],
)
def test_what_leaves_it_without_pairs_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        build_method(PolicyConfig(method="dpo", **changes))


def test_without_labels_it_is_refused(gpt2_folder: Path) -> None:
    with pytest.raises(InputError, match="there is no labeled pair to learn from"):
        known(dpo_on(gpt2_folder).labeled).learn_from([])


def test_only_what_the_policy_can_write_is_learned(gpt2_folder: Path) -> None:
    trainer = dpo_on(gpt2_folder)
    sampler, (pair, *_) = trainer.collector.sampler, PAIRS
    assert can_be_learned(pair, sampler, context=64)
    assert not can_be_learned(pair, sampler, context=6), "the prompt is too long"
    banned = (int(sampler.banned.nonzero()[0]), 120)
    assert not can_be_learned(pair._replace(responses=(EVEN, banned)), sampler, context=64)
    unknown = (len(sampler.banned), 120)
    assert not can_be_learned(pair._replace(responses=(unknown, ODD)), sampler, context=64)


def test_its_beta_is_the_kl_coefficient(gpt2_folder: Path) -> None:
    trainer = dpo_on(gpt2_folder)
    disturb(trainer.collector.roles.policy, 0.05)
    batch = pairs_of(trainer, 0)
    with torch.no_grad():
        logprobs = trainer.optimizer.forward(batch).logprobs
    for beta in (0.1, 3.0):
        by_formula = dpo_loss(
            *(logprobs, batch.ref_logprobs, known(batch.votes), batch.mask), beta=beta
        )
        own = dpo_on(gpt2_folder)
        disturb(own.collector.roles.policy, 0.05)
        found = own.optimizer.step(batch, kl_coef=beta).loss
        assert found == pytest.approx(by_formula.loss.item(), rel=MODEL["rtol"])
    assert not DPOSettings.model_fields
