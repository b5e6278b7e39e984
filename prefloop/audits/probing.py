"""Measuring what canaries look at: the trainer's own objects on texts and responses that are known.

Nothing here trains, and nothing draws from a random stream that training uses.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from prefloop.audits.canaries import LEAST_OWN, Probed, pair_credit
from prefloop.audits.probes import BAD_TEXTS, GoldQuestion
from prefloop.audits.reward_choices import Numbers
from prefloop.batches import PreferenceBatch
from prefloop.functional.kl import kl_k1, sequence_kl
from prefloop.label_types.losses import LOSSES
from prefloop.models.pretrained import context_of
from prefloop.models.runtime import to_numpy
from prefloop.policy.methods.method import TellsRewards
from prefloop.policy.reward_check import (
    RewardCheck,
    check_rewards,
    given_batch,
    rollout_with_kl,
)
from prefloop.policy.reward_source import HeldOutSource, RewardModelSource, ScoredBatch
from prefloop.policy.trainer import PolicyTrainer
from prefloop.records import REFERENCE, Prompt, Sample
from prefloop.rewards.model import RewardModel
from prefloop.samples.sampler import Sampler
from prefloop.seeding import derive_seed

SAMPLED = 16
"""Responses that are sampled to compare log-probabilities."""

PAIRS_AT_ONCE = 8
"""Pairs of a pass, which bounds its memory."""

OWN = 32
"""Texts whose rewards are compared with the reward model's own scores: a turned sign turns all."""

KL_STEP = 0.25
"""Nats between the made-up KLs of texts at the start, where a real policy has none."""


def probe(trainer: PolicyTrainer, gold: Sequence[GoldQuestion]) -> Probed:
    """Return what the trainer would reward gold and bad texts with; `gold` is not empty."""
    samples = [s for question in gold for s in (question.chosen, question.other)]
    prompts = [question.prompt for question in gold for _ in range(2)]
    responses = [_ids(trainer, p, s) for p, s in zip(prompts, samples, strict=True)]
    rewards, own, _ = _rewards(trainer, prompts, responses)
    of_reference = rewards[[s.model == REFERENCE for s in samples]]
    bad, is_ended = _bad(trainer, [gold[i % len(gold)].prompt for i in range(len(BAD_TEXTS))])
    return Probed(
        credit=pair_credit(rewards),
        prompts=tuple(question.prompt.id for question in gold),
        bad=bad[is_ended],
        median=float(np.median(of_reference)) if len(of_reference) else None,
        agrees=own,
    )


def _bad(trainer: PolicyTrainer, prompts: Sequence[Prompt]) -> tuple[Numbers, NDArray[np.bool_]]:
    encode = trainer.collector.sampler.queries
    responses = [
        encode.reward_text(p.text, text)[len(encode.reward_query(p.text)) :]
        for p, text in zip(prompts, BAD_TEXTS, strict=True)
    ]
    rewards, _, is_ended = _rewards(trainer, prompts, responses)
    return rewards, is_ended


@torch.no_grad()
def _rewards(
    trainer: PolicyTrainer, prompts: Sequence[Prompt], responses: Sequence[Sequence[int]]
) -> tuple[Numbers, float | None, NDArray[np.bool_]]:
    """Return rewards at a KL of 0, their correlation with the reward model's own scores of the
    first texts that end, and which end."""
    collector = trainer.collector
    reward = collector.reward
    if isinstance(reward, HeldOutSource):
        # Labels bear out the whole score: what is held out of it is not what they say.
        reward = reward.whole
    batch = given_batch(collector.sampler, prompts, responses)
    scores = collector.scores(prompts, batch, reward).scores
    rollout = rollout_with_kl(collector.sampler, batch, scores, torch.zeros_like(scores))
    method = trainer.method
    if isinstance(method, TellsRewards):
        scores = method.response_rewards(rollout, kl_coef=trainer.kl_coef)
    rewards = to_numpy(scores).astype(np.float64)
    is_ended = np.asarray(to_numpy(batch.stop_mask.is_ended), dtype=bool)
    own = None
    if isinstance(reward, RewardModelSource) and is_ended.sum() >= LEAST_OWN:
        ids = batch.generation.response.tolist()
        ended = np.flatnonzero(is_ended)[:OWN].tolist()
        texts = [collector.sampler.reward_ids(prompts[i].text, ids[i]) for i in ended]
        own = _correlation(rewards[ended], to_numpy(reward.model.score(texts)))
    return rewards, own, is_ended


def _correlation(one: Numbers, other: Numbers) -> float | None:
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def identity_at_start(trainer: PolicyTrainer, prompts: Sequence[Prompt]) -> RewardCheck | None:
    """Return what the method would learn from made-up scores and KLs: C3 before any update."""
    sampler = trainer.collector.sampler
    n = SAMPLED
    asked = [prompts[i % len(prompts)] for i in range(n)]
    query = [sampler.query_ids(prompt)[:1] or [sampler.tokenizer.pad_id] for prompt in asked]
    batch = given_batch(sampler, asked, [ids * 2 for ids in query])
    # Scores and KLs that do not go together, so that both weights can be told.
    order = torch.arange(n, device=sampler.banned.device)
    scores = (order % 4).to(batch.generation.logprobs) - 1.5
    kl = KL_STEP * (order // 4).to(batch.generation.logprobs)
    rollout = rollout_with_kl(sampler, batch, scores, kl)
    return check_rewards(trainer.method, rollout, kl_coef=trainer.kl_coef)


@torch.no_grad()
def log_probability_gaps(
    trainer: PolicyTrainer, prompts: Sequence[Prompt]
) -> tuple[Numbers | None, Numbers]:
    """Return the KL of some fresh responses, None after the first update, and how far the
    trainer's log-probability of each is from that with which it was sampled; in nats."""
    collector = trainer.collector
    some = prompts[: max(1, SAMPLED // collector.samples_per_prompt)]
    seed = derive_seed(trainer.seed, "canary", trainer.update)
    batch = collector.sample(some, seed=seed)
    scores = batch.generation.logprobs.new_zeros(len(batch.query))
    rollout = collector.rollout_of(batch, ScoredBatch(scores))
    # As large as training's own passes: what fits there fits here.
    parts = trainer.optimizer.microbatches(rollout)
    logprobs = torch.cat([trainer.optimizer.forward(rollout.rows(r)).logprobs for r in parts])
    apart = sequence_kl(kl_k1(logprobs, batch.generation.logprobs, rollout.mask))
    kl = sequence_kl(kl_k1(rollout.logprobs, rollout.ref_logprobs, rollout.mask))
    return (to_numpy(kl) if trainer.update == 0 else None), to_numpy(apart)


def model_credit(model: RewardModel, sampler: Sampler, gold: Sequence[GoldQuestion]) -> Numbers:
    """Return by question whether a reward model scores the chosen sample above the other."""
    texts = [sampler.sample_ids(q.prompt.text, s) for q in gold for s in (q.chosen, q.other)]
    return pair_credit(to_numpy(model.score(texts))) if texts else np.zeros(0)


def fitting(
    model: RewardModel, sampler: Sampler, gold: Sequence[GoldQuestion]
) -> list[GoldQuestion]:
    """Return the questions of which the reward model can read every sample."""
    limit = context_of(model.role_model.causal.config)
    return [
        q
        for q in gold
        if all(len(sampler.sample_ids(q.prompt.text, s)) <= limit for s in (q.chosen, q.other))
    ]


def swap_accuracies(
    model: RewardModel, sampler: Sampler, gold: Sequence[GoldQuestion]
) -> tuple[float, float, int]:
    """Return the accuracy on pairs of chosen and other, on the same pairs swapped, and how many.

    Each order is scored by itself, as a batch in that order; the label says "the first" in both.
    """
    pairs = [
        (
            sampler.sample_ids(q.prompt.text, q.chosen),
            sampler.sample_ids(q.prompt.text, q.other),
        )
        for q in gold
    ]
    pairs = [pair for pair in pairs if pair[0] != pair[1]]
    if not pairs:
        return 0.0, 0.0, 0
    there, back = ([pair[::step] for pair in pairs] for step in (1, -1))
    return _first_is_best(model, there), _first_is_best(model, back), len(pairs)


@torch.no_grad()
def _first_is_best(model: RewardModel, pairs: Sequence[Sequence[list[int]]]) -> float:
    """Return the accuracy, read and measured as in training, if the first is the label."""
    found = []
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        groups = tuple(tuple(map(tuple, pair)) for pair in pairs[start : start + PAIRS_AT_ONCE])
        first = model.head.weight.new_tensor([[1.0, 0.0]] * len(groups))
        present = torch.ones_like(first, dtype=torch.bool)
        batch = PreferenceBatch(sequences=groups, targets=first, present=present)
        scores = model.forward_comparisons(batch).mean(dim=0)
        found.append(LOSSES["best_of_k"].accuracy(scores, first, present))
    return float(to_numpy(torch.cat(found)).mean(dtype=np.float64))


def _ids(trainer: PolicyTrainer, prompt: Prompt, sample: Sample) -> list[int]:
    """Return a stored sample as the ids of a response."""
    sampler = trainer.collector.sampler
    if sample.response_ids:
        return list(sample.response_ids)
    n_query = len(sampler.queries.reward_query(prompt.text))
    return sampler.sample_ids(prompt.text, sample)[n_query:]
