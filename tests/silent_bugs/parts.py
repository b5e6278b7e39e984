"""Small real models for silent bugs that formulas alone do not show."""

from pathlib import Path

from prefloop.models.config import ModelsConfig
from prefloop.models.family import Family
from prefloop.models.loading import TextCoder, load_causal, load_tokenizer
from prefloop.prompts.presets import load_task
from prefloop.rewards.model import RewardModel
from prefloop.samples.config import SamplesConfig
from prefloop.samples.responder import Responder


def family_and_coder(folder: Path) -> tuple[Family, TextCoder]:
    """Return one base in its roles, with its tokenizer."""
    coder = load_tokenizer(folder)
    return Family(load_causal(folder, coder), ModelsConfig(lora_rank=4), seed=1), coder


def reward_model(folder: Path) -> tuple[RewardModel, TextCoder]:
    """Return an untrained reward model: its scores are a random function of what it reads."""
    family, coder = family_and_coder(folder)
    return RewardModel(family, pad_id=coder.pad_id, seed=1), coder


def responder(folder: Path) -> tuple[Responder, TextCoder]:
    """Return what draws responses, for the sentiment task with a stop that comes early."""
    family, coder = family_and_coder(folder)
    vocabulary = family.policy.causal.get_output_embeddings().weight.shape[0]
    task = load_task({"name": "sentiment", "stop_min": 2})
    return Responder(coder, task, SamplesConfig(), vocabulary=vocabulary), coder
