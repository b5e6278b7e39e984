"""The frozen layers below the first trained one, computed once.

With `models.lora_top_layers` the layers under the adapters give the same output for a token in
every role and at every step. Policy, reference and reward model, and every epoch of each, then
begin at the first trained layer, from the hidden states that enter it: `prefix_states`,
[batch, tokens, width].
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import PreTrainedModel

from prefloop.models.loading import backbone

AGREES_TO = 1e-4
"""How closely a split model must reproduce the whole one's hidden states, or it is not split."""

Run = Callable[..., Tensor]
"""`RoleModel.hidden`: ids, mask and perhaps a cache in, final hidden states out."""


class FrozenPrefix:
    """A model's layers, cut in two at the first one that is trained."""

    def __init__(self, layers: nn.ModuleList, n_frozen: int) -> None:
        self._frozen = list(layers[:n_frozen])
        self._trained = list(layers[n_frozen:])

    @contextmanager
    def capture(self) -> Iterator[list[Tensor]]:
        """Record the hidden states that enter the first trained layer, one entry per pass."""
        captured: list[Tensor] = []

        def record(_layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            captured.append((args[0] if args else kwargs["hidden_states"]).detach())

        handle = self._trained[0].register_forward_pre_hook(record, with_kwargs=True)
        try:
            yield captured
        finally:
            handle.remove()

    @contextmanager
    def resume_from(self, prefix_states: Float[Tensor, "B L D"]) -> Iterator[None]:
        """Skip the frozen layers: the first trained one gets `prefix_states`."""

        def replace(
            _layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> tuple[tuple[Any, ...], dict[str, Any]]:
            rest = {k: v for k, v in kwargs.items() if k != "hidden_states"}
            return (prefix_states, *args[1:]), rest

        handle = self._trained[0].register_forward_pre_hook(replace, with_kwargs=True)
        try:
            with _skipped(self._frozen):
                yield
        finally:
            handle.remove()

    @torch.no_grad()
    def compute(
        self, run: Run, ids: Int[Tensor, "B L"], mask: Bool[Tensor, "B M"], *, cache: Any = None
    ) -> Float[Tensor, "B L D"]:
        """Return `prefix_states` of the last L of M tokens, without running the trained layers."""
        with self.capture() as captured, _skipped(self._trained):
            run(ids, mask, cache=cache)
        return captured[0]


@contextmanager
def _skipped(layers: list[nn.Module]) -> Iterator[None]:
    """Make layers return their input unchanged."""
    with ExitStack() as stack:
        for layer in layers:
            layer.forward = _unchanged
            stack.callback(delattr, layer, "forward")
        yield


def _unchanged(hidden_states: Tensor, *_args: Any, **_kwargs: Any) -> Tensor:
    return hidden_states


def split_frozen_prefix(causal: PreTrainedModel, n_frozen: int, run: Run) -> FrozenPrefix | None:
    """Return the model cut above its `n_frozen` lowest layers, if its output stays the same.

    None if no layer is frozen, or for an architecture whose layers cannot be skipped.
    """
    n_layers = int(causal.config.get_text_config().num_hidden_layers)
    lists = [
        module
        for module in backbone(causal).modules()
        if isinstance(module, nn.ModuleList) and len(module) == n_layers
    ]
    if n_frozen <= 0 or len(lists) != 1:
        return None
    frozen_prefix = FrozenPrefix(lists[0], n_frozen)
    ids = torch.arange(3, device=causal.device)[None]
    mask = ids > 0
    with torch.no_grad():
        whole = run(ids, mask)
        prefix_states = frozen_prefix.compute(run, ids, mask)
        with frozen_prefix.resume_from(prefix_states):
            split = run(ids, mask)
    agrees = torch.allclose(split[mask], whole[mask], rtol=AGREES_TO, atol=AGREES_TO)
    return frozen_prefix if agrees else None
