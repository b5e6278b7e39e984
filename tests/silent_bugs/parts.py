"""Small real models for silent bugs that formulas alone do not show."""

from pathlib import Path

from prefloop.models.loading import Tokenizer, load_causal, load_tokenizer
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import CPU
from prefloop.rewards.model import RewardModel
from prefloop.samples.sampler import Sampler
from prefloop.settings.models import ModelsConfig
from prefloop.settings.samples import SamplesConfig
from prefloop.settings.task_presets import load_task


def roles_and_tokenizer(folder: Path) -> tuple[ModelRoles, Tokenizer]:
    """Return one base in its roles, with its tokenizer."""
    tokenizer = load_tokenizer(folder)
    return ModelRoles(
        load_causal(folder, tokenizer, runtime=CPU), ModelsConfig(lora_rank=4), seed=1
    ), tokenizer


def reward_model(folder: Path) -> tuple[RewardModel, Tokenizer]:
    """Return an untrained reward model: its scores are a random function of what it reads."""
    roles, tokenizer = roles_and_tokenizer(folder)
    return RewardModel(roles, pad_id=tokenizer.pad_id, seed=1), tokenizer


def sampler(folder: Path) -> tuple[Sampler, Tokenizer]:
    """Return what draws responses, for the sentiment task with a stop that comes early."""
    roles, tokenizer = roles_and_tokenizer(folder)
    vocabulary = roles.policy.causal.get_output_embeddings().weight.shape[0]
    task = load_task({"name": "sentiment", "stop_min": 2})
    return Sampler(
        tokenizer, task, SamplesConfig(), vocabulary=vocabulary, device=CPU.device
    ), tokenizer
