"""Laws that the formulas keep for all inputs."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from prefloop.functional.advantages import explained_variance, gae
from prefloop.functional.kl import (
    exact_kl,
    kl_increase,
    kl_k1,
    kl_k2,
    kl_k3,
    sequence_kl,
)
from prefloop.functional.kl_control import adaptive_kl_coef, kl_cap_weight
from prefloop.functional.masking import masked_mean, masked_var, masked_whiten
from prefloop.functional.normalization import gain_and_shift
from prefloop.functional.ppo_loss import clipped_policy_loss, clipped_value_loss
from prefloop.functional.preference_loss import best_of_k_accuracy, best_of_k_loss
from prefloop.functional.rewards import sequence_rewards, shape_rewards
from prefloop.functional.rloo import clipped_sequence_loss, leave_one_out_advantages
from prefloop.functional.sampling import sample_inverse_cdf
from prefloop.functional.schedules import cosine_decay, label_budget, linear_decay
from prefloop.functional.truncation import stop_index, truncation_mask
from tests.tolerances import EXACT, FP64

seeds = st.integers(0, 2**31)
lengths = st.lists(st.integers(1, 5), min_size=1, max_size=5).filter(lambda n: sum(n) > 1)
unit = st.floats(0, 1)


def drawn(seed: int, n: list[int], width: int) -> dict[str, Any]:
    """Return responses of the given lengths, the same numbers at every width, NaN past the end."""
    generator = torch.Generator().manual_seed(seed)
    mask = torch.arange(width) < torch.tensor(n).unsqueeze(1)
    names = ["logprobs", "ref", "old", "values", "old_values", "returns"]
    tensors = {}
    for name in names:
        core = torch.randn(len(n), 5, generator=generator, dtype=torch.float64)
        whole = torch.full((len(n), width), torch.nan, dtype=torch.float64)
        whole[:, : min(5, width)] = core[:, :width]
        tensors[name] = whole.masked_fill(~mask, torch.nan)
    scores = torch.randn(len(n), generator=generator, dtype=torch.float64)
    return {**tensors, "mask": mask, "scores": scores}


def pipeline(batch: dict[str, Any], *, gamma: float = 0.99, lam: float = 0.95) -> dict[str, Tensor]:
    """Return everything that one update computes; per token, NaN nowhere."""
    mask = batch["mask"]
    rewards, kl = shape_rewards(
        batch["scores"], batch["logprobs"], batch["ref"], mask, kl_coef=0.15
    )
    white = masked_whiten(rewards, mask, center=False)
    advantages, returns = gae(white, batch["values"], mask, gamma=gamma, lam=lam)
    final = masked_whiten(advantages, mask, center=True)
    k2 = kl_k2(batch["logprobs"], batch["ref"], mask)
    gained = kl_increase(batch["logprobs"], batch["old"], batch["ref"], mask)
    policy = clipped_policy_loss(batch["logprobs"], batch["old"], final, mask, clip_range=0.2)
    value = clipped_value_loss(
        batch["values"], batch["old_values"], returns, mask, clip_range_value=0.2
    )
    whole = sequence_rewards(batch["scores"], batch["logprobs"], batch["ref"], mask, kl_coef=0.15)
    sequence = clipped_sequence_loss(batch["logprobs"], batch["old"], whole, mask, clip_range=0.2)
    scalars = [*policy, *value, *sequence, explained_variance(batch["values"], returns, mask)]
    scalars += [masked_mean(batch["values"], mask), masked_var(batch["values"], mask)]
    return {
        "per token": torch.stack(
            [rewards, kl, k2, kl_k3(batch["logprobs"], batch["ref"], mask), final]
        ),
        "per response": torch.stack([sequence_kl(kl), gained, whole], dim=1),
        "scalars": torch.stack(scalars),
    }


@given(seeds, lengths, st.integers(0, 7))
def test_padding_never_changes_anything(seed: int, n: list[int], extra: int) -> None:
    width = max(n)
    narrow, wide = (pipeline(drawn(seed, n, w)) for w in (width, width + extra))
    torch.testing.assert_close(wide["per token"][:, :, :width], narrow["per token"], **FP64)
    assert (wide["per token"][:, :, width:] == 0).all()
    for key in ("per response", "scalars"):
        torch.testing.assert_close(wide[key], narrow[key], **FP64)


@given(seeds, lengths, st.randoms())
def test_order_of_rows_never_changes_anything(seed: int, n: list[int], random: Any) -> None:
    order = list(range(len(n)))
    random.shuffle(order)
    batch = drawn(seed, n, max(n))
    straight, shuffled = pipeline(batch), pipeline({k: x[order] for k, x in batch.items()})
    torch.testing.assert_close(shuffled["per token"], straight["per token"][:, order], **FP64)
    torch.testing.assert_close(shuffled["per response"], straight["per response"][order], **FP64)
    torch.testing.assert_close(shuffled["scalars"], straight["scalars"], **FP64)


@given(seeds, lengths, unit)
def test_lambda_one_is_monte_carlo(seed: int, n: list[int], gamma: float) -> None:
    batch = drawn(seed, n, max(n))
    _, returns = gae(batch["old"], batch["values"], batch["mask"], gamma=gamma, lam=1.0)
    for row, length in enumerate(n):
        for t in range(length):
            rest = [gamma ** (s - t) * batch["old"][row, s].item() for s in range(t, length)]
            assert returns[row, t].item() == pytest.approx(math.fsum(rest), rel=1e-9, abs=1e-9)


@given(seeds, lengths, unit)
def test_lambda_zero_is_one_step_td(seed: int, n: list[int], gamma: float) -> None:
    batch = drawn(seed, n, max(n))
    values, mask = batch["values"].nan_to_num(), batch["mask"]
    advantages, _ = gae(batch["old"], batch["values"], mask, gamma=gamma, lam=0.0)
    ahead = torch.cat([values[:, 1:], torch.zeros(len(n), 1)], 1)
    expected = (batch["old"] + gamma * ahead - values).masked_fill(~mask, 0.0)
    torch.testing.assert_close(advantages, expected, **FP64)


@given(seeds, lengths)
def test_true_values_leave_no_advantage(seed: int, n: list[int]) -> None:
    batch = drawn(seed, n, max(n))
    mask, rewards = batch["mask"], batch["old"].nan_to_num()
    values = rewards.flip(1).cumsum(1).flip(1)
    advantages, _ = gae(rewards, values, mask, gamma=1.0, lam=0.95)
    torch.testing.assert_close(advantages, torch.zeros_like(advantages), **FP64)


@given(seeds, lengths, st.floats(0, 2))
def test_rewards_of_a_response_sum_to_score_less_kl(seed: int, n: list[int], coef: float) -> None:
    b = drawn(seed, n, max(n))
    rewards, kl = shape_rewards(b["scores"], b["logprobs"], b["ref"], b["mask"], kl_coef=coef)
    expected = b["scores"] - coef * sequence_kl(kl)
    torch.testing.assert_close(rewards.sum(1), expected, **FP64)
    whole = sequence_rewards(b["scores"], b["logprobs"], b["ref"], b["mask"], kl_coef=coef)
    torch.testing.assert_close(whole, expected, **FP64)


@given(seeds, lengths)
def test_whitened_tokens_have_the_moments_asked_for(seed: int, n: list[int]) -> None:
    batch = drawn(seed, n, max(n))
    x, mask = batch["values"], batch["mask"]
    centered = masked_whiten(x, mask, center=True, eps=0.0)
    kept = masked_whiten(x, mask, center=False, eps=0.0)
    one = torch.ones((), dtype=torch.float64)
    torch.testing.assert_close(1 + masked_mean(centered, mask), one, **FP64)
    torch.testing.assert_close(masked_mean(kept, mask), masked_mean(x, mask), **FP64)
    for white in (centered, kept):
        torch.testing.assert_close(masked_var(white, mask), one, **FP64)


@given(seeds)
def test_kl_is_the_mean_of_both_estimators_and_never_negative(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    p, q = torch.randn(2, 1, 6, generator=generator, dtype=torch.float64)
    exact = exact_kl(p.unsqueeze(0), q.unsqueeze(0), temperature=0.7)[0, 0]
    log_p, log_q = (p / 0.7).log_softmax(-1), (q / 0.7).log_softmax(-1)
    every = torch.ones(1, 6, dtype=torch.bool)
    for estimator in (kl_k1, kl_k3):
        mean = (log_p.exp() * estimator(log_p, log_q, every)).sum()
        torch.testing.assert_close(mean, exact, **FP64)
    assert exact >= 0
    assert (kl_k3(log_p, log_q, every) >= -1e-12).all()


@given(seeds)
def test_the_gradient_of_k2_is_that_of_the_kl(seed: int) -> None:
    """Over all tokens, each with its probability; k1's own gradient is 0."""
    generator = torch.Generator().manual_seed(seed)
    logits, ref = torch.randn(2, 6, generator=generator, dtype=torch.float64)
    logits.requires_grad_()
    log_q = ref.log_softmax(0).unsqueeze(1)
    every = torch.ones(6, 1, dtype=torch.bool)

    def gradient(estimator: Any) -> Tensor:
        log_p = logits.log_softmax(0).unsqueeze(1)
        mean = (log_p.detach().exp() * estimator(log_p, log_q, every)).sum()
        return torch.autograd.grad(mean, logits)[0]

    log_p = logits.log_softmax(0).unsqueeze(1)
    kl = (log_p.exp() * (log_p - log_q)).sum()
    torch.testing.assert_close(gradient(kl_k2), torch.autograd.grad(kl, logits)[0], **FP64)
    torch.testing.assert_close(gradient(kl_k1), torch.zeros_like(ref), **FP64)


groups = st.tuples(seeds, st.integers(1, 5), st.integers(2, 6))


@given(groups, st.floats(-50, 50))
def test_leave_one_out_advantages_of_a_prompt_sum_to_nothing_and_forget_a_constant(
    size: tuple[int, int, int], constant: float
) -> None:
    seed, n, k = size
    rewards = torch.randn(n * k, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    found = leave_one_out_advantages(rewards, samples_per_prompt=k)
    torch.testing.assert_close(found.reshape(n, k).sum(1), torch.zeros(n).double(), **FP64)
    easier = rewards + constant * torch.arange(n).repeat_interleave(k)
    moved = leave_one_out_advantages(easier, samples_per_prompt=k)
    assert (moved - found).abs().max() < 1e-10


@given(seeds)
def test_what_the_kl_increase_is_the_difference_of_both_kls(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    old, ref = torch.randn(2, 6, generator=generator, dtype=torch.float64).log_softmax(-1)
    step = torch.rand(6, generator=generator, dtype=torch.float64)  # No ratio is beyond e.
    new = (old + step).log_softmax(-1)
    every = torch.ones(6, 1, dtype=torch.bool)
    gained = kl_increase(new.unsqueeze(1), old.unsqueeze(1), ref.unsqueeze(1), every)
    far, near = ((p.exp() * (p - ref)).sum() for p in (new, old))
    torch.testing.assert_close((old.exp() * gained).sum(), far - near, **FP64)


@given(st.floats(-10, 100), st.floats(0, 10), st.floats(0.1, 50))
def test_the_kl_term_weighs_more_the_further_above_the_cap(
    kl: float, further: float, cap: float
) -> None:
    weight = kl_cap_weight(kl, cap=cap)
    assert 0.0 <= weight <= kl_cap_weight(kl + further, cap=cap) <= 1.0
    assert weight == 0.0 or kl > cap
    assert weight == 1.0 or kl < 1.21 * cap


comparisons = st.tuples(seeds, st.integers(1, 5), st.integers(2, 8))


def comparison(seed: int, b: int, k: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(b, k, generator=generator, dtype=torch.float64)
    return scores, torch.randn(b, k, generator=generator, dtype=torch.float64).softmax(1)


@given(comparisons, st.floats(-100, 100))
def test_constant_added_to_scores_leaves_the_loss_alone(
    size: tuple[int, int, int], constant: float
) -> None:
    scores, targets = comparison(*size)
    moved = best_of_k_loss(scores + constant, targets)
    torch.testing.assert_close(moved, best_of_k_loss(scores, targets), **FP64)


@given(comparisons, st.randoms())
def test_order_of_responses_leaves_loss_and_accuracy_alone(
    size: tuple[int, int, int], random: Any
) -> None:
    scores, targets = comparison(*size)
    order = list(range(size[2]))
    random.shuffle(order)
    for function in (best_of_k_loss, best_of_k_accuracy):
        swapped = function(scores[:, order], targets[:, order])
        torch.testing.assert_close(swapped, function(scores, targets), **FP64)


@given(comparisons)
def test_swapping_two_responses_but_not_the_label_swaps_the_preference(
    size: tuple[int, int, int],
) -> None:
    scores, _ = comparison(size[0], size[1], 2)
    first = torch.tensor([[1.0, 0.0]], dtype=torch.float64).expand(size[1], 2)
    chances = [(-best_of_k_loss(s[None], first[:1])).exp() for s in scores]
    swapped = [(-best_of_k_loss(s[None].flip(1), first[:1])).exp() for s in scores]
    one = torch.ones(size[1], dtype=torch.float64)
    torch.testing.assert_close(torch.stack(chances) + torch.stack(swapped), one, **FP64)
    total = best_of_k_accuracy(scores, first) + best_of_k_accuracy(scores.flip(1), first)
    torch.testing.assert_close(total.double(), one, **EXACT)


@given(st.floats(1e-3, 10), st.floats(-50, 500), st.floats(0.1, 50), st.integers(1, 2048))
def test_controller_moves_toward_the_target_and_never_far(
    coef: float, kl: float, target: float, n: int
) -> None:
    new = adaptive_kl_coef(coef, kl, target=target, horizon=10_000.0, n_episodes=n)
    assert (new > coef) == (kl > target) or new == pytest.approx(coef)
    assert abs(new / coef - 1) <= 0.2 * n / 10_000 + 1e-12
    assert new > 0


@given(st.integers(0, 100), st.integers(1, 100))
def test_schedules_fall_from_one_to_zero(step: int, more: int) -> None:
    total = step + more
    for decay in (linear_decay, cosine_decay):
        assert decay(0, total) == 1.0
        assert decay(total, total) == pytest.approx(0.0, abs=1e-15)
        assert decay(step, total) > decay(step + 1, total)


@given(st.integers(0, 500), st.integers(0, 5000), unit, unit)
def test_label_budget_never_falls(initial: int, more: int, a: float, b: float) -> None:
    low, high = (label_budget(initial, initial + more, f) for f in sorted((a, b)))
    assert initial <= low <= high <= initial + more


@given(seeds, st.integers(2, 40), st.floats(-3, 3), st.floats(0.1, 9))
def test_normalized_scores_have_the_moments_asked_for(
    seed: int, n: int, mean: float, std: float
) -> None:
    raw = torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    gain, shift = gain_and_shift(raw, mean=mean, std=std)
    scores = gain * raw + shift
    assert scores.mean().item() == pytest.approx(mean, abs=1e-9)
    assert scores.std(correction=0).item() == pytest.approx(std, rel=1e-9)
    assert gain > 0


@given(st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), min_size=1, max_size=4))
def test_tokens_after_the_stop_never_change_where_it_is(rows: list[list[int]]) -> None:
    response = torch.tensor(rows)
    is_stop = torch.tensor([False, False, True, False])
    stop = stop_index(response, is_stop, earliest=2)
    mask = truncation_mask(stop, 6)
    for row, index, keep in zip(rows, stop.tolist(), mask.tolist(), strict=True):
        first = next((t for t in range(2, 6) if row[t] == 2), -1)
        assert index == first
        assert keep == [first == -1 or t <= first for t in range(6)]
    again = stop_index(torch.where(mask, response, 3), is_stop, earliest=2)
    assert again.tolist() == stop.tolist()


@given(seeds, st.floats(0, 1), st.integers(1, 30))
def test_drawn_token_is_the_one_whose_interval_holds_the_uniform(
    seed: int, u: float, width: int
) -> None:
    logits = 3 * torch.randn(1, width, generator=torch.Generator().manual_seed(seed))
    token = int(sample_inverse_cdf(logits, torch.tensor([u]), temperature=0.7)[0])
    cumulative = (logits[0].double() / 0.7).softmax(0).cumsum(0)
    low = cumulative[token - 1].item() if token else 0.0
    assert low - 1e-6 <= u <= cumulative[token].item() + 1e-6
