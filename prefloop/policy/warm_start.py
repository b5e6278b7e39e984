"""Supervised training before PPO: the model learns the register of the prompts' own texts.

2019 did so for the style tasks: the warm-started model is then both where the policy begins and the
reference that it must stay near. Here the stage writes a model folder, and the run goes on from
that folder as from any other model.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from prefloop.files import verify_folder, write_folder
from prefloop.functional.adam import tensorflow_eps
from prefloop.functional.masking import masked_mean
from prefloop.functional.schedules import cosine_decay
from prefloop.models.config import ModelsConfig
from prefloop.models.export import save_policy
from prefloop.models.family import Family
from prefloop.models.heads import ValueHead
from prefloop.models.loading import load_causal, load_tokenizer
from prefloop.models.optimizing import refuse_nan, set_adam
from prefloop.models.scoring import banned_mask, pad_left, respond_forward
from prefloop.policy.config import WarmStartConfig
from prefloop.progress import Progress
from prefloop.prompts.task import TaskConfig
from prefloop.records import Prompt
from prefloop.seeding import numpy_stream

ADAM_EPS = 1e-8
"""Adam's usual epsilon; 2019's larger one belongs to its reward model and PPO."""


class Lesson(NamedTuple):
    """A query and the text that should follow it, as ids."""

    query: list[int]
    response: list[int]


def warm_start(
    base: Path,
    config: WarmStartConfig,
    models: ModelsConfig,
    lessons: Sequence[Lesson],
    *,
    folder: Path,
    seed: int,
    progress: Progress,
) -> Path:
    """Return the folder of the model that was trained on `lessons`; made once, then found again."""
    if folder.exists() and not verify_folder(folder, hashes=False):
        return folder
    coder = load_tokenizer(base)
    family = Family(load_causal(base, coder), models, seed=seed)
    optimizer = torch.optim.Adam([p for _, p in family.policy.named_parameters], fused=True)
    per_epoch = max(1, len(lessons) // config.batch_size)
    total = per_epoch * config.epochs
    for step in range(total):
        epoch, place = divmod(step, per_epoch)
        order = numpy_stream(seed, "warm start", epoch).permutation(len(lessons))
        rows = order[place * config.batch_size : (place + 1) * config.batch_size]
        lr = config.lr * cosine_decay(step, total)
        set_adam(optimizer, lr=lr, eps=tensorflow_eps(step + 1, eps=ADAM_EPS))
        loss = _step(family, optimizer, [lessons[int(i)] for i in rows], coder.pad_id)
        detail = f"perplexity {math.exp(min(loss, 700)):.1f}"
        progress.count("warm start", step + 1, total, detail)
    value_head = ValueHead(family.policy.width)
    write_folder(folder, lambda place: save_policy(place, family, value_head, coder))
    return folder


def lessons_of(
    prompts: Sequence[Prompt], task: TaskConfig, base: Path, texts: Sequence[str]
) -> list[Lesson]:
    """Return what to learn: the prompts' human answers, or else the passages themselves."""
    coder = load_tokenizer(base)
    with_answer = [p for p in prompts if p.reference]
    limit = task.response_tokens
    if with_answer:
        prefix, suffix = coder.encode(task.prefix), coder.encode(task.suffix)
        return [
            Lesson(
                prefix + coder.encode(p.text) + suffix,
                coder.encode(" " + (p.reference or "").strip() + "\n")[:limit],
            )
            for p in with_answer
        ]
    length = task.query_tokens_max + limit
    passages = [coder.encode(text)[:length] for text in texts]
    return [Lesson(ids[:1], ids[1:]) for ids in passages if len(ids) > 1]


def _step(
    family: Family, optimizer: torch.optim.Optimizer, batch: Sequence[Lesson], pad_id: int
) -> float:
    """Take one step on the mean negative log-likelihood per token, and return it."""
    n_tokens = sum(len(lesson.response) for lesson in batch)
    optimizer.zero_grad(set_to_none=True)
    nothing = banned_mask(family.policy.causal.get_output_embeddings().weight.shape[0], [])
    total = 0.0
    for start in range(0, len(batch), 8):
        part = batch[start : start + 8]
        longest = max(len(lesson.response) for lesson in part)
        query, query_mask = pad_left([lesson.query for lesson in part], pad_id)
        response = torch.full((len(part), longest), pad_id)
        counts = torch.zeros((len(part), longest), dtype=torch.bool)
        for row, lesson in enumerate(part):
            response[row, : len(lesson.response)] = torch.tensor(lesson.response)
            counts[row, : len(lesson.response)] = True
        forward = respond_forward(
            family.policy,
            query,
            query_mask,
            response,
            temperature=1.0,
            banned=nothing,
            counted=counts,
        )
        loss = -masked_mean(forward.logprobs, counts, denominator=torch.tensor(n_tokens))
        loss.backward()  # type: ignore[no-untyped-call]
        total += loss.item()
    refuse_nan(total, "the warm start's loss", "lower policy.warm_start.lr")
    optimizer.step()
    return total
