"""Whether a language model is one that can be sampled and trained here, tried on a few tokens.

Which classes transformers has changes with its version, and what a class does cannot be read from
one field of its configuration. So each use that will be made of a model is made once when it is
loaded, and compared with the model's own forward pass.
"""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from prefloop.errors import InputError, listing
from prefloop.models.language_model import (
    FORWARD_ERRORS,
    hidden_states,
    logits_of,
    weights_as_filed,
)
from prefloop.models.runtime import shapes_only

N_TOKENS = 6
"""Tokens of a trial: so many ids, and positions, every model has."""

AGREES_TO = 1e-3
"""How closely another way must give the same logits, in units of the largest one.

SmolLM2's 30 layers sum in another order with a cache, and differ by 2e-4.
"""

NO_DIFFERENCE = 1e-6
"""The same for passes of equal shapes, which leave no room for rounding.

But in a mixture of experts: which tokens an expert gets, and so the shapes of its sums, hangs on
the later tokens as well.
"""

WORKS = "Models such as GPT-2, Llama, Mistral, Qwen2 and Gemma work."


@torch.no_grad()
def refuse_incompatible(causal: PreTrainedModel, folder: Path) -> None:
    """Refuse a model that cannot be sampled from and trained; InputError says why, all at once."""
    ids = _trial_ids(causal)
    try:
        whole = causal(ids).logits
    except FORWARD_ERRORS as error:
        raise InputError(
            f"model folder {folder} holds a {type(causal).__name__}, which cannot read a text "
            f"alone ({_first_line(error)}). {WORKS}"
        ) from error
    if not torch.isfinite(whole).all():
        raise InputError(
            f"model folder {folder} gives logits that are no numbers (NaN or infinite): its "
            "weights are damaged. Copy or download it again."
        )
    problems = list(_problems(causal, ids, whole))
    if problems:
        subject = f"model folder {folder} ({type(causal).__name__})"
        raise InputError(f"{listing(subject, problems)}\nName another model. {WORKS}")


def _trial_ids(causal: PreTrainedModel) -> Tensor:
    """Return the first ids but padding's, about which transformers would warn without a mask."""
    pad_id = causal.config.get_text_config().pad_token_id
    chosen = [i for i in range(1, N_TOKENS + 2) if i != pad_id][:N_TOKENS]
    return torch.tensor([chosen], dtype=torch.long, device=causal.device)


def _problems(causal: PreTrainedModel, ids: Tensor, whole: Tensor) -> Iterator[str]:
    """Yield what cannot be done with the model; `whole` are its own logits for `ids`."""
    later = torch.cat([ids[:, :2], ids[:, 2:].flip(1)], dim=1)
    tolerance = AGREES_TO if _has_experts(causal) else NO_DIFFERENCE
    if not is_close(causal(later).logits[:, :2], whole[:, :2], tolerance):
        yield "it reads ahead: a later token changes the logits of earlier ones (an encoder)"
        return
    for what, way in (
        ("the final hidden states do not give its logits", _from_hidden_states),
        ("padding on the left changes its logits", _padded),
        ("token by token, with a cache of keys and values, its logits are others", _token_by_token),
    ):
        yield from _difference(what, way, causal, ids, whole)
    try:
        with shapes_only():
            type(causal)(copy.deepcopy(causal.config))
    except FORWARD_ERRORS as error:
        yield f"with padding of its own it cannot be opened again ({_first_line(error)})"
    try:
        weights_as_filed(causal, causal.state_dict())
    except FORWARD_ERRORS as error:
        yield f"its weights cannot be saved as transformers saves them ({_first_line(error)})"


def _has_experts(causal: PreTrainedModel) -> bool:
    """Whether the model is a mixture of experts, by what its configuration counts."""
    config = causal.config.get_text_config().to_dict()
    return any("experts" in key and isinstance(n, int) and n > 1 for key, n in config.items())


def _difference(
    what: str,
    way: Callable[[PreTrainedModel, Tensor], Tensor],
    causal: PreTrainedModel,
    ids: Tensor,
    whole: Tensor,
) -> Iterator[str]:
    try:
        found = way(causal, ids)
    except FORWARD_ERRORS as error:
        yield f"{what} ({_first_line(error)})"
        return
    if not is_close(found, whole, AGREES_TO):
        furthest = (found - whole).abs().max().item() if found.shape == whole.shape else None
        yield what + (f" (by up to {furthest:.2g})" if furthest is not None else "")


def _from_hidden_states(causal: PreTrainedModel, ids: Tensor) -> Tensor:
    return logits_of(causal, hidden_states(causal, ids, ids > 0))


def _padded(causal: PreTrainedModel, ids: Tensor) -> Tensor:
    """Return the logits of `ids` in a row with padding before them, beside a row without."""
    padded = torch.cat([torch.zeros_like(ids[:, :2]), ids], dim=1)
    rows = torch.cat([padded, padded.clamp(min=1)])
    mask = torch.cat([padded > 0, rows[1:] > 0])
    return logits_of(causal, hidden_states(causal, rows, mask)[:1, 2:])


def _token_by_token(causal: PreTrainedModel, ids: Tensor) -> Tensor:
    cache = DynamicCache(config=causal.config)
    parts: list[Tensor] = []
    for start, end in ((0, 3), (3, 4), (4, 5), (5, N_TOKENS)):
        mask = torch.ones_like(ids[:, :end], dtype=torch.bool)
        parts.append(hidden_states(causal, ids[:, start:end], mask, cache=cache))
    return logits_of(causal, torch.cat(parts, dim=1))


def is_close(found: Tensor, whole: Tensor, tolerance: float = AGREES_TO) -> bool:
    """Whether both are of one shape and equal within a share of the largest number."""
    limit = tolerance * whole.abs().max().item()
    return found.shape == whole.shape and (found - whole).abs().max().item() <= limit


def _first_line(error: Exception) -> str:
    return (
        f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
        if str(error)
        else repr(error)
    )
