"""Best of n before any policy is trained: does another scorer agree with what is selected?"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from prefloop.evaluation.estimates import estimate_figure
from prefloop.figures.reward_audit import BestOfFigures, BestOfPointFigures
from prefloop.functional.frontier import best_of_n, best_of_n_by
from prefloop.functional.statistics import clustered_mean
from prefloop.records import REFERENCE, Prompt, Sample
from prefloop.scorers.scorer import Scores
from prefloop.store.store import Store

MOST_SAMPLES = 16
"""Samples per prompt that are scored: as far as best of n is looked at."""


def unseen_groups(
    store: Store, prompts: Mapping[str, Prompt], *, most: int = MOST_SAMPLES
) -> list[list[Sample]]:
    """Return reference samples of prompts that the reward model did not learn from, by prompt.

    Those drawn for the frontier on held-out prompts where they are there, else those that
    validation questions showed; as many of each prompt, at most `most`.
    """
    stored = [
        _grouped(store.samples(model=REFERENCE, purpose=purpose), prompts, split, most)
        for purpose, split in (("frontier", "held_out"), ("labels", "validation"))
    ]
    return next((groups for groups in stored if groups), [])


def _grouped(
    samples: Sequence[Sample], prompts: Mapping[str, Prompt], split: str, most: int
) -> list[list[Sample]]:
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.prompt_id in prompts and prompts[sample.prompt_id].split == split:
            groups[sample.prompt_id].append(sample)
    sizes = sorted(map(len, groups.values()))
    # Where few draws ended a prompt has fewer: the middle prompt's number, and all that have it.
    n = min(sizes[len(sizes) // 2], most) if sizes else 0
    return [group[:n] for group in groups.values() if len(group) >= n] if n > 1 else []


def best_of_figures(rewards: Scores, held_out: Scores | None, scorer: str | None) -> BestOfFigures:
    """Return the rewards of the best of 1, 2, 4, ... and what another scorer says of them.

    `rewards` and `held_out`: (prompts, samples).
    """
    n_prompts, n_samples = rewards.shape
    sizes = [2**k for k in range(n_samples.bit_length()) if 2**k <= n_samples]
    rows = [str(i) for i in range(n_prompts)]
    kept = {n: best_of_n_by(rewards, held_out, n) for n in sizes} if held_out is not None else {}
    points = []
    for n in sizes:
        point = best_of_n(rewards, n)
        mean = estimate_figure(clustered_mean(kept[n], rows)) if kept else None
        points.append(
            BestOfPointFigures(n=n, kl_nats=point.kl_nats, reward=point.reward, held_out=mean)
        )
    rise = clustered_mean(kept[sizes[-1]] - kept[1], rows) if kept else None
    return BestOfFigures(
        scorer=scorer,
        prompts=n_prompts,
        samples=n_samples,
        points=tuple(points),
        rise=estimate_figure(rise) if rise is not None else None,
    )
