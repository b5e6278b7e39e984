"""Tabular policies whose best answer under the KL penalty is known in closed form.

    pi*(y) = pi_ref(y) exp(score(y) / kl_coef) / Z

The trainer here is small and its own; only the formulas are the package's. Whoever swaps one of
them for a wrong one must see the policy end elsewhere.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from prefloop.functional.advantages import gae
from prefloop.functional.logprobs import token_logprobs
from prefloop.functional.ppo_loss import clipped_policy_loss, clipped_value_loss
from prefloop.functional.rewards import shape_rewards
from prefloop.functional.sampling import sample_inverse_cdf
from prefloop.functional.schedules import linear_decay

KL_COEF = 0.5
REF_LOGITS = torch.tensor([0.5, 0.0, -0.5, 0.2])
SCORES = torch.tensor([-0.3, 0.6, 0.9, 0.1])
BATCH, UPDATES, EPOCHS, LR = 192, 40, 4, 0.1

Shape = Callable[..., tuple[Tensor, Tensor]]


def best_policy() -> Tensor:
    """Return the closed form."""
    return (REF_LOGITS.log_softmax(0) + SCORES / KL_COEF).softmax(0)


def total_variation(logits: Tensor) -> float:
    """Return the distance from the best policy: the largest error of any event's probability."""
    return 0.5 * (logits.detach().softmax(0) - best_policy()).abs().sum().item()


def train(seed: int, *, shape: Shape = shape_rewards) -> Tensor:
    """Return the policy's logits after PPO on one-token responses."""
    generator = torch.Generator().manual_seed(seed)
    logits = REF_LOGITS.clone().requires_grad_()
    value = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.Adam([logits, value], lr=LR, eps=1e-5)
    mask = torch.ones(BATCH, 1, dtype=torch.bool)
    ref = REF_LOGITS.expand(BATCH, 1, -1)
    for update in range(UPDATES):
        optimizer.param_groups[0]["lr"] = LR * linear_decay(update, UPDATES)
        with torch.no_grad():
            uniforms = torch.rand(BATCH, generator=generator)
            tokens, old = sample_inverse_cdf(logits.expand(BATCH, -1), uniforms, temperature=1.0)
            ref_logprobs = token_logprobs(ref, tokens.unsqueeze(1), temperature=1.0)
            old_logprobs, old_values = old.unsqueeze(1), value.expand(BATCH, 1).clone()
            rewards, _ = shape(SCORES[tokens], old_logprobs, ref_logprobs, mask, kl_coef=KL_COEF)
            advantages, returns = gae(rewards, old_values, mask, gamma=1.0, lam=0.95)
        for _ in range(EPOCHS):
            now = logits.expand(BATCH, 1, -1)
            logprobs = token_logprobs(now, tokens.unsqueeze(1), temperature=1.0)
            policy = clipped_policy_loss(logprobs, old_logprobs, advantages, mask, clip_range=0.2)
            values = value.expand(BATCH, 1)
            error = clipped_value_loss(values, old_values, returns, mask, clip_range_value=0.2)
            optimizer.zero_grad()
            (policy.loss + error.loss).backward()
            optimizer.step()
    return logits
