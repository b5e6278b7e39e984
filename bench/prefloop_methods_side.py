"""prefloop's reward-model training, RLOO and A2PO on the shared workload."""

import argparse
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import torch
import transformers
from method_workload import MethodWorkload, comparisons, measurement, prompts
from turns import may_go_on
from workload import report

from prefloop.batches import PreferenceBatch
from prefloop.metrics import MetricsLog
from prefloop.models.loading import load_causal, load_tokenizer
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import CPU
from prefloop.policy.build import build_trainer
from prefloop.policy.reward_source import RewardModelSource
from prefloop.policy.trainer import PolicyTrainer
from prefloop.progress import Silent
from prefloop.records import Prompt
from prefloop.rewards.dataset import select_comparisons
from prefloop.rewards.model import RewardModel
from prefloop.rewards.trainer import RewardTrainer
from prefloop.samples.sampler import Sampler
from prefloop.settings.models import ModelsConfig
from prefloop.settings.policy import KLConfig, PolicyConfig
from prefloop.settings.rewards import RewardsConfig
from prefloop.settings.samples import SamplesConfig
from prefloop.settings.task_presets import load_task

Update = Callable[[int], None]
"""Makes the update of a number, from 0."""

Weights = Sequence[tuple[str, torch.nn.Parameter]]


def model_roles(workload: MethodWorkload, folder: Path) -> ModelRoles:
    """Return all roles from one folder."""
    config = ModelsConfig(
        name=str(folder),
        adapter=workload.adapter,
        lora_rank=workload.lora_rank,
        lora_alpha=workload.lora_alpha,
        lora_top_layers=workload.top_layers,
    )
    causal = load_causal(folder, load_tokenizer(folder), runtime=CPU)
    return ModelRoles(causal, config, seed=workload.seed)


def policy_settings(workload: MethodWorkload) -> PolicyConfig:
    """Return the settings of a method; the rest are its defaults, which are TRL's."""
    options = {
        "rloo": {"samples_per_prompt": workload.samples_per_prompt},
        "a2po": {"value_samples": workload.value_samples},
    }
    return PolicyConfig(
        method=workload.job,
        options=options[workload.job],
        episodes=workload.rollouts * workload.batch_size,
        batch_size=workload.batch_size,
        microbatch_size=workload.microbatch_size,
        minibatches=1,
        epochs=workload.epochs,
        lr=workload.lr,
        kl=KLConfig(control="fixed", coef=workload.kl_coef),
    )


def policy_trainer(workload: MethodWorkload, roles: ModelRoles, folder: Path) -> PolicyTrainer:
    """Return the trainer of a method. Without a stop rule every token counts."""
    tokenizer = load_tokenizer(folder)
    task = load_task(
        {
            "name": "custom",
            "query_tokens_max": workload.query_tokens,
            "response_tokens": workload.response_tokens,
            "temperature": workload.temperature,
        }
    )
    vocabulary = roles.policy.vocabulary
    sampler = Sampler(tokenizer, task, SamplesConfig(), vocabulary=vocabulary, device=CPU.device)
    reward_model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=workload.seed)
    source = RewardModelSource(reward_model, sampler)
    return build_trainer(roles, source, sampler, policy_settings(workload), seed=workload.seed)


def policy_updates(workload: MethodWorkload, folder: Path) -> tuple[Update, Weights]:
    """Return what makes a policy update, and the weights that it trains."""
    roles = model_roles(workload, folder)
    trainer = policy_trainer(workload, roles, folder)
    sampler = trainer.collector.sampler
    ids = prompts(workload, roles.policy.vocabulary)
    texts = [sampler.tokenizer.decode(row) for row in ids]
    asked = [
        Prompt(id=str(i), text=text, source="bench", split="train") for i, text in enumerate(texts)
    ]
    assert [sampler.query_ids(p) for p in asked] == ids

    def update(number: int) -> None:
        line = trainer.step(trainer.prompts_of(number, asked))
        assert line["policy/response_tokens"] == workload.response_tokens

    return update, roles.policy.named_parameters


def reward_updates(workload: MethodWorkload, folder: Path) -> tuple[Update, Weights]:
    """Return what makes a step of the reward model, and the weights that it trains.

    A step as `RewardTrainer.train` takes it; normalization comes once in a training and is left
    out, as there is none in TRL.
    """
    roles = model_roles(workload, folder)
    model = RewardModel(roles, pad_id=load_tokenizer(folder).pad_id, seed=workload.seed)
    n = workload.prompts_per_update
    trainer = RewardTrainer(
        model,
        RewardsConfig(batch_size=n, microbatch_size=n, lr=workload.lr),
        seed=workload.seed,
        round_number=0,
        checkpoints=folder / "checkpoints",
        metrics=MetricsLog(folder / "metrics.jsonl"),
        progress=Silent(),
    )
    labels = label_batch(comparisons(workload, roles.policy.vocabulary))

    def update(number: int) -> None:
        batch = select_comparisons(labels, range(number * n, (number + 1) * n))
        trainer.step(batch, number, workload.rollouts)

    return update, model.named_parameters


def label_batch(groups: Sequence[Sequence[Sequence[int]]]) -> PreferenceBatch:
    """Return comparisons of which the first sequence was chosen by everybody."""
    targets = torch.zeros(len(groups), len(groups[0]))
    targets[:, 0] = 1
    return PreferenceBatch(
        sequences=tuple(tuple(tuple(row) for row in group) for group in groups),
        targets=targets,
        present=torch.ones_like(targets, dtype=torch.bool),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("workload", type=Path)
    arguments = parser.parse_args()
    workload = MethodWorkload.read(arguments.workload)
    torch.set_num_threads(workload.threads)
    make = reward_updates if workload.job == "rewards" else policy_updates
    update, weights = make(workload, arguments.folder)
    start = [p.detach().clone() for _, p in weights]
    seconds: list[float] = []
    while len(seconds) < workload.rollouts and may_go_on():
        began = time.perf_counter()
        update(len(seconds))
        seconds.append(time.perf_counter() - began)
    moved = any(not torch.equal(a, b) for a, (_, b) in zip(start, weights, strict=True))
    assert moved, "no weight has changed"
    found = measurement("prefloop", workload, seconds)
    report(found | {"version": version("prefloop"), "transformers": transformers.__version__})


if __name__ == "__main__":
    main()
