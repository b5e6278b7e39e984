"""A language model of which each process holds a part of every matrix (FSDP2's `fully_shard`).

A layer is whole only while a pass goes through it, and gradients are summed into the parts.
"""

import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import PreTrainedModel

from prefloop.errors import InputError
from prefloop.models.collectives import Collectives, Pass
from prefloop.models.fsdp import shard
from prefloop.models.language_model import hidden_states, logits_of
from prefloop.models.processes import Plain
from prefloop.models.runtime import Device
from prefloop.models.sharded_weights import ShardedWeights

READ_LAYERS = "read_layers"
"""The method of a sharded model that runs its layers without its LM head."""


class ShardedModel:
    """A model in one role, as one of the processes sees it."""

    def __init__(
        self,
        causal: PreTrainedModel,
        collectives: Collectives,
        *,
        device: Device,
        origin: "ShardedModel | None" = None,
    ) -> None:
        """`origin` is the model that this one is reset to. InputError if it has no layers."""
        setattr(causal, READ_LAYERS, lambda *args, **kwargs: hidden_states(causal, *args, **kwargs))
        shard(causal, _layers(causal), device=device, methods=[READ_LAYERS])
        # Whoever reads logits makes new tensors of them.
        warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view")
        self.causal = causal
        self._collectives = collectives
        self._number = collectives.add(self)
        self.weights: ShardedWeights = ShardedWeights(
            causal.named_parameters(),
            partial(collectives.everywhere, self._number),
            None if origin is None else origin.weights,
        )
        self._hidden: Tensor | None = None
        self._outputs: list[Tensor] = []
        """What a backward pass may be asked of."""

    def hidden_states(
        self,
        ids: Int[Tensor, "B L"],
        mask: Bool[Tensor, "B M"] | Bool[Tensor, "B 1 L L"],
        *,
        cache: Any = None,
        positions: Int[Tensor, "B L"] | None = None,
    ) -> Float[Tensor, "B L D"]:
        """Return what `language_model.hidden_states` does."""
        with self._pass(Pass.HIDDEN):
            return self._read(ids, mask, cache=cache, positions=positions)

    def logits(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... V"]:
        """Return what `language_model.logits_of` does."""
        with self._pass(Pass.LOGITS):
            return self._noted(logits_of(self.causal, hidden))

    def backward(self, loss: Float[Tensor, ""]) -> None:
        """Add the gradient of a loss, summed over what all processes work out."""
        with self._pass(Pass.BACKWARD):
            loss.backward()  # type: ignore[no-untyped-call]
        self.forget_passes()

    def idle(self, kind: Pass, *, with_gradient: bool) -> None:
        """Make a pass beside those of other processes, of which nothing is wanted."""
        if kind == Pass.BACKWARD:
            zeros = [torch.zeros_like(output) for output in self._outputs]
            torch.autograd.backward(self._outputs, zeros)
            self.forget_passes()
            return
        with torch.set_grad_enabled(with_gradient):
            if kind == Pass.HIDDEN:
                ids = torch.zeros((1, 1), dtype=torch.long, device=self.causal.device)
                self._read(ids, ids == 0)
            else:
                assert self._hidden is not None, "logits are those of hidden states"
                self._noted(logits_of(self.causal, self._hidden[:1, -1]))

    def do(self, operation: str, given: Plain) -> None:
        """Do with this process's weights what process 0 does with its own."""
        self.weights.do(operation, given)

    def forget_passes(self) -> None:
        """Drop what was kept of passes for a gradient that nobody will ask for."""
        self._outputs.clear()

    def _pass(self, kind: Pass) -> AbstractContextManager[None]:
        with_gradient = torch.is_grad_enabled()
        return self._collectives.pass_of(self._number, kind, with_gradient=with_gradient)

    def _read(self, ids: Tensor, mask: Tensor, **how: Any) -> Tensor:
        self._hidden = self._noted(getattr(self.causal, READ_LAYERS)(ids, mask, **how))
        return self._hidden

    def _noted(self, output: Tensor) -> Tensor:
        if output.requires_grad:
            self._outputs.append(output)
        return output


def _layers(causal: PreTrainedModel) -> Sequence[torch.nn.Module]:
    names = set(causal._no_split_modules or ())
    found = [module for module in causal.modules() if type(module).__name__ in names]
    if not found:
        raise InputError(
            f"{type(causal).__name__} names no layers that FSDP could share out one by one "
            "(`_no_split_modules`). Start the run without --use_fsdp, or name another model."
        )
    return found
