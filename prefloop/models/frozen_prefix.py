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

from prefloop.models.language_model import FORWARD_ERRORS, backbone

AGREES_TO = 1e-4
"""How closely a split model must reproduce the whole one's hidden states, or it is not split."""

Layers = Callable[..., Tensor]
"""`RoleModel.hidden`: ids, mask and perhaps a cache in, final hidden states out."""


class FrozenPrefix:
    """A model's layers, cut in two at the first one that is trained.

    `n_outputs` is how many values a layer returns, hidden states first; None: these alone, which is
    no tuple.
    """

    def __init__(self, layers: nn.ModuleList, n_frozen: int, n_outputs: int | None) -> None:
        self._frozen = list(layers[:n_frozen])
        self._trained = list(layers[n_frozen:])
        self._n_outputs = n_outputs

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
            with self._skipped(self._frozen):
                yield
        finally:
            handle.remove()

    @torch.no_grad()
    def compute(
        self,
        run: Layers,
        ids: Int[Tensor, "B L"],
        mask: Bool[Tensor, "B M"] | Bool[Tensor, "B 1 L L"],
        *,
        cache: Any = None,
    ) -> Float[Tensor, "B L D"]:
        """Return `prefix_states` of the last L of M tokens, without running the trained layers."""
        with self.capture() as captured, self._skipped(self._trained):
            run(ids, mask, cache=cache)
        return captured[0]

    @contextmanager
    def _skipped(self, layers: list[nn.Module]) -> Iterator[None]:
        """Make layers return their input unchanged."""
        with ExitStack() as stack:
            for layer in layers:
                layer.forward = self._unchanged
                stack.callback(delattr, layer, "forward")
            yield

    def _unchanged(self, hidden_states: Tensor, *_args: Any, **_kwargs: Any) -> Any:
        if self._n_outputs is None:
            return hidden_states
        return (hidden_states, *[None] * (self._n_outputs - 1))


def split_frozen_prefix(causal: PreTrainedModel, n_frozen: int, run: Layers) -> FrozenPrefix | None:
    """Return the model cut above its `n_frozen` lowest layers, if its output stays the same.

    None if no layer is frozen, or for an architecture whose layers cannot be skipped: it is run
    whole, which gives the same numbers and takes longer.
    """
    n_layers = int(causal.config.get_text_config().num_hidden_layers)
    lists = [
        module
        for module in backbone(causal).modules()
        if isinstance(module, nn.ModuleList) and len(module) == n_layers
    ]
    if n_frozen <= 0 or len(lists) != 1:
        return None
    ids = torch.arange(3, device=causal.device)[None]
    mask = ids > 0
    with torch.no_grad():
        whole, outputs = _run_and_record(lists[0], lambda: run(ids, mask))
        n_outputs = len(outputs[0]) if isinstance(outputs[0], tuple) else None
        frozen_prefix = FrozenPrefix(lists[0], n_frozen, n_outputs)
        try:
            prefix_states = frozen_prefix.compute(run, ids, mask)
            with frozen_prefix.resume_from(prefix_states):
                split = run(ids, mask)
        except FORWARD_ERRORS:
            return None
    agrees = split.shape == whole.shape and torch.allclose(
        split[mask], whole[mask], rtol=AGREES_TO, atol=AGREES_TO
    )
    return frozen_prefix if agrees else None


def _run_and_record(layers: nn.ModuleList, run: Callable[[], Tensor]) -> tuple[Tensor, list[Any]]:
    """Return what `run` returns, and what the lowest layer returned in it."""
    outputs: list[Any] = []
    handle = layers[0].register_forward_hook(lambda _layer, _args, output: outputs.append(output))
    try:
        return run(), outputs
    finally:
        handle.remove()
