"""prefloop's own PPO trainer on the shared workload."""

import argparse
import time
from importlib.metadata import version
from pathlib import Path
from typing import Literal, cast

import torch
import transformers
from workload import Workload, matmul_gflops, measurement, queries, report

from prefloop.models.loading import load_causal, load_tokenizer
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import CPU
from prefloop.policy.build import build_trainer
from prefloop.policy.reward_source import RewardModelSource
from prefloop.policy.trainer import PolicyTrainer
from prefloop.records import Prompt
from prefloop.rewards.model import RewardModel
from prefloop.samples.sampler import Sampler
from prefloop.settings.models import ModelsConfig
from prefloop.settings.policy import KLConfig, PolicyConfig
from prefloop.settings.samples import SamplesConfig
from prefloop.settings.task_presets import load_task

Adapter = Literal["none", "lora"]


def settings(workload: Workload) -> PolicyConfig:
    """Return prefloop's settings for the workload; the rest are its defaults, those of 2019."""
    return PolicyConfig(
        episodes=workload.rollouts * workload.batch_size,
        batch_size=workload.batch_size,
        microbatch_size=workload.microbatch_size,
        minibatches=1,
        epochs=workload.epochs,
        lr=workload.lr,
        options={"whiten_rewards": workload.microbatch_size >= 8},
        kl=KLConfig(control="fixed", coef=workload.kl_coef),
    )


def trainer(workload: Workload, folder: Path, adapter: Adapter) -> PolicyTrainer:
    """Return a trainer with all roles from one folder. Without a stop rule every token counts."""
    tokenizer = load_tokenizer(folder)
    causal = load_causal(folder, tokenizer, runtime=CPU)
    roles = ModelRoles(causal, ModelsConfig(name=str(folder), adapter=adapter), seed=workload.seed)
    task = load_task(
        {
            "name": "custom",
            "query_tokens_max": workload.query_tokens,
            "response_tokens": workload.response_tokens,
            "temperature": workload.temperature,
        }
    )
    vocabulary = causal.get_output_embeddings().weight.shape[0]
    sampler = Sampler(tokenizer, task, SamplesConfig(), vocabulary=vocabulary, device=CPU.device)
    reward_model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=workload.seed)
    source = RewardModelSource(reward_model, sampler)
    return build_trainer(roles, source, sampler, settings(workload), seed=workload.seed)


def prompts(workload: Workload, ppo: PolicyTrainer) -> list[Prompt]:
    """Return the workload's queries as prompts that encode to exactly these tokens."""
    tokenizer = ppo.collector.sampler.tokenizer
    ids = queries(
        workload, len(tokenizer.hf_tokenizer), count=workload.rollouts * workload.batch_size
    )
    made = [
        Prompt(id=str(i), text=tokenizer.decode(row), source="bench", split="train")
        for i, row in enumerate(ids)
    ]
    assert [ppo.collector.sampler.query_ids(p) for p in made] == ids
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--adapter", choices=["none", "lora"], default="none")
    arguments = parser.parse_args()
    workload = Workload.read(arguments.folder)
    torch.set_num_threads(workload.threads)
    before = matmul_gflops()
    ppo = trainer(workload, arguments.folder, cast(Adapter, arguments.adapter))
    asked = prompts(workload, ppo)
    start = [p.detach().clone() for _, p in ppo.collector.roles.policy.named_parameters]
    seconds = []
    for update in range(workload.rollouts):
        began = time.perf_counter()
        line = ppo.step(ppo.prompts_of(update, asked))
        seconds.append(time.perf_counter() - began)
        assert line["policy/response_tokens"] == workload.response_tokens
    after = [p for _, p in ppo.collector.roles.policy.named_parameters]
    moved = any(not torch.equal(a, b) for a, b in zip(start, after, strict=True))
    assert moved, "the policy did not change"
    side = "prefloop" if arguments.adapter == "none" else f"prefloop {arguments.adapter}"
    found = measurement(side, workload, seconds, [before, matmul_gflops()])
    report(found | {"version": version("prefloop"), "transformers": transformers.__version__})


if __name__ == "__main__":
    main()
