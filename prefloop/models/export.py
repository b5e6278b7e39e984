"""Writing the tuned models: as folders that transformers opens without this package, and as the
trained weights alone, which this package reads back."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import GenerationConfig, PreTrainedConfig

from prefloop.errors import CheckpointError
from prefloop.figures.text import counted
from prefloop.models.classifier_shell import classifier_shell, copy_of
from prefloop.models.heads import ScoreHead, ValueHead
from prefloop.models.language_model import weights_as_filed
from prefloop.models.loading import Tokenizer
from prefloop.models.peft_adapter import save_peft_adapter
from prefloop.models.query_encoder import QueryEncoder
from prefloop.models.roles import ModelRoles, RoleModel
from prefloop.models.runtime import FULL_PRECISION, to_host
from prefloop.models.sharded_weights import put, whole

ADAPTER = "lora_weights.safetensors"
"""The low-rank updates alone, beside the merged model; a resumed run reads them back."""
FULL = "model.safetensors"
VALUE_HEAD = "value_head.safetensors"
MEMBERS = "ensemble.safetensors"
"""The members of a reward model's ensemble, beside the model whose head is their mean."""


def save_policy(
    folder: Path,
    roles: ModelRoles,
    value_head: ValueHead | None,
    tokenizer: Tokenizer,
    generation_config: GenerationConfig | None = None,
) -> None:
    """Write the policy as a plain causal language model; value head and adapter go beside it.

    `generation_config` is how it samples unless asked otherwise; the base model's own is not kept.
    """
    causal = roles.policy.causal
    weights = weights_as_filed(causal, dict(roles.state(roles.policy)))
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / FULL, metadata={"format": "pt"})
    _write_config(folder, copy_of(causal.config), type(causal).__name__)
    if generation_config is not None:
        generation_config.save_pretrained(folder)
    _save_value_head(folder, value_head)
    _save_adapter(folder, roles, roles.policy)
    save_peft_adapter(folder, roles)
    tokenizer.hf_tokenizer.save_pretrained(folder)


def save_weights(folder: Path, roles: ModelRoles, value_head: ValueHead | None) -> None:
    """Write what is trained of the policy: the adapters, or with `adapter: none` all weights.

    A value head goes beside it. The base model and the tokenizer are not written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    own = {name: whole(p).contiguous() for name, p in roles.policy.named_parameters}
    save_file(own, folder / _weights_file(roles))
    _save_value_head(folder, value_head)


def load_weights(folder: Path, roles: ModelRoles, value_head: ValueHead | None = None) -> None:
    """Put weights that `save_weights` wrote into the policy, and into a value head if one is given.

    CheckpointError if they are of other `models` settings or of another base model.
    """
    named = dict(roles.policy.named_parameters)
    path = folder / _weights_file(roles)
    source = load_file(path) if path.exists() else {}
    shapes = {name: p.shape for name, p in source.items()}
    if shapes != {name: p.shape for name, p in named.items()}:
        raise CheckpointError(
            f"{folder} was written with another model or other models settings (models.name, "
            "models.adapter, models.lora_*). Put those of run.resolved.yaml back."
        )
    for name, parameter in named.items():
        put(parameter, source[name])
    if value_head is not None:
        value_head.load_state_dict(load_file(folder / VALUE_HEAD))


def save_reward_model(
    folder: Path,
    roles: ModelRoles,
    head: ScoreHead,
    tokenizer: Tokenizer,
    queries: QueryEncoder | None = None,
) -> None:
    """Write the reward model as `AutoModelForSequenceClassification` with one output, head `score`.

    `config.reward_shift` holds the normalization's shift: score = logits + reward_shift.
    `config.reward_input` says how texts become what it reads.
    """
    causal = roles.reward.causal
    shell = classifier_shell(causal.config)
    config = shell.config
    config.reward_shift = head.shift
    if queries is not None:
        config.reward_input = queries.described()
    expected = set(shell.state_dict())
    weights = {
        name: tensor.contiguous() for name, tensor in roles.state(roles.reward) if name in expected
    }
    weights["score.weight"] = head.mean_weight.detach().contiguous()
    shell.load_state_dict(weights, strict=True, assign=True)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / FULL, metadata={"format": "pt"})
    _write_config(folder, config, type(shell).__name__)
    _save_adapter(folder, roles, roles.reward)
    if head.members > 1:
        save_file({"weight": head.weight.detach().contiguous()}, folder / MEMBERS)
    tokenizer.hf_tokenizer.save_pretrained(folder)


def restore_score_head(
    folder: Path, head: ScoreHead, weights: Mapping[str, Tensor], shifts: Sequence[float]
) -> None:
    """Put a saved reward model's head back; `weights` are what the folder's model file holds.

    CheckpointError if it has another number of members.
    """
    path = folder / MEMBERS
    weight = load_file(path)["weight"] if path.exists() else weights["score.weight"]
    if weight.shape != head.weight.shape:
        raise CheckpointError(
            f"{folder} has {counted(len(weight), 'head')} and rewards.ensemble is {head.members}. "
            "Put the setting back, or delete the folder to train that model again."
        )
    head.load_state_dict({"weight": weight})
    head.shifts = list(shifts)


def restore_role_model(folder: Path, roles: ModelRoles, role_model: RoleModel) -> dict[str, Tensor]:
    """Put a saved role's weights back and return all that the folder's model file holds.

    With adapters the low-rank updates are read, not their merged sum, so nothing is rounded twice.
    """
    weights: dict[str, Tensor] = load_file(folder / FULL)
    is_lora = roles.config.adapter == "lora"
    has_adapter = (folder / ADAPTER).exists()
    source = load_file(folder / ADAPTER) if is_lora and has_adapter else weights
    unused = role_model.causal.get_output_embeddings().weight
    own = [
        (name, p) for name, p in role_model.named_parameters if name in source or p is not unused
    ]
    known = all(name in source and source[name].shape == p.shape for name, p in own)
    if is_lora != has_adapter or not known:
        raise CheckpointError(
            f"{folder} was written with other models settings (models.adapter, models.lora_*). "
            "Put those of run.resolved.yaml back, or delete the folder to train that model again."
        )
    for name, parameter in own:
        put(parameter, source[name])
    return weights


def _save_adapter(folder: Path, roles: ModelRoles, role_model: RoleModel) -> None:
    if roles.config.adapter == "lora":
        own = {name: p.detach().contiguous() for name, p in role_model.named_parameters}
        save_file(own, folder / ADAPTER)


def equal_weights(folder: Path, roles: ModelRoles) -> bool:
    """Whether the weights that `save_weights` wrote are those of the policy, bit for bit."""
    named = dict(roles.policy.named_parameters)
    source = load_file(folder / _weights_file(roles))
    return source.keys() == named.keys() and all(
        torch.equal(source[name], to_host(whole(p))) for name, p in named.items()
    )


def _save_value_head(folder: Path, value_head: ValueHead | None) -> None:
    if value_head is not None:
        save_file(dict(value_head.state_dict()), folder / VALUE_HEAD)


def _weights_file(roles: ModelRoles) -> str:
    return ADAPTER if roles.config.adapter == "lora" else FULL


def _write_config(folder: Path, config: PreTrainedConfig, architecture: str) -> None:
    """Write config.json: the architecture that `from_pretrained` builds, and its type."""
    config.architectures = [architecture]
    config.dtype = FULL_PRECISION
    config.save_pretrained(folder)
