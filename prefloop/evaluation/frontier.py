"""The tuned model's reward at its KL, against the best that any model could have at that KL."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from prefloop.evaluation.estimates import mean_row
from prefloop.evaluation.kl import kl_figures
from prefloop.functional.frontier import best_of_n, optimal_frontier, reward_at_kl
from prefloop.records import Prompt, Sample
from prefloop.scorers.scorer import Scorer


def frontier_figures(
    scorer: Scorer,
    prompts: Mapping[str, Prompt],
    frontier_samples: Sequence[Sample],
    policy_samples: Sequence[Sample],
) -> dict[str, Any] | None:
    """Return the estimated best trade-off, best-of-n, and the policy's own point.

    None without several samples per prompt. The policy is placed by its samples on the frontier's
    prompts where it answered all of them, otherwise by all its samples. Rewards are the taste's
    own scores, not the reward model's.
    """
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in frontier_samples:
        if sample.prompt_id in prompts:
            groups[sample.prompt_id].append(sample)
    n_samples = min(map(len, groups.values()), default=0)
    if n_samples < 2 or not policy_samples:
        return None
    drawn = [sample for group in groups.values() for sample in group[:n_samples]]
    rewards = _scores(scorer, prompts, drawn).reshape(len(groups), n_samples)
    frontier = optimal_frontier(rewards)
    placed = _placed(policy_samples, set(groups))
    reward = mean_row(_scores(scorer, prompts, placed).tolist(), [s.prompt_id for s in placed])
    kl = kl_figures(placed)
    assert reward is not None and kl is not None  # there are policy samples
    best = reward_at_kl(frontier, kl["value"])
    return {
        "points": [asdict(point) for point in frontier.points],
        "max_trustworthy_kl_nats": frontier.max_trustworthy_kl_nats,
        "max_expressible_kl_nats": frontier.max_expressible_kl_nats,
        "n_prompts": frontier.n_prompts,
        "n_samples": frontier.n_samples,
        "best_of_n": [asdict(best_of_n(rewards, n)) for n in _powers_of_two(n_samples)],
        "reference_reward": float(rewards.mean()),
        "policy": {"kl_nats": kl, "reward": reward},
        "best_reward_at_kl": best,
        "share_of_best_gain": _share_of_gain(reward["value"], float(rewards.mean()), best),
    }


def _share_of_gain(reached: float, base: float, best: float | None) -> float | None:
    return None if best is None or best <= base else (reached - base) / (best - base)


def _placed(policy_samples: Sequence[Sample], prompt_ids: set[str]) -> Sequence[Sample]:
    """Return the samples on these prompts if they answer all of them, otherwise all samples."""
    shared = [sample for sample in policy_samples if sample.prompt_id in prompt_ids]
    return shared if {sample.prompt_id for sample in shared} == prompt_ids else policy_samples


def _scores(
    scorer: Scorer, prompts: Mapping[str, Prompt], samples: Sequence[Sample]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    return scorer.score([prompts[s.prompt_id].text for s in samples], [s.text for s in samples])


def _powers_of_two(limit: int) -> list[int]:
    return [2**k for k in range(limit.bit_length()) if 2**k <= limit]
