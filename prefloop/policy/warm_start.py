"""Supervised training before the first round, on texts of the prompts' register.

2019 did so for the style tasks: the warm-started model is then both the initial policy and the
reference. Here the stage writes a model folder, and the run starts from it as from any other model.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from prefloop.errors import InputError
from prefloop.figures.text import counted
from prefloop.files import verify_folder, write_folder
from prefloop.functional.adam import tensorflow_eps
from prefloop.functional.masking import masked_mean
from prefloop.functional.schedules import cosine_decay
from prefloop.models.export import save_policy
from prefloop.models.heads import ValueHead
from prefloop.models.loading import Tokenizer, load_causal, load_tokenizer
from prefloop.models.memory import fits_in_memory
from prefloop.models.optimizing import refuse_nan, set_adam
from prefloop.models.padding import pad_left, pad_right
from prefloop.models.query_encoder import QueryEncoder
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import Runtime
from prefloop.models.scoring import banned_mask, respond_forward
from prefloop.progress import Progress
from prefloop.records import Prompt
from prefloop.seeding import numpy_stream
from prefloop.settings.models import ModelsConfig
from prefloop.settings.policy import WarmStartConfig
from prefloop.settings.task import TaskConfig

ADAM_EPS = 1e-8
"""Adam's usual epsilon; 2019's larger one is for its reward model and its policy."""

PART = 8
"""Texts that go through the model at once."""


class SFTExample(NamedTuple):
    """A query and the text that should follow it, as ids."""

    query: list[int]
    response: list[int]


def warm_start(
    base: Path,
    config: WarmStartConfig,
    models: ModelsConfig,
    examples: Sequence[SFTExample],
    *,
    runtime: Runtime,
    folder: Path,
    seed: int,
    progress: Progress,
) -> Path:
    """Return the folder of the model trained on `examples`; made once, then found again.

    InputError if there is nothing to learn from.
    """
    if folder.exists() and not verify_folder(folder, hashes=False):
        return folder
    if not examples:
        raise InputError(
            "the warm start has nothing to learn from: no passage for training has two tokens. "
            "Give longer passages in prompts.source, or set policy.warm_start.epochs to 0."
        )
    progress.say(f"The warm start learns from {counted(len(examples), 'text')}.")
    tokenizer = load_tokenizer(base, beginning_of_text=models.beginning_of_text)
    causal = load_causal(base, tokenizer, runtime)
    roles = ModelRoles(causal, models, seed=seed, products=runtime.products)
    _train(roles, config, examples, pad_id=tokenizer.pad_id, seed=seed, progress=progress)
    value_head = ValueHead(roles.policy.width, runtime)
    write_folder(folder, lambda place: save_policy(place, roles, value_head, tokenizer))
    return folder


def _train(
    roles: ModelRoles,
    config: WarmStartConfig,
    examples: Sequence[SFTExample],
    *,
    pad_id: int,
    seed: int,
    progress: Progress,
) -> None:
    """Take every step; afterwards no gradient is kept."""
    optimizer = torch.optim.Adam([p for _, p in roles.policy.named_parameters], fused=True)
    size = f"{config.batch_size}; {PART} texts are read at once, so less than {PART} helps"
    per_epoch = max(1, len(examples) // config.batch_size)
    total = per_epoch * config.epochs
    for step in range(total):
        epoch, place = divmod(step, per_epoch)
        order = numpy_stream(seed, "warm start", epoch).permutation(len(examples))
        rows = order[place * config.batch_size : (place + 1) * config.batch_size]
        lr = config.lr * cosine_decay(step, total)
        set_adam(optimizer, lr=lr, eps=tensorflow_eps(step + 1, eps=ADAM_EPS))
        with fits_in_memory("training the warm start", policy__warm_start__batch_size=size):
            loss = _step(roles, optimizer, [examples[int(i)] for i in rows], pad_id)
        detail = f"perplexity {math.exp(min(loss, 700)):.1f}"
        progress.count("warm start", step + 1, total, detail)
    optimizer.zero_grad(set_to_none=True)


def sft_examples(
    prompts: Sequence[Prompt], task: TaskConfig, tokenizer: Tokenizer, texts: Sequence[str]
) -> list[SFTExample]:
    """Return what to learn: the prompts' human answers, or else the passages themselves."""
    with_answer = [p for p in prompts if p.reference]
    limit = task.response_tokens
    if with_answer:
        queries = QueryEncoder(tokenizer, task)
        return [
            SFTExample(
                queries.policy_query(p.text), _answer(p.reference or "", task, tokenizer)[:limit]
            )
            for p in with_answer
        ]
    length = task.query_tokens_max + limit
    passages = [tokenizer.encode(text)[:length] for text in texts]
    first = list(tokenizer.beginning_ids)
    # Nothing says how likely the first token of all is.
    n_given = 0 if first else 1
    return [
        SFTExample(first + ids[:n_given], ids[n_given:]) for ids in passages if len(ids) > n_given
    ]


def _answer(text: str, task: TaskConfig, tokenizer: Tokenizer) -> list[int]:
    """Return a human answer as the model is to write it, its end included.

    Where the task ends a response by a token, that is its end; else a newline is.
    """
    end = QueryEncoder(tokenizer, task).end_ids[:1]
    if task.chat.on:
        return [*tokenizer.encode_after(text.strip()), *end]
    return [*tokenizer.encode_after(" " + text.strip() + ("" if end else "\n")), *end]


def _step(
    roles: ModelRoles, optimizer: torch.optim.Optimizer, batch: Sequence[SFTExample], pad_id: int
) -> float:
    """Take one step on the mean negative log-likelihood per token, and return it."""
    n_tokens = sum(len(example.response) for example in batch)
    optimizer.zero_grad(set_to_none=True)
    policy, device = roles.policy, roles.policy.runtime.device
    nothing = banned_mask(policy.vocabulary, [], device)
    total = 0.0
    for start in range(0, len(batch), PART):
        part = batch[start : start + PART]
        query, query_mask = pad_left([example.query for example in part], pad_id, device)
        response, counts = pad_right([example.response for example in part], pad_id, device)
        forward = respond_forward(
            policy,
            query,
            query_mask,
            response,
            temperature=1.0,
            banned=nothing,
            loss_mask=counts,
        )
        n = forward.logprobs.new_tensor(n_tokens)
        loss = -masked_mean(forward.logprobs, counts, denominator=n)
        loss.backward()  # type: ignore[no-untyped-call]
        total += loss.item()
    refuse_nan(total, "the warm start's loss", "lower policy.warm_start.lr")
    optimizer.step()
    return total
