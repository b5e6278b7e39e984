"""One base model and the roles it plays: policy, reference and reward model.

`adapter: lora`: the three share one frozen base in memory; the reference is the base with adapters
off. `adapter: none`: three full copies, as in 2019.
"""

import copy
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
from jaxtyping import Bool, Float, Int
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from prefloop.errors import InputError
from prefloop.models.collectives import Collectives
from prefloop.models.frozen_prefix import FrozenPrefix, split_frozen_prefix
from prefloop.models.language_model import backbone, hidden_states, logits_of
from prefloop.models.processes import Processes
from prefloop.models.runtime import FULL_PRECISION, Device, DType, RandomStream, Runtime
from prefloop.models.sharded import ShardedModel
from prefloop.models.sharded_weights import whole
from prefloop.models.shared_query import can_share_queries
from prefloop.seeding import derive_seed
from prefloop.settings.models import ModelsConfig

LINEAR = (nn.Linear, Conv1D)
"""What an adapter can be merged into."""

POLICY = "policy"
REWARD = "reward"


class RoleModel:
    """A language model in one role: token ids in, hidden states out, and its LM head on demand."""

    def __init__(
        self,
        causal: PreTrainedModel,
        named_parameters: list[tuple[str, nn.Parameter]],
        activate: Callable[[], None],
        *,
        products: DType | None = None,
    ) -> None:
        """`products` is the type of the layers' matrix products, where the weights' is another."""
        self.causal = causal
        self.products = products
        self.named_parameters = named_parameters
        self.frozen_prefix: FrozenPrefix | None = None
        """The frozen layers that all roles share; None if every layer is trained."""
        self.shares_queries = False
        """Whether responses to one query may stand in one row (`shared_query`)."""
        self.sharded: ShardedModel | None = None
        """The same model where each process holds a part of it; None: it is whole here."""
        self._activate = activate

    @property
    def width(self) -> int:
        """Size of a final hidden state, which the heads read."""
        return int(self.causal.get_output_embeddings().weight.shape[1])

    @property
    def vocabulary(self) -> int:
        """Number of ids that the LM head has logits for, tokens without a text included."""
        return int(self.causal.get_output_embeddings().weight.shape[0])

    @property
    def runtime(self) -> Runtime:
        """Where the weights are, and in which types the layers compute."""
        return Runtime(device=self.causal.device, dtype=self.causal.dtype, products=self.products)

    def hidden(
        self,
        ids: Int[Tensor, "B L"],
        mask: Bool[Tensor, "B M"] | Bool[Tensor, "B 1 L L"],
        *,
        cache: Any = None,
        positions: Int[Tensor, "B L"] | None = None,
        prefix_states: Float[Tensor, "B L D"] | None = None,
    ) -> Float[Tensor, "B L D"]:
        """Return the final hidden states of `ids`, the last L of the M tokens that `mask` covers.

        Positions count real tokens only, so padding on the left shifts nothing (2019, detail 3);
        rows with several responses come with theirs (`shared_query`). `prefix_states` are the
        frozen layers' outputs for the same tokens; those are skipped.
        """
        self._activate()
        with self._resumed_from(prefix_states), self.runtime.layers():
            if self.sharded is not None:
                return self.sharded.hidden_states(ids, mask, cache=cache, positions=positions)
            return hidden_states(self.causal, ids, mask, cache=cache, positions=positions)

    def _resumed_from(self, prefix_states: Tensor | None) -> AbstractContextManager[None]:
        if prefix_states is None:
            return nullcontext()
        assert self.frozen_prefix is not None, "only shared layers are skipped"
        return self.frozen_prefix.resume_from(prefix_states)

    def logits(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... V"]:
        """Return the model's logits at the given hidden states only."""
        if self.sharded is not None:
            return self.sharded.logits(hidden)
        return logits_of(self.causal, hidden)

    def backward(self, loss: Float[Tensor, ""]) -> None:
        """Add the gradient of a loss to that of the weights."""
        if self.sharded is not None:
            self.sharded.backward(loss)
        else:
            loss.backward()  # type: ignore[no-untyped-call]

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """Take a step of an optimizer of the weights, and of heads beside them."""
        if self.sharded is not None:
            self.sharded.weights.step(optimizer)
        else:
            optimizer.step()

    def end_training(self) -> None:
        """Let go of the optimizer that took the last steps: whoever trains next brings another."""
        if self.sharded is not None:
            self.sharded.weights.end_training()

    def shard(
        self, collectives: Collectives, device: Device, origin: ShardedModel | None = None
    ) -> ShardedModel:
        """Keep one part of the model here; `origin` is what it is reset to."""
        self.sharded = ShardedModel(self.causal, collectives, device=device, origin=origin)
        if self.named_parameters:
            self.named_parameters = list(self.causal.named_parameters())
        return self.sharded


class ModelRoles:
    """The three roles over one base (LoRA) or over three copies."""

    def __init__(
        self,
        causal: PreTrainedModel,
        config: ModelsConfig,
        *,
        seed: int,
        products: DType | None = None,
    ) -> None:
        """`products` is that of the `Runtime` with which `causal` was loaded."""
        self.config = config
        self._seed = seed
        self._active: str | None = "none yet"
        for parameter in causal.parameters():
            parameter.requires_grad_(False)
        if config.adapter == "lora":
            self._share(causal)
        else:
            self._copy(causal, products)
        roles = (self.policy, self.reward, self.reference)
        for role_model in roles:
            role_model.causal.eval()  # Detail 13: no dropout, in training too.
        shares = can_share_queries(causal, self.policy.hidden, self.policy.runtime)
        for role_model in roles:
            role_model.shares_queries = shares
        self.reset(self.policy, 0)
        self.reset(self.reward, 0)

    def _share(self, causal: PreTrainedModel) -> None:
        settings = _lora_settings(causal, self.config)
        with warnings.catch_warnings():
            # peft reads an attribute of transformers under its old name; a user cannot change it.
            warnings.filterwarnings("ignore", message=".is_gradient_checkpointing")
            self._peft = cast(PeftModel, get_peft_model(causal, settings, adapter_name=POLICY))
            self._peft.add_adapter(REWARD, settings)
        _refuse_unmergeable(causal, self.config)
        named = list(causal.named_parameters())
        roles: dict[str, RoleModel] = {}
        for role in (POLICY, REWARD):
            own = [(name, p) for name, p in named if f".{role}." in name]
            roles[role] = RoleModel(causal, own, lambda role=role: self._switch(role))  # type: ignore[misc]
        self.policy, self.reward = roles[POLICY], roles[REWARD]
        self.reference = RoleModel(causal, [], lambda: self._switch(None))
        n_frozen = _n_frozen(causal, self.config.lora_top_layers)
        shared = split_frozen_prefix(causal, n_frozen, self.reference.hidden)
        for role_model in (self.policy, self.reward, self.reference):
            role_model.frozen_prefix = shared

    def _copy(self, causal: PreTrainedModel, products: DType | None) -> None:
        self._peft = None
        self.reference = RoleModel(causal, [], _nothing, products=products)
        self.policy, self.reward = (_full_copy(causal, products) for _ in range(2))

    @property
    def adapter_settings(self) -> LoraConfig | None:
        """How the adapters are made; None with `adapter: none`."""
        return None if self._peft is None else cast(LoraConfig, self._peft.peft_config[POLICY])

    def shard(self, processes: Processes, device: Device) -> None:
        """Leave each process its part of the three models; all processes call this."""
        assert self._peft is None, "low-rank adapters are refused before"
        collectives = Collectives(processes)
        reference = self.reference.shard(collectives, device)
        for role_model in (self.policy, self.reward):
            role_model.shard(collectives, device, reference)

    def _switch(self, role: str | None) -> None:
        if role == self._active or self._peft is None:
            return
        if role is None:
            self._peft.base_model.disable_adapter_layers()
        else:
            if self._active is None:
                self._peft.base_model.enable_adapter_layers()
            self._peft.set_adapter(role)
        self._active = role

    def reset(self, role_model: RoleModel, round_number: int) -> None:
        """Reset a trained role to the base, as every round does with the reward model.

        LoRA: A is uniform in ±1/sqrt(fan in), B is 0 (Hu et al. 2021), so the role equals the base.
        """
        if role_model.sharded is not None:
            role_model.sharded.weights.reset()
            return
        role = REWARD if role_model is self.reward else POLICY
        seed = derive_seed(self._seed, "adapter", role, round_number)
        stream = RandomStream(seed)
        originals = dict(self.reference.causal.named_parameters())
        with torch.no_grad():
            for name, parameter in role_model.named_parameters:
                if self._peft is None:
                    parameter.copy_(originals[name])
                elif ".lora_B." in name:
                    parameter.zero_()
                else:
                    bound = parameter.shape[1] ** -0.5
                    noise = stream.uniform(parameter.shape, device=parameter.device)
                    parameter.copy_((2 * noise - 1) * bound)

    def state(self, role_model: RoleModel) -> Iterator[tuple[str, Tensor]]:
        """Yield the role's whole backbone as plain tensors, adapters merged, one at a time."""
        roles = {id(self.policy): POLICY, id(self.reward): REWARD}
        yield from _merged(role_model, None if self._peft is None else roles.get(id(role_model)))


def _nothing() -> None:
    """Full copies need no switching."""


def _full_copy(causal: PreTrainedModel, products: DType | None) -> RoleModel:
    twin = copy.deepcopy(causal)
    for parameter in twin.parameters():
        parameter.requires_grad_(True)
    return RoleModel(twin, list(twin.named_parameters()), _nothing, products=products)


def _lora_settings(causal: PreTrainedModel, config: ModelsConfig) -> LoraConfig:
    targets = _projections(causal, config.lora_top_layers)
    if not targets:
        raise InputError(_without_adapters(config, "none"))
    return LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=0.0,
        target_modules=targets,
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in causal.modules()),
    )


def _refuse_unmergeable(causal: PreTrainedModel, config: ModelsConfig) -> None:
    """Refuse adapters that peft put on more than linear maps: the saved model would lack them."""
    wrapped = [m.get_base_layer() for m in causal.modules() if isinstance(m, LoraLayer)]
    others = {type(layer).__name__ for layer in wrapped if not isinstance(layer, LINEAR)}
    if others:
        raise InputError(_without_adapters(config, f"{', '.join(sorted(others))}, no linear maps"))


def _without_adapters(config: ModelsConfig, found: str) -> str:
    return (
        f"models.adapter: lora trains small updates of linear maps, and model {config.name} has "
        f"{found} in its layers. Set models.adapter: none, which trains full copies, or name "
        "another model."
    )


def _projections(causal: PreTrainedModel, top_layers: int | None) -> list[str]:
    """Return the names of the linear maps inside the layers, of the topmost layers if asked."""
    layers = backbone(causal)
    first = _n_frozen(causal, top_layers)
    names = []
    for name, module in layers.named_modules():
        number = next((int(part) for part in name.split(".") if part.isdigit()), -1)
        if isinstance(module, LINEAR) and number >= first:
            names.append(f"{causal.base_model_prefix}.{name}")
    return names


def _n_frozen(causal: PreTrainedModel, top_layers: int | None) -> int:
    """Return how many of the lowest layers have no adapters."""
    n_layers = int(causal.config.get_text_config().num_hidden_layers)
    return 0 if top_layers is None else max(0, n_layers - top_layers)


def _merged(role_model: RoleModel, adapter: str | None) -> Iterator[tuple[str, Tensor]]:
    """Yield names and tensors as the plain model has them: base weight plus low-rank update.

    In full precision: a base weight in bfloat16 would swallow most of its update.
    """
    modules = dict(role_model.causal.named_modules())
    parameters = dict(role_model.causal.named_parameters(remove_duplicate=False))
    for name, tensor in role_model.causal.state_dict().items():
        if ".lora_" in name:
            continue
        tensor = whole(parameters.get(name, tensor))
        tensor = tensor.to(FULL_PRECISION) if tensor.is_floating_point() else tensor
        if ".base_layer." not in name:
            yield name, tensor
            continue
        layer = modules[name.split(".base_layer.")[0]]
        if adapter is not None and name.endswith(".weight"):
            tensor = tensor + layer.get_delta_weight(adapter)
        yield name.replace(".base_layer.", "."), tensor
