"""TRL's RewardTrainer, RLOOTrainer and A2POTrainer on the shared workload. Runs in its own
environment (trl-new-requirements.txt)."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
import trl
from datasets import Dataset
from method_workload import MethodWorkload, comparisons, measurement, prompts, with_share
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
)
from trl import RewardConfig, RewardTrainer, RLOOConfig, RLOOTrainer
from trl.experimental.a2po import A2POConfig, A2POTrainer
from turns import may_go_on
from workload import report


class Turns(TrainerCallback):
    """Lets the trainer make an update when it is this side's turn, and notes its seconds."""

    def __init__(self, steps_per_update: int) -> None:
        self.steps_per_update = steps_per_update
        self.update_seconds: list[float] = []
        self._began = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._wait(control)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step % self.steps_per_update == 0:
            self.update_seconds.append(time.perf_counter() - self._began)
            if state.global_step < state.max_steps:
                self._wait(control)

    def _wait(self, control: Any) -> None:
        control.should_training_stop = not may_go_on()
        self._began = time.perf_counter()


class OneStage:
    """TRL's A2PO first draws the reference's responses to all prompts: a turn of its own."""

    def __init__(self, trainer: A2POTrainer) -> None:
        self.seconds = 0.0
        self._estimate = trainer._estimate_optimal_values
        trainer._estimate_optimal_values = self.timed

    def timed(self) -> None:
        may_go_on()
        began = time.perf_counter()
        self._estimate()
        self.seconds = time.perf_counter() - began


def shared_settings(workload: MethodWorkload, folder: Path) -> dict[str, Any]:
    """Return what all trainers are set to: float32, no checkpointing of activations, no logs, and
    no clipping of gradients, which prefloop does not do either."""
    return {
        "output_dir": str(folder / "trl"),
        "use_cpu": True,
        "bf16": False,
        "gradient_checkpointing": False,
        "max_grad_norm": 0.0,
        "report_to": "none",
        "save_strategy": "no",
        "eval_strategy": "no",
        "logging_strategy": "no",
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
        "seed": workload.seed,
        "learning_rate": workload.lr,
        "max_steps": workload.rollouts * workload.epochs,
    }


def adapters(workload: MethodWorkload, folder: Path, *, is_reward: bool) -> LoraConfig | None:
    """Return adapters on what prefloop puts them on: all linear maps of the layers."""
    if workload.adapter == "none":
        return None
    n_layers = AutoModelForCausalLM.from_pretrained(folder).config.n_layer
    first = 0 if workload.top_layers is None else n_layers - workload.top_layers
    return LoraConfig(
        r=workload.lora_rank,
        lora_alpha=workload.lora_alpha,
        lora_dropout=0.0,
        target_modules=["c_attn", "c_proj", "c_fc"],
        layers_to_transform=list(range(first, n_layers)),
        layers_pattern="h",
        fan_in_fan_out=True,
        task_type="SEQ_CLS" if is_reward else "CAUSAL_LM",
        modules_to_save=["score"] if is_reward else None,
    )


def classifier(folder: Path) -> Any:
    """Return the model with a random score head."""
    return AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=1, dtype=torch.float32
    )


def policy(folder: Path, tokenizer: PreTrainedTokenizerBase) -> Any:
    """Return the model to sample from; it never ends a response."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.generation_config.suppress_tokens = [tokenizer.eos_token_id, tokenizer.pad_token_id]
    return model


def prompt_texts(workload: MethodWorkload, tokenizer: PreTrainedTokenizerBase) -> Dataset:
    """Return the queries as texts; each ends with a space, so that a response can follow."""
    ids = prompts(workload, len(tokenizer))
    texts = [f"{tokenizer.decode(row)} " for row in ids]
    assert tokenizer(texts)["input_ids"] == ids
    return Dataset.from_dict({"prompt": texts})


def reward_trainer(workload: MethodWorkload, folder: Path, callback: Turns) -> RewardTrainer:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    chosen, rejected = zip(*comparisons(workload, len(tokenizer)), strict=True)
    return RewardTrainer(
        model=classifier(folder),
        args=RewardConfig(
            **shared_settings(workload, folder),
            per_device_train_batch_size=workload.prompts_per_update,
        ),
        train_dataset=Dataset.from_dict({"chosen_ids": chosen, "rejected_ids": rejected}),
        processing_class=tokenizer,
        callbacks=[callback],
        peft_config=adapters(workload, folder, is_reward=True),
    )


def rloo_trainer(workload: MethodWorkload, folder: Path, callback: Turns) -> RLOOTrainer:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ends = [tokenizer.eos_token_id, tokenizer.pad_token_id]
    return RLOOTrainer(
        model=policy(folder, tokenizer),
        reward_funcs=classifier(folder),
        reward_processing_classes=AutoTokenizer.from_pretrained(folder),
        args=RLOOConfig(
            **shared_settings(workload, folder),
            per_device_train_batch_size=workload.batch_size,
            num_generations=workload.samples_per_prompt,
            num_iterations=workload.epochs,
            max_completion_length=workload.response_tokens,
            temperature=workload.temperature,
            beta=workload.kl_coef,
            generation_kwargs={"suppress_tokens": ends},
        ),
        train_dataset=prompt_texts(workload, tokenizer),
        processing_class=tokenizer,
        callbacks=[callback],
        peft_config=adapters(workload, folder, is_reward=False),
    )


def a2po_trainer(workload: MethodWorkload, folder: Path, callback: Turns) -> A2POTrainer:
    """Return the trainer; it takes functions for rewards, so one asks the reward model."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = policy(folder, tokenizer)
    settings = adapters(workload, folder, is_reward=False)
    return A2POTrainer(
        model=model if settings is None else get_peft_model(model, settings),
        reward_funcs=reward_function(workload, folder),
        args=A2POConfig(
            **shared_settings(workload, folder),
            per_device_train_batch_size=workload.batch_size,
            num_value_samples=workload.value_samples,
            max_completion_length=workload.response_tokens,
            temperature=workload.temperature,
            beta2=workload.kl_coef,
        ),
        train_dataset=prompt_texts(workload, tokenizer),
        processing_class=tokenizer,
        callbacks=[callback],
    )


def reward_function(workload: MethodWorkload, folder: Path) -> Callable[..., list[float]]:
    """Return a function that asks the reward model for what its trainer hands over, in one pass."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = classifier(folder).eval()

    @torch.no_grad()
    def scores(prompts: list[str], completions: list[str], **_: Any) -> list[float]:
        texts = [p + c for p, c in zip(prompts, completions, strict=True)]
        inputs = tokenizer(texts, return_tensors="pt", padding=True, padding_side="right")
        found: list[float] = model(**inputs).logits[:, 0].tolist()
        return found

    return scores


def watch_lengths(workload: MethodWorkload, model: torch.nn.Module) -> list[int]:
    """Let a policy note how many tokens each batch of responses got; the list fills in training."""
    lengths: list[int] = []
    real = model.generate

    def noted(*args: Any, **kwargs: Any) -> Any:
        sequences = real(*args, **kwargs)
        lengths.append(sequences.shape[1] - workload.query_tokens)
        return sequences

    model.generate = noted  # type: ignore[assignment]
    return lengths


def build(workload: MethodWorkload, folder: Path, callback: Turns) -> Trainer:
    """Return the trainer of the job."""
    made: dict[str, Callable[..., Trainer]] = {
        "rewards": reward_trainer,
        "rloo": rloo_trainer,
        "a2po": a2po_trainer,
    }
    return made[workload.job](workload, folder, callback)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("workload", type=Path)
    arguments = parser.parse_args()
    workload = MethodWorkload.read(arguments.workload)
    torch.set_num_threads(workload.threads)
    transformers.logging.set_verbosity_error()
    turns = Turns(workload.epochs)
    trainer = build(workload, arguments.folder, turns)
    stage = OneStage(trainer) if isinstance(trainer, A2POTrainer) else None
    lengths = [] if workload.job == "rewards" else watch_lengths(workload, trainer.model)
    trained = [p for p in trainer.model.parameters() if p.requires_grad]
    start = [p.detach().clone() for p in trained]
    trainer.train()
    moved = any(not torch.equal(a, b) for a, b in zip(start, trained, strict=True))
    assert moved, "no weight has changed"
    assert set(lengths) <= {workload.response_tokens}, lengths
    seconds = turns.update_seconds
    if stage is not None:
        seconds = with_share(seconds, prelude=stage.seconds, planned=workload.rollouts)
    found = measurement("trl", workload, seconds)
    report(found | {"version": trl.__version__, "transformers": transformers.__version__})


if __name__ == "__main__":
    main()
