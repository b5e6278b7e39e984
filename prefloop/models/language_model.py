"""A causal language model of transformers in two steps: hidden states, and logits from them.

    hidden states = layers(ids, mask, cache)
    logits        = the model's own forward pass above its layers

Between them the value head and the score head read, and only some positions need logits. What the
class does after its LM head (soft-capping, a scale) is left to the class.
"""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.core_model_loading import revert_weight_conversion

from prefloop.models.runtime import FULL_PRECISION

FORWARD_ERRORS = (
    *(TypeError, ValueError, RuntimeError, LookupError, AttributeError, AssertionError),
    ImportError,
)
"""What a class of transformers raises when it is used in a way that it does not know."""


def backbone(causal: PreTrainedModel) -> nn.Module:
    """Return the model without its language-model head."""
    return cast(nn.Module, getattr(causal, causal.base_model_prefix))


def hidden_states(
    causal: PreTrainedModel,
    ids: Int[Tensor, "B L"],
    mask: Bool[Tensor, "B M"] | Bool[Tensor, "B 1 L L"],
    *,
    cache: Any = None,
    positions: Int[Tensor, "B L"] | None = None,
) -> Float[Tensor, "B L D"]:
    """Return the final hidden states of `ids`, the last L of the M tokens that `mask` covers.

    Positions count real tokens only, so padding on the left shifts nothing (2019, detail 3). A
    model without positions (ALiBi) finds them in the mask itself. Rows in which a token does not
    see all before it come with their `positions`, and a mask of what each token sees.
    """
    layers = backbone(causal)
    has_positions = "position_ids" in inspect.signature(layers.forward).parameters
    if positions is None:
        seen = mask.long()
        positions = (seen.cumsum(dim=1) - 1).clamp(min=0)[:, -ids.shape[1] :]
    elif has_positions:
        unseen = torch.finfo(causal.dtype).min
        seen = torch.where(mask, 0.0, unseen).to(causal.dtype)
    else:
        raise TypeError(f"{type(layers).__name__} takes no positions")
    output = layers(
        input_ids=ids,
        attention_mask=seen,
        past_key_values=cache,
        use_cache=cache is not None,
        **({"position_ids": positions} if has_positions else {}),
    )
    return cast(Tensor, output.last_hidden_state)


def logits_of(causal: PreTrainedModel, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... V"]:
    """Return the logits that the model gives where its final hidden states are `hidden`."""
    # Rows of one matrix: a slice of a padded batch would become one product per response, which
    # takes a CPU two to three times as long.
    flat = hidden.reshape(1, -1, hidden.shape[-1])
    # Some classes call their decoder, not the whole of their layers.
    layers = {backbone(causal), causal.get_decoder()} - {causal}
    with ExitStack() as stack:
        for part in layers:
            stack.enter_context(_given_hidden_states(part, flat))
        logits = causal(inputs_embeds=flat).logits
    return cast(Tensor, logits[0].unflatten(0, hidden.shape[:-1]))


def read_head_in_full_precision(causal: PreTrainedModel) -> None:
    """Make the LM head multiply in full precision, though its weights take half the memory.

    Logits near 100 would be rounded to halves in bfloat16, and the log-probabilities of a token
    when it is drawn and when it is trained on would differ by as much.
    """
    head = causal.get_output_embeddings()

    def forward(hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... V"]:
        bias = getattr(head, "bias", None)
        exact = None if bias is None else bias.to(FULL_PRECISION)
        return nn.functional.linear(
            hidden.to(FULL_PRECISION), head.weight.to(FULL_PRECISION), exact
        )

    head.forward = forward


def weights_as_filed(causal: PreTrainedModel, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a model's weights under the names, and in the pieces, of transformers' files.

    Some classes hold them in others, such as all experts in one. Tied copies are left out.
    """
    tied = set(causal.all_tied_weights_keys)
    held = {name: tensor for name, tensor in weights.items() if name not in tied}
    return {name: t.contiguous() for name, t in revert_weight_conversion(causal, held).items()}


class _LayersOutput:
    """What layers return, with hidden states alone: every other part is None."""

    def __init__(self, hidden: Tensor) -> None:
        self.last_hidden_state = hidden

    def __getattr__(self, _name: str) -> None:
        return None

    def __getitem__(self, index: int | slice) -> Any:
        return (self.last_hidden_state,)[index]


@contextmanager
def _given_hidden_states(layers: nn.Module, hidden: Tensor) -> Iterator[None]:
    """Make layers return `hidden`, whatever they are given."""
    layers.forward = lambda *_args, **_kwargs: _LayersOutput(hidden)
    try:
        yield
    finally:
        del layers.forward
