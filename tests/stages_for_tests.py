"""Stages put together on a small random model, for tests of several rooms."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

import torch
from torch import Tensor

from prefloop.batches import Rollout
from prefloop.metrics import MetricsLog
from prefloop.models.generation import Generation
from prefloop.models.loading import Tokenizer, load_causal, load_tokenizer
from prefloop.models.roles import ModelRoles, RoleModel
from prefloop.models.runtime import CPU
from prefloop.policy.build import build_trainer
from prefloop.policy.reward_source import RewardModelSource
from prefloop.policy.stage import PolicyStage
from prefloop.policy.trainer import PolicyTrainer
from prefloop.progress import Silent
from prefloop.records import REFERENCE, Comparison, Label, Prompt, Sample
from prefloop.rewards.model import RewardModel
from prefloop.samples.sampler import SampledBatch, Sampler
from prefloop.settings.models import ModelsConfig
from prefloop.settings.policy import KLConfig, PolicyConfig
from prefloop.settings.samples import SamplesConfig
from prefloop.settings.task import TaskConfig
from prefloop.settings.task_presets import load_task
from prefloop.store.store import Store
from tests.tolerances import EXACT

Adapter = Literal["lora", "none"]

OPENINGS = [
    "The sun was warm.",
    "He was sad and cold and hungry.",
    "Call me Ishmael.",
    "She laughed and sang all day long.",
    "It is a truth universally acknowledged.",
    "The rain fell on the grey town.",
    "Some years ago.",
    "Nobody came to the door.",
]
PROMPTS = [Prompt(id=f"p{i}", text=t, source="test", split="train") for i, t in enumerate(OPENINGS)]


class Rule(TypedDict, total=False):
    """Settings of a task: where its responses end, and what stands around its queries."""

    stop: str
    stop_min: int
    response_tokens: int
    prefix: str
    suffix: str


def roles_on(
    folder: Path, *, adapter: Adapter = "lora", rank: int = 4, top_layers: int | None = None
) -> tuple[Tokenizer, ModelRoles]:
    """Return the tokenizer and the three roles over the model in `folder`."""
    tokenizer = load_tokenizer(folder)
    models = ModelsConfig(adapter=adapter, lora_rank=rank, lora_top_layers=top_layers)
    return tokenizer, ModelRoles(load_causal(folder, tokenizer, runtime=CPU), models, seed=1)


def token_of(tokenizer: Tokenizer, text: str) -> int:
    """Return the id of a text that is one token."""
    (token,) = tokenizer.encode(text)
    return token


def vocabulary_of(roles: ModelRoles) -> int:
    """Return how many ids the model's head knows."""
    return int(roles.policy.causal.get_output_embeddings().weight.shape[0])


def task_of(**changes: Any) -> TaskConfig:
    """Return a short task: six tokens, no stop rule unless asked for.

    The temperature is not 1: at 1 nothing would show where it is forgotten.
    """
    short = {
        "query_tokens_min": 1,
        "response_tokens": 6,
        "stop": None,
        "stop_min": 0,
        "temperature": 0.8,
    }
    return load_task({"name": "sentiment", **short, **changes})


def sampler_on(
    tokenizer: Tokenizer, roles: ModelRoles, samples: SamplesConfig | None = None, **task: Any
) -> Sampler:
    """Return a sampler for the short task with changes."""
    return Sampler(
        tokenizer,
        task_of(**task),
        samples or SamplesConfig(),
        vocabulary=vocabulary_of(roles),
        device=CPU.device,
    )


def trainer_on(
    folder: Path, *, adapter: Adapter = "lora", reward: Any = None, task: Any = None, **policy: Any
) -> PolicyTrainer:
    """Return a trainer on the model in `folder`, small enough for a test; PPO unless asked."""
    tokenizer, roles = roles_on(folder, adapter=adapter)
    small = {"batch_size": 8, "episodes": 64, "microbatch_size": 8, "epochs": 2, "lr": 3e-3}
    reward = reward or RewardModel(roles, pad_id=tokenizer.pad_id, seed=1)
    sampler = sampler_on(tokenizer, roles, **(task or {}))
    return trainer_of(roles, reward, sampler, **{**small, "kl": KLConfig(coef=0.1), **policy})


def trainer_of(roles: ModelRoles, reward: Any, sampler: Sampler, **policy: Any) -> PolicyTrainer:
    """Return a trainer whose reward model is `reward`, which may be anything that has `score`."""
    config, source = PolicyConfig(**policy), RewardModelSource(reward, sampler)
    return build_trainer(roles, source, sampler, config, seed=1)


def sampled_batch(response: Tensor, sampler: Sampler) -> SampledBatch:
    """Return given responses as if they had been drawn."""
    zeros = torch.zeros(response.shape)
    generation = Generation(response=response, logprobs=zeros, values=None, prefix_states=None)
    query = torch.zeros((len(response), 1), dtype=torch.long)
    mask = torch.ones_like(query, dtype=torch.bool)
    return SampledBatch(query, mask, generation, sampler.stop_rule.apply(response))


def improve(trainer: PolicyTrainer, rollout: Rollout, *, kl: float = 0.0) -> dict[str, float]:
    """Take the steps of one update on a rollout whose KL is said to be `kl`."""
    return trainer.optimizer.improve(
        rollout, kl=kl, kl_coef=trainer.kl_coef, update=trainer.update, seed=trainer.seed
    )


def disturb(role_model: RoleModel, scale: float = 0.1) -> None:
    """Move a role's weights, as training would."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for _, parameter in role_model.named_parameters:
            parameter.add_(scale * torch.randn(parameter.shape, generator=generator))


def responses_with_stop(stop_id: int, n_rows: int, n_tokens: int) -> Tensor:
    """Return random responses that meet the stop token at every place in turn."""
    generator = torch.Generator().manual_seed(9)
    ids = torch.randint(100, 300, (n_rows, n_tokens), generator=generator)
    rows = torch.arange(n_rows)
    ids[rows, 1 + rows % (n_tokens - 1)] = stop_id
    return ids


def weights_of(named: Sequence[tuple[str, torch.nn.Parameter]]) -> Tensor:
    """Return all weights in one row."""
    return torch.cat([p.detach().flatten() for _, p in named])


def sample_of(prompt: Prompt, ids: Sequence[int], number: int, tokenizer: Tokenizer) -> Sample:
    """Return a sample with these ids, as if the reference had said them."""
    return Sample(
        id=f"{prompt.id}-s{number}",
        prompt_id=prompt.id,
        model=REFERENCE,
        round=0,
        purpose="labels",
        text=tokenizer.decode(list(ids)),
        response_ids=tuple(ids),
        is_ended=True,
        logprob=-1.0,
        ref_logprob=-1.0,
    )


def fill(store: Store, tokenizer: Tokenizer, *, k: int = 4) -> list[Sample]:
    """Put prompts, `k` samples of each and a label on each into a store; the first is the best."""
    generator = torch.Generator().manual_seed(8)
    samples = [
        sample_of(p, torch.randint(5, 300, (6,), generator=generator).tolist(), n, tokenizer)
        for p in PROMPTS
        for n in range(k)
    ]
    comparisons = [
        Comparison(
            id=f"c-{p.id}",
            prompt_id=p.id,
            sample_ids=tuple(f"{p.id}-s{n}" for n in range(k)),
            round=0,
            split="train",
        )
        for p in PROMPTS
    ]
    store.add_prompts(PROMPTS)
    store.add_samples(samples)
    store.add_comparisons(comparisons)
    store.add_labels(
        [
            Label(
                id=f"l-{c.id}",
                comparison_id=c.id,
                labeler="ann",
                answer="best",
                chosen=c.sample_ids[0],
                shown=c.sample_ids,
                seconds=1.0,
                instructions="1",
            )
            for c in comparisons
        ]
    )
    return samples


def stage_in(folder: Path, trainer: PolicyTrainer) -> PolicyStage:
    """Return a stage that trains in a folder."""
    metrics = MetricsLog(folder / "metrics.jsonl")
    return PolicyStage(trainer, metrics, run=folder, progress=Silent())


def require_resumed_as_uninterrupted(
    straight: PolicyStage,
    first: PolicyStage,
    second: PolicyStage,
    *,
    after_straight: Callable[[], None] = lambda: None,
) -> None:
    """Train four updates at once, and two and two: weights and metrics must be the same bits."""
    straight.train_round(0, 4, PROMPTS)
    after_straight()
    first.train(0, 2, PROMPTS)
    second.restore()
    assert second.update == 2
    second.train_round(0, 4, PROMPTS)
    pairs = [weights_of(s.trainer.optimizer.named_parameters) for s in (straight, second)]
    torch.testing.assert_close(*pairs, **EXACT)
    assert second.metrics.lines() == straight.metrics.lines()
