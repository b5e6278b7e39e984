"""The model's reward at its KL, against the best that any model could have at that KL."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

import numpy as np

from prefloop.evaluation.estimates import mean_figure
from prefloop.evaluation.kl import bound_figure, kl_figure
from prefloop.figures.frontier import (
    BestOfNFigures,
    FrontierFigures,
    FrontierPointFigures,
    PlacedModelFigures,
)
from prefloop.functional.frontier import best_of_n, optimal_frontier, reward_at_kl
from prefloop.records import Prompt, Sample
from prefloop.scorers.scorer import Scores

ScoreSamples = Callable[[Sequence[Sample]], Scores]
"""From samples to one number each."""


def frontier_figures(
    score: ScoreSamples,
    prompts: Mapping[str, Prompt],
    frontier_samples: Sequence[Sample],
    model_samples: Sequence[Sample],
    kl_at_most: float | None = None,
) -> FrontierFigures | None:
    """Return the estimated best trade-off, best-of-n, and the model's own point.

    None without several reference samples per prompt, or a model sample whose KL or bound is known.
    The model is placed by its samples on the frontier's prompts where it answered all of them,
    otherwise by all its samples. Rewards are what `score` gives, not the reward model's.
    """
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in frontier_samples:
        if sample.prompt_id in prompts:
            groups[sample.prompt_id].append(sample)
    n_samples = min(map(len, groups.values()), default=0)
    placed = _placed(model_samples, set(groups))
    kl = kl_figure(placed) if kl_at_most is None else bound_figure(kl_at_most, placed)
    if n_samples < 2 or kl is None:
        return None
    drawn = [sample for group in groups.values() for sample in group[:n_samples]]
    rewards = score(drawn).reshape(len(groups), n_samples)
    frontier = optimal_frontier(rewards)
    reward = mean_figure(score(placed).tolist(), [s.prompt_id for s in placed])
    assert reward is not None  # kl is known, so there are samples
    best = reward_at_kl(frontier, kl.value)
    return FrontierFigures(
        points=tuple(FrontierPointFigures(**asdict(point)) for point in frontier.points),
        max_trustworthy_kl_nats=frontier.max_trustworthy_kl_nats,
        max_expressible_kl_nats=frontier.max_expressible_kl_nats,
        n_prompts=frontier.n_prompts,
        n_samples=frontier.n_samples,
        best_of_n=_best_of_n(rewards),
        reference_reward=float(rewards.mean()),
        model=PlacedModelFigures(kl_nats=kl, is_bound=kl_at_most is not None, reward=reward),
        best_reward_at_kl=best,
        share_of_best_gain=_share_of_gain(reward.value, float(rewards.mean()), best),
    )


def _share_of_gain(reached: float, base: float, best: float | None) -> float | None:
    return None if best is None or best <= base else (reached - base) / (best - base)


def _placed(model_samples: Sequence[Sample], prompt_ids: set[str]) -> Sequence[Sample]:
    """Return the samples on these prompts if they answer all of them, otherwise all samples."""
    shared = [sample for sample in model_samples if sample.prompt_id in prompt_ids]
    return shared if {sample.prompt_id for sample in shared} == prompt_ids else model_samples


def _best_of_n(rewards: np.ndarray) -> tuple[BestOfNFigures, ...]:
    """Return the best of 1, 2, 4, ... draws, up to the samples per prompt."""
    limit = rewards.shape[1]
    powers = [2**k for k in range(limit.bit_length()) if 2**k <= limit]
    return tuple(BestOfNFigures(**asdict(best_of_n(rewards, n))) for n in powers)
