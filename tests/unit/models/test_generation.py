"""Responses that end are not drawn on, and that changes nothing of what counts."""

from pathlib import Path
from typing import Any

import pytest
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from prefloop.models import generation
from prefloop.models.generation import ENDED, Generation, generate
from prefloop.models.heads import ValueHead
from prefloop.models.padding import pad_left
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import CPU
from prefloop.models.scoring import banned_mask, respond_forward
from tests.known import known
from tests.tolerances import MODEL
from tests.unit.models.test_frozen_prefix import roles_on
from tests.unit.models.test_roles import TEXTS

N_TOKENS, PER_QUERY, FILL = 12, 8, 1


def ends(states: Int[Tensor, " B"], tokens: Int[Tensor, " B"], index: int) -> Int[Tensor, " B"]:
    """Every fourth token of the vocabulary ends a response, from the third place on."""
    return torch.where((tokens % 4 == 0) & (index >= 2), ENDED, states)


def loss_mask_of(response: Int[Tensor, "B T"]) -> Bool[Tensor, "B T"]:
    """Return True up to and including the first token that ends, worked out row by row."""
    loss_mask = torch.ones_like(response, dtype=torch.bool)
    for row, ids in enumerate(response.tolist()):
        ended = [i for i, token in enumerate(ids) if token % 4 == 0 and i >= 2]
        if ended:
            loss_mask[row, ended[0] + 1 :] = False
    return loss_mask


def drawn(roles: ModelRoles, tokenizer: Any, **settings: Any) -> tuple[dict[str, Any], Generation]:
    """Return the responses, and what else a pass over them needs."""
    query, mask = pad_left(
        [tokenizer.encode(t) for t in TEXTS], tokenizer.pad_id, device=CPU.device
    )
    banned = banned_mask(
        roles.policy.causal.get_output_embeddings().weight.shape[0], [FILL], device=CPU.device
    )
    head = ValueHead(roles.policy.width, runtime=CPU)
    torch.nn.init.normal_(head.weight, generator=torch.Generator().manual_seed(5))
    found = generate(
        roles.policy,
        query,
        mask,
        n_tokens=N_TOKENS,
        per_query=PER_QUERY,
        temperature=0.7,
        banned=banned,
        seed=2,
        value_head=head,
        **settings,
    )
    rest = {
        "query": query.repeat_interleave(PER_QUERY, dim=0),
        "query_mask": mask.repeat_interleave(PER_QUERY, dim=0),
        "temperature": 0.7,
        "banned": banned,
        "value_head": head,
    }
    return rest, found


@pytest.mark.parametrize("top_layers", [None, 1])
def test_up_to_their_ends_responses_are_the_same(
    model_folder: Path, top_layers: int | None
) -> None:
    roles, tokenizer = roles_on(model_folder, top_layers)
    rest, whole = drawn(roles, tokenizer)
    _, cut = drawn(roles, tokenizer, ends=ends, fill=FILL)
    loss_mask = loss_mask_of(whole.response)
    assert 0.2 < loss_mask.float().mean() < 0.8, "some end early, some late"
    assert torch.equal(cut.response[loss_mask], whole.response[loss_mask])
    torch.testing.assert_close(cut.logprobs[loss_mask], whole.logprobs[loss_mask], **MODEL)
    torch.testing.assert_close(
        known(cut.values)[loss_mask], known(whole.values)[loss_mask], **MODEL
    )
    assert (cut.response[~loss_mask] == FILL).all()
    assert not cut.logprobs[~loss_mask].any() and not known(cut.values)[~loss_mask].any()
    if cut.prefix_states is not None:
        read = torch.cat([rest["query_mask"], loss_mask], dim=1)
        torch.testing.assert_close(
            cut.prefix_states[read], known(whole.prefix_states)[read], **MODEL
        )


def test_a_row_that_ended_is_read_once_more_and_then_dropped(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles, tokenizer = roles_on(model_folder, 1)
    monkeypatch.setattr(generation, "FULL_ENOUGH", 0.999)
    widths = []
    real = generation._Rows._read

    def record(rows: Any, ids: Tensor, mask: Tensor) -> Any:
        widths.append(ids.shape[0])
        return real(rows, ids, mask)

    monkeypatch.setattr(generation._Rows, "_read", record)
    _, cut = drawn(roles, tokenizer, ends=ends, fill=FILL)
    lengths = loss_mask_of(cut.response).sum(dim=1)
    expected = [int((lengths >= step).sum()) for step in range(1, N_TOKENS)]
    assert widths == [len(TEXTS), *[n for n in expected if n]]


def test_what_does_not_count_is_not_computed(model_folder: Path) -> None:
    roles, tokenizer = roles_on(model_folder, 1)
    rest, cut = drawn(roles, tokenizer, ends=ends, fill=FILL)
    loss_mask = loss_mask_of(cut.response)
    asked = []
    head = roles.policy.causal.get_output_embeddings()
    handle = head.register_forward_hook(
        lambda _module, args, _out: asked.append(args[0][..., 0].numel())
    )
    passes = {}
    for name, read in (("whole", None), ("masked", loss_mask)):
        forward = respond_forward(
            roles.policy, response=cut.response, with_entropy=True, loss_mask=read, **rest
        )
        loss = forward.logprobs[loss_mask].sum() + known(forward.values)[loss_mask].sum()
        parameters = [p for _, p in roles.policy.named_parameters]
        passes[name] = (forward, torch.autograd.grad(loss, parameters))
    handle.remove()
    assert asked == [loss_mask.numel(), int(loss_mask.sum())]
    (whole, gradient), (part, same) = passes["whole"], passes["masked"]
    for name in ("logprobs", "entropy", "values"):
        found, wanted = (getattr(forward, name)[loss_mask] for forward in (part, whole))
        torch.testing.assert_close(found, wanted, **MODEL)
    assert not part.logprobs[~loss_mask].any() and not part.entropy[~loss_mask].any()
    torch.testing.assert_close(part.logprobs[loss_mask], cut.logprobs[loss_mask], **MODEL)
    for one, other in zip(gradient, same, strict=True):
        torch.testing.assert_close(one, other, **MODEL)
