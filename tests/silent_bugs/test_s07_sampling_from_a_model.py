"""S7 on a whole model: no dropout, no top-k, and the KL estimate is the KL.

Reported as trl#351, #615, #925, #1857, PR #1586 (sampling in training mode).
"""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from prefloop.functional.kl import exact_kl
from prefloop.functional.logprobs import ban_tokens
from prefloop.functional.sampling import sample_inverse_cdf
from prefloop.models import generation
from prefloop.models.loading import Tokenizer, load_tokenizer
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import CPU
from prefloop.models.scoring import banned_mask, respond_forward
from tests.stages_for_tests import OPENINGS, PROMPTS, Adapter, roles_on, trainer_on, vocabulary_of

N, TEMPERATURE = 2000, 0.7


@pytest.fixture
def roles(gpt2_folder: Path) -> tuple[Tokenizer, ModelRoles]:
    """A policy that is more various than its reference: its final layer norm is scaled down."""
    tokenizer, roles = roles_on(gpt2_folder, adapter="none")
    with torch.no_grad():
        dict(roles.policy.named_parameters)["transformer.ln_f.weight"].mul_(0.6)
    return tokenizer, roles


@torch.no_grad()
def kl_estimates(tokenizer: Tokenizer, roles: ModelRoles) -> tuple[Tensor, Tensor]:
    """Return per response the estimate from its tokens, and the exact KL along its prefixes."""
    query = torch.tensor([tokenizer.encode(OPENINGS[0])])
    query_mask = torch.ones_like(query, dtype=torch.bool)
    banned = banned_mask(vocabulary_of(roles), tokenizer.special_ids, device=CPU.device)
    drawn = generation.generate(
        roles.policy,
        query,
        query_mask,
        n_tokens=4,
        per_query=N,
        temperature=TEMPERATURE,
        banned=banned,
        seed=4,
    )
    query, query_mask = query.expand(N, -1), query_mask.expand(N, -1)
    ref = respond_forward(
        roles.reference,
        query,
        query_mask,
        drawn.response,
        temperature=TEMPERATURE,
        banned=banned,
    )
    ids = torch.cat([query, drawn.response[:, :-1]], dim=1)
    logits = [
        ban_tokens(t.logits(t.hidden(ids, torch.ones_like(ids).bool())[:, -4:]), banned)
        for t in (roles.policy, roles.reference)
    ]
    exact = exact_kl(logits[0], logits[1], temperature=TEMPERATURE).sum(dim=1)
    return (drawn.logprobs - ref.logprobs).sum(dim=1), exact


def standard_error(x: Tensor) -> float:
    return (x.std() / N**0.5).item()


def test_the_estimate_is_not_negative_and_is_the_exact_kl(
    roles: tuple[Tokenizer, ModelRoles],
) -> None:
    estimate, exact = kl_estimates(*roles)
    assert estimate.mean() >= -3 * standard_error(estimate)
    difference = estimate - exact
    assert abs(difference.mean().item()) < 3 * standard_error(difference)
    assert exact.mean() > 10 * standard_error(difference)


def test_twin_that_samples_with_top_k_finds_a_negative_kl(
    roles: tuple[Tokenizer, ModelRoles], monkeypatch: pytest.MonkeyPatch
) -> None:
    def top_k(logits: Tensor, uniforms: Tensor, *, temperature: float) -> tuple[Tensor, Tensor]:
        floor = logits.topk(2, dim=-1).values[..., -1:]
        kept = logits.masked_fill(logits < floor, float("-inf"))
        token, _ = sample_inverse_cdf(kept, uniforms, temperature=temperature)
        full = (logits / temperature).log_softmax(dim=-1)
        return token, full.gather(-1, token.unsqueeze(-1)).squeeze(-1)

    monkeypatch.setattr(generation, "sample_inverse_cdf", top_k)
    estimate, exact = kl_estimates(*roles)
    assert estimate.mean() < -3 * standard_error(estimate)
    assert exact.mean() > 0


@pytest.mark.parametrize("adapter", ["lora", "none"])
def test_dropout_is_off_in_every_role_and_a_twin_in_training_mode_is_seen(
    gpt2_folder: Path, tmp_path: Path, adapter: Adapter
) -> None:
    model = AutoModelForCausalLM.from_pretrained(gpt2_folder)
    for name in ("resid_pdrop", "embd_pdrop", "attn_pdrop"):
        setattr(model.config, name, 0.5)
    model.save_pretrained(tmp_path)
    load_tokenizer(gpt2_folder).hf_tokenizer.save_pretrained(tmp_path)
    trainer = trainer_on(tmp_path, adapter=adapter, epochs=1)
    trainer.step(PROMPTS)
    ids = torch.tensor([[60, 61, 62]])
    mask = torch.ones_like(ids, dtype=torch.bool)
    roles = trainer.collector.roles
    for role_model in (roles.policy, roles.reward, roles.reference):
        assert role_model.causal.config.resid_pdrop == 0.5
        assert not any(module.training for module in role_model.causal.modules())
        assert torch.equal(*[role_model.hidden(ids, mask) for _ in range(2)])
    roles.policy.causal.train()
    assert not torch.equal(*[roles.policy.hidden(ids, mask) for _ in range(2)])
