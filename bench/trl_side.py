"""TRL's PPOTrainer (trl.experimental.ppo) on the shared workload. Runs in its own environment."""

import argparse
import time
from pathlib import Path
from typing import Any

import torch
import transformers
import trl
from datasets import Dataset
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    TrainerCallback,
)
from trl.experimental.ppo import PPOConfig, PPOTrainer, ppo_trainer
from workload import Workload, matmul_gflops, measurement, queries, report


class Clock(TrainerCallback):
    """Notes when each update ends."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.times.append(time.perf_counter())

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.times.append(time.perf_counter())

    @property
    def update_seconds(self) -> list[float]:
        return [b - a for a, b in zip(self.times, self.times[1:], strict=False)]


def settings(workload: Workload, folder: Path) -> PPOConfig:
    """Return TRL's settings for the workload: float32, no checkpointing of activations, no logs."""
    return PPOConfig(
        output_dir=str(folder / "trl"),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to="none",
        save_strategy="no",
        eval_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        num_sample_generations=0,
        seed=workload.seed,
        total_episodes=workload.rollouts * workload.batch_size,
        per_device_train_batch_size=workload.microbatch_size,
        gradient_accumulation_steps=workload.batch_size // workload.microbatch_size,
        num_mini_batches=1,
        local_rollout_forward_batch_size=workload.microbatch_size,
        num_ppo_epochs=workload.epochs,
        response_length=workload.response_tokens,
        temperature=workload.temperature,
        learning_rate=workload.lr,
        kl_coef=workload.kl_coef,
        whiten_rewards=workload.microbatch_size >= 8,
        missing_eos_penalty=None,
    )


def trainer(workload: Workload, folder: Path, clock: Clock) -> PPOTrainer:
    """Return a trainer with policy, reference, value and reward model from one folder."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = queries(workload, len(tokenizer), count=workload.rollouts * workload.batch_size)

    def scored() -> Any:
        return AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1)

    return PPOTrainer(
        args=settings(workload, folder),
        processing_class=tokenizer,
        model=AutoModelForCausalLM.from_pretrained(folder),
        ref_model=AutoModelForCausalLM.from_pretrained(folder),
        reward_model=scored(),
        value_model=scored(),
        train_dataset=Dataset.from_dict({"input_ids": ids}),
        callbacks=[clock],
    )


def watch_lengths(workload: Workload) -> list[int]:
    """Let TRL's generation note how many tokens each batch got; the list fills as it trains."""
    lengths: list[int] = []
    real = ppo_trainer.batch_generation

    def noted(*args: Any, **kwargs: Any) -> Any:
        sequences, logits = real(*args, **kwargs)
        lengths.append(sequences.shape[1] - workload.query_tokens)
        return sequences, logits

    ppo_trainer.batch_generation = noted
    return lengths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    workload = Workload.read(folder)
    torch.set_num_threads(workload.threads)
    before = matmul_gflops()
    clock = Clock()
    transformers.logging.set_verbosity_error()
    ppo = trainer(workload, folder, clock)
    start = [p.detach().clone() for p in ppo.policy_model.parameters()]
    lengths = watch_lengths(workload)
    ppo.train()
    moved = any(
        not torch.equal(a, b) for a, b in zip(start, ppo.policy_model.parameters(), strict=True)
    )
    assert moved, "the policy did not change"
    assert lengths == [workload.response_tokens] * workload.rollouts, lengths
    assert len(clock.update_seconds) == workload.rollouts
    found = measurement("trl", workload, clock.update_seconds, [before, matmul_gflops()])
    report(found | {"version": trl.__version__, "transformers": transformers.__version__})


if __name__ == "__main__":
    main()
