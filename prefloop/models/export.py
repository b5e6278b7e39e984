"""Writing the tuned models as folders that transformers opens without this package."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from prefloop.models.family import Family, Trunk
from prefloop.models.heads import ScoreHead, ValueHead
from prefloop.models.loading import TextCoder

ADAPTER = "lora_weights.safetensors"
"""The low-rank updates alone, beside the merged model: what a resumed run goes on from."""


def save_policy(folder: Path, family: Family, value_head: ValueHead, coder: TextCoder) -> None:
    """Write the policy as a plain causal language model; its value head goes beside it."""
    causal = family.policy.causal
    tied = bool(causal.config.get_text_config().tie_word_embeddings)
    head = "lm_head.weight"
    weights = {
        name: tensor.contiguous()
        for name, tensor in family.state(family.policy)
        if not (tied and name == head)
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    _plain_config(causal, causal.config.architectures or [type(causal).__name__], folder)
    save_file(dict(value_head.state_dict()), folder / "value_head.safetensors")
    _save_adapter(folder, family, family.policy)
    coder.tokenizer.save_pretrained(folder)


def save_reward_model(folder: Path, family: Family, head: ScoreHead, coder: TextCoder) -> None:
    """Write the reward model as `AutoModelForSequenceClassification` with one output, head `score`.

    `config.reward_shift` holds the normalization's shift: score = logits + reward_shift.
    """
    causal = family.reward.causal
    config = type(causal.config).from_dict(causal.config.to_dict())
    config.num_labels = 1
    config.reward_shift = head.shift
    config.use_cache = False
    with torch.device("meta"):
        shell = AutoModelForSequenceClassification.from_config(config)
    expected = set(shell.state_dict())
    weights = {
        name: tensor.contiguous()
        for name, tensor in family.state(family.reward)
        if name in expected
    }
    weights["score.weight"] = head.weight.detach().contiguous()
    shell.load_state_dict(weights, strict=True, assign=True)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    _plain_config(causal, [type(shell).__name__], folder, config=config)
    _save_adapter(folder, family, family.reward)
    coder.tokenizer.save_pretrained(folder)


def restore_trunk(folder: Path, family: Family, trunk: Trunk) -> dict[str, Tensor]:
    """Put a saved role's weights back and return all that the folder's model file holds.

    With adapters the low-rank updates are read, not their merged sum, so nothing is rounded twice.
    """
    weights = load_file(folder / "model.safetensors")
    source = load_file(folder / ADAPTER) if family.config.adapter == "lora" else weights
    with torch.no_grad():
        for name, parameter in trunk.named_parameters:
            if name in source:
                parameter.copy_(source[name])
    return weights


def _save_adapter(folder: Path, family: Family, trunk: Trunk) -> None:
    if family.config.adapter == "lora":
        own = {name: p.detach().contiguous() for name, p in trunk.named_parameters}
        save_file(own, folder / ADAPTER)


def _plain_config(
    causal: PreTrainedModel, architectures: list[str], folder: Path, *, config: object = None
) -> None:
    """Write config.json naming the architecture that `from_pretrained` should build."""
    plain = config or type(causal.config).from_dict(causal.config.to_dict())
    plain.architectures = architectures  # type: ignore[attr-defined]
    plain.dtype = "float32"  # type: ignore[attr-defined]
    plain.save_pretrained(folder)  # type: ignore[attr-defined]
    if causal.generation_config is not None and config is None:
        causal.generation_config.save_pretrained(folder)
