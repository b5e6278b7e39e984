"""Writing the tuned models as folders that transformers opens without this package."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from prefloop.models.family import Family
from prefloop.models.heads import ScoreHead, ValueHead
from prefloop.models.loading import TextCoder


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
    coder.tokenizer.save_pretrained(folder)


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
