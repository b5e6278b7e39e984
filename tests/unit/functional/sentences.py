"""A tabular policy over responses of one or two tokens, whose best answer is known in closed form.

Token 0 stops: a response is (0) or (a, b) with a in 1..3 and b in 0..3. The best policy is the
reference's probability of the whole response times exp(score / kl_coef), over all 13 responses.
Unlike the bandit's, this loop needs the mask, the place of the score, and credit across tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from prefloop.functional.a2po import advantage_regression_loss, optimal_values
from prefloop.functional.advantages import gae
from prefloop.functional.dpo import PairLoss, dpo_loss
from prefloop.functional.logprobs import token_logprobs
from prefloop.functional.ppo_loss import clipped_policy_loss, clipped_value_loss
from prefloop.functional.rewards import sequence_rewards, shape_rewards
from prefloop.functional.rloo import (
    SequenceLoss,
    clipped_sequence_loss,
    leave_one_out_advantages,
)
from prefloop.functional.sampling import sample_inverse_cdf
from prefloop.functional.schedules import linear_decay
from prefloop.functional.truncation import stop_index, truncation_mask

KL_COEF = 0.5
BATCH, UPDATES, EPOCHS, LR = 384, 40, 4, 0.1
IS_STOP = torch.tensor([True, False, False, False])
STATES = 5
"""Before the first token (4), or after first token a (0 to 3; 0 is padding's)."""
REF = 0.5 * torch.randn(STATES, 4, generator=torch.Generator().manual_seed(4))
SCORES = 0.7 * torch.randn(4, 4, generator=torch.Generator().manual_seed(5))
"""Of (a, b); a response (0) scores SCORES[0, 0]."""


@dataclass(frozen=True, kw_only=True)
class Formulas:
    """What the trainer uses; a test puts a wrong one in."""

    shape: Callable[..., tuple[Tensor, Tensor]] = shape_rewards
    estimate: Callable[..., tuple[Tensor, Tensor]] = gae
    truncate: Callable[..., Tensor] = truncation_mask


@dataclass(frozen=True, kw_only=True)
class RLOOFormulas:
    """What the trainer of `train_rloo` uses."""

    reward: Callable[..., Tensor] = sequence_rewards
    advantage: Callable[..., Tensor] = leave_one_out_advantages
    loss: Callable[..., SequenceLoss] = clipped_sequence_loss


@dataclass(frozen=True, kw_only=True)
class A2POFormulas:
    """What the trainer of `train_a2po` uses."""

    value: Callable[..., Tensor] = optimal_values
    loss: Callable[..., Tensor] = advantage_regression_loss


def sequence_logprobs(logits: Tensor) -> Tensor:
    """Return the log-probability of each of the 13 responses."""
    table = logits.log_softmax(1)
    pairs = table[4, 1:, None] + table[1:4]
    return torch.cat([table[4, :1], pairs.flatten()])


def total_variation(logits: Tensor) -> float:
    """Return the distance from the best policy over whole responses."""
    scores = torch.cat([SCORES[0, :1], SCORES[1:].flatten()])
    best = (sequence_logprobs(REF) + scores / KL_COEF).softmax(0)
    return 0.5 * (sequence_logprobs(logits.detach()).exp() - best).abs().sum().item()


def _draw(logits: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return the tokens and the states they were drawn in."""
    first_state = torch.full((BATCH,), 4)
    uniforms = torch.rand(2, BATCH, generator=generator)
    first, _ = sample_inverse_cdf(logits[first_state], uniforms[0], temperature=1.0)
    second, _ = sample_inverse_cdf(logits[first], uniforms[1], temperature=1.0)
    return torch.stack([first, second], 1), torch.stack([first_state, first], 1)


def _scores(tokens: Tensor) -> Tensor:
    return SCORES[tokens[:, 0], torch.where(tokens[:, 0] == 0, 0, tokens[:, 1])]


def train(seed: int, formulas: Formulas) -> Tensor:
    """Return the policy's logits, one row a state, after PPO."""
    generator = torch.Generator().manual_seed(seed)
    logits, value = REF.clone().requires_grad_(), torch.zeros(STATES, requires_grad=True)
    optimizer = torch.optim.Adam([logits, value], lr=LR, eps=1e-5)
    for update in range(UPDATES):
        optimizer.param_groups[0]["lr"] = LR * linear_decay(update, UPDATES)
        with torch.no_grad():
            tokens, states = _draw(logits, generator)
            mask = formulas.truncate(stop_index(tokens, IS_STOP, earliest=0), 2)
            scores = _scores(tokens)
            old_logprobs = token_logprobs(logits[states], tokens, temperature=1.0)
            ref_logprobs = token_logprobs(REF[states], tokens, temperature=1.0)
            old_values = value[states].clone()
            rewards, _ = formulas.shape(scores, old_logprobs, ref_logprobs, mask, kl_coef=KL_COEF)
            advantages, returns = formulas.estimate(rewards, old_values, mask, gamma=1.0, lam=0.95)
        for _ in range(EPOCHS):
            logprobs = token_logprobs(logits[states], tokens, temperature=1.0)
            policy = clipped_policy_loss(logprobs, old_logprobs, advantages, mask, clip_range=0.2)
            error = clipped_value_loss(
                value[states], old_values, returns, mask, clip_range_value=0.2
            )
            optimizer.zero_grad()
            (policy.loss + error.loss).backward()
            optimizer.step()
    return logits


def train_rloo(seed: int, formulas: RLOOFormulas, *, k: int = 4) -> Tensor:
    """Return the policy's logits, one row a state, after RLOO with `k` samples per prompt."""
    generator = torch.Generator().manual_seed(seed)
    logits = REF.clone().requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=LR, eps=1e-5)
    for update in range(UPDATES):
        optimizer.param_groups[0]["lr"] = LR * linear_decay(update, UPDATES)
        with torch.no_grad():
            tokens, states = _draw(logits, generator)
            mask = truncation_mask(stop_index(tokens, IS_STOP, earliest=0), 2)
            old = token_logprobs(logits[states], tokens, temperature=1.0)
            ref = token_logprobs(REF[states], tokens, temperature=1.0)
            rewards = formulas.reward(_scores(tokens), old, ref, mask, kl_coef=KL_COEF)
            advantages = formulas.advantage(rewards, samples_per_prompt=k)
        for _ in range(EPOCHS):
            logprobs = token_logprobs(logits[states], tokens, temperature=1.0)
            found = formulas.loss(logprobs, old, advantages, mask, clip_range=0.2)
            optimizer.zero_grad()
            found.loss.backward()
            optimizer.step()
    return logits


def train_a2po(seed: int, formulas: A2POFormulas, *, moves: bool = True) -> Tensor:
    """Return the policy's logits, one row a state, after regression on optimal advantages.

    Responses are drawn from the policy, or, if it does not move, always from the reference.
    """
    generator = torch.Generator().manual_seed(seed)
    logits = REF.clone().requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=LR, eps=1e-5)
    reference_scores = _scores(_draw(REF, generator)[0])
    value = formulas.value(reference_scores[None], value_beta=KL_COEF)
    for update in range(UPDATES):
        optimizer.param_groups[0]["lr"] = LR * linear_decay(update, UPDATES)
        with torch.no_grad():
            tokens, states = _draw(logits if moves else REF, generator)
            mask = truncation_mask(stop_index(tokens, IS_STOP, earliest=0), 2)
            ref = token_logprobs(REF[states], tokens, temperature=1.0)
            advantages = _scores(tokens) - value
        for _ in range(EPOCHS):
            logprobs = token_logprobs(logits[states], tokens, temperature=1.0)
            loss = formulas.loss(logprobs, ref, advantages, mask, kl_coef=KL_COEF)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return logits


def train_dpo(seed: int, loss: Callable[..., PairLoss] = dpo_loss) -> Tensor:
    """Return the policy's logits, one row a state, after learning from pairs of the reference's.

    The votes are those of labelers who prefer as Bradley and Terry have it, with these scores.
    """
    generator = torch.Generator().manual_seed(seed)
    logits = REF.clone().requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=LR, eps=1e-5)
    for update in range(UPDATES):
        optimizer.param_groups[0]["lr"] = LR * linear_decay(update, UPDATES)
        tokens, states = _draw(REF, generator)
        mask = truncation_mask(stop_index(tokens, IS_STOP, earliest=0), 2)
        ref = token_logprobs(REF[states], tokens, temperature=1.0)
        votes = _scores(tokens).reshape(-1, 2).softmax(1).flatten()
        for _ in range(EPOCHS):
            logprobs = token_logprobs(logits[states], tokens, temperature=1.0)
            optimizer.zero_grad()
            loss(logprobs, ref, votes, mask, beta=KL_COEF).loss.backward()
            optimizer.step()
    return logits
