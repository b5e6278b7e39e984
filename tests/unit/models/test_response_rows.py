"""Responses of a rollout that share a row with their query say what they say in rows apart."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from prefloop.models.generation import generate
from prefloop.models.heads import ValueHead
from prefloop.models.padding import pad_left
from prefloop.models.response_rows import ResponseRows, responses_in_row
from prefloop.models.roles import ModelRoles, RoleModel
from prefloop.models.runtime import CPU
from prefloop.models.scoring import banned_mask, respond_forward
from tests.stages_for_tests import roles_on as plain_roles_on
from tests.tolerances import EXACT, FP32, MODEL
from tests.unit.models.test_frozen_prefix import roles_on
from tests.unit.models.test_roles import TEXTS

K = 3


def test_a_row_holds_the_query_once_and_each_response_sees_its_own() -> None:
    rows = ResponseRows(n_query=3, n_tokens=3, n_shared=2)
    query = torch.tensor([[0, 5, 6]] * 2)
    counts = torch.tensor([[False, True, True]] * 2)
    response = torch.tensor([[7, 8], [9, 10]])
    assert rows.joined(query, response).tolist() == [[0, 5, 6, 7, 8, 9, 10]]
    positions = rows.positions(counts)
    assert positions is not None and positions.tolist() == [[0, 0, 1, 2, 3, 2, 3]]
    assert rows.mask(counts).long().tolist() == [
        [
            [
                [1, 0, 0, 0, 0, 0, 0],
                [0, 1, 0, 0, 0, 0, 0],
                [0, 1, 1, 0, 0, 0, 0],
                [0, 1, 1, 1, 0, 0, 0],
                [0, 1, 1, 1, 1, 0, 0],
                [0, 1, 1, 0, 0, 1, 0],
                [0, 1, 1, 0, 0, 1, 1],
            ]
        ]
    ]
    hidden = torch.arange(7.0).reshape(1, 7, 1)
    assert rows.of_responses(hidden).squeeze(2).tolist() == [[2, 3, 4], [2, 5, 6]]


def test_a_response_alone_has_the_row_that_it_always_had() -> None:
    rows = ResponseRows(n_query=2, n_tokens=3, n_shared=1)
    query, response = torch.tensor([[0, 5], [3, 4]]), torch.tensor([[7, 8], [9, 10]])
    assert rows.joined(query, response).tolist() == [[0, 5, 7, 8], [3, 4, 9, 10]]
    assert rows.mask(query > 0).long().tolist() == [[0, 1, 1, 1], [1, 1, 1, 1]]
    assert rows.positions(query > 0) is None
    hidden = torch.arange(8.0).reshape(2, 4, 1)
    torch.testing.assert_close(rows.of_responses(hidden), hidden[:, 1:], **EXACT)


def drawn(roles: ModelRoles, pad_id: int, encode: Callable[[str], list[int]]) -> dict[str, Any]:
    """Return what `respond_forward` is asked of three responses to each of a few queries, which are
    padded, as in a rollout."""
    query, mask = pad_left([encode(text) for text in TEXTS], pad_id, device=CPU.device)
    assert not mask.all()
    banned = banned_mask(roles.policy.vocabulary, [pad_id], device=CPU.device)
    asked: dict[str, Any] = {"temperature": 0.7, "banned": banned}
    found = generate(roles.policy, query, mask, n_tokens=5, per_query=K, seed=2, **asked)
    return asked | {
        "query": query.repeat_interleave(K, dim=0),
        "query_mask": mask.repeat_interleave(K, dim=0),
        "response": found.response,
        "prefix_states": found.prefix_states,
    }


@pytest.mark.parametrize("top_layers", [None, 1])
def test_log_probabilities_values_and_gradients_are_those_of_rows_apart(
    model_folder: Path, top_layers: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where layers are frozen, from what they made of each response in a row of its own."""
    roles, tokenizer = roles_on(model_folder, top_layers)
    asked = drawn(roles, tokenizer.pad_id, tokenizer.encode)
    assert (asked["prefix_states"] is None) == (top_layers is None)
    head = ValueHead(roles.policy.width, runtime=CPU)
    with torch.no_grad():
        head.weight.normal_(generator=torch.Generator().manual_seed(4))
    parameters = [*(p for _, p in roles.policy.named_parameters), *head.parameters()]
    shapes: list[tuple[int, ...]] = []
    real = RoleModel.hidden

    def noted(role_model: RoleModel, ids: Tensor, *args: Any, **keywords: Any) -> Tensor:
        shapes.append(tuple(ids.shape))
        return real(role_model, ids, *args, **keywords)

    monkeypatch.setattr(RoleModel, "hidden", noted)
    found = []
    for n in (1, K):
        forward = respond_forward(roles.policy, **asked, value_head=head, n_shared=n)
        assert forward.values is not None
        loss = forward.logprobs.square().sum() + forward.values.square().sum()
        gradients = torch.autograd.grad(loss, parameters)
        largest = max(gradient.abs().max() for gradient in gradients)
        found.append(
            [forward.logprobs, forward.values, *(gradient / largest for gradient in gradients)]
        )
    for together, apart in zip(found[1], found[0], strict=True):
        torch.testing.assert_close(together, apart, **FP32)
    (rows, width), (shared_rows, shared_width) = shapes
    assert (shared_rows * K, shared_width - width) == (rows, (K - 1) * 4)


def place_in_row(rows: ResponseRows, query_mask: Tensor) -> Tensor:
    return torch.arange(rows.length).expand(len(query_mask) // rows.n_shared, -1)


def all_before(rows: ResponseRows, query_mask: Tensor) -> Tensor:
    return torch.ones(len(query_mask) // rows.n_shared, 1, rows.length, rows.length).bool().tril()


def of_the_first(rows: ResponseRows, hidden: Tensor) -> Tensor:
    own = hidden[:, rows.n_query - 1 :][:, : rows.n_tokens]
    return own.repeat_interleave(rows.n_shared, dim=0)


@torch.no_grad()
@pytest.mark.parametrize(
    ("name", "twin"),
    [("positions", place_in_row), ("mask", all_before), ("of_responses", of_the_first)],
)
def test_twins_that_mix_responses_up_are_seen(
    model_folder: Path, name: str, twin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A position by the place in the row, eyes for another response, states of another."""
    tokenizer, roles = plain_roles_on(model_folder)
    asked = drawn(roles, tokenizer.pad_id, tokenizer.encode)
    apart = respond_forward(roles.policy, **asked).logprobs
    shared = respond_forward(roles.policy, **asked, n_shared=K).logprobs
    torch.testing.assert_close(shared, apart, **MODEL)
    monkeypatch.setattr(ResponseRows, name, twin)
    wrong = respond_forward(roles.policy, **asked, n_shared=K).logprobs
    assert (wrong - apart).abs().max() > 0.01


@pytest.mark.parametrize(
    ("n_query", "n_tokens", "per_query", "at_once", "n"),
    [
        pytest.param(24, 24, 2, 16, 2, id="a pair of the usual lengths"),
        pytest.param(24, 24, 1, 16, 1, id="one response to each prompt"),
        pytest.param(5, 24, 4, 16, 1, id="a query of which too little is spared"),
        pytest.param(64, 24, 4, 3, 2, id="as many as a pass may read"),
        pytest.param(64, 24, 3, 2, 1, id="what does not divide those to a query"),
        pytest.param(500, 75, 16, 16, 4, id="a row no longer than 1,024 tokens"),
        pytest.param(4, 1, 2, 16, 2, id="responses of a token"),
    ],
)
def test_as_many_share_a_row_as_is_worth_it(
    gpt2_folder: Path, n_query: int, n_tokens: int, per_query: int, at_once: int, n: int
) -> None:
    _, roles = plain_roles_on(gpt2_folder)
    query, response = (torch.zeros((16, n), dtype=torch.long) for n in (n_query, n_tokens))
    sizes = {"per_query": per_query, "at_once": at_once}
    assert responses_in_row(roles.policy, query, response, **sizes) == n
    roles.policy.shares_queries = False
    assert responses_in_row(roles.policy, query, response, **sizes) == 1


def test_responses_of_one_token_share_a_row(gpt2_folder: Path) -> None:
    """Nothing is read of them: the row is their query."""
    tokenizer, roles = plain_roles_on(gpt2_folder)
    asked = drawn(roles, tokenizer.pad_id, tokenizer.encode)
    asked["response"] = asked["response"][:, :1]
    with torch.no_grad():
        found = [respond_forward(roles.policy, **asked, n_shared=n).logprobs for n in (1, K)]
    torch.testing.assert_close(found[1], found[0], **FP32)
