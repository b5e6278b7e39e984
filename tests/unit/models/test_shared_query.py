"""Responses to one query in one row: the same hidden states as in rows of their own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from prefloop.models.loading import load_causal, load_tokenizer
from prefloop.models.padding import pad_right
from prefloop.models.roles import ModelRoles, RoleModel
from prefloop.models.runtime import CPU, Runtime
from prefloop.models.shared_query import TokenRows, grouped, shared_rows
from prefloop.rewards.comparison_reader import ComparisonReader
from prefloop.rewards.model import RewardModel
from prefloop.settings.models import ModelsConfig
from tests.tolerances import MODEL
from tests.unit.models.test_compatibility import WORKING, roles_of, save
from tests.unit.models.test_frozen_prefix import comparisons_of, lowest_layer_runs, roles_on

QUERY = tuple(range(20, 44))
GROUPS = (
    ((*QUERY, *range(60, 84)), (*QUERY, 200, 7), (*QUERY, *range(60, 65), 9, 10, *range(60, 79))),
    ((5, 6, 7),),
    ((*QUERY[:3], 90, 91), (*QUERY[:3], 91), (*QUERY[:3], 91, 92)),
    ((11, 12), (13, 14, 15)),
)
"""Longer than any window of the models below; of one sequence; one that another begins with;
without a common beginning."""


def test_a_row_holds_the_query_once() -> None:
    rows = shared_rows([((5, 6, 7, 8), (5, 6, 9)), ((1, 2),)], 0, CPU.device)
    assert rows.ids.tolist() == [[5, 6, 7, 8, 9], [1, 2, 0, 0, 0]]
    assert rows.positions is not None and rows.lengths == [5, 2]
    assert rows.positions[0].tolist() == [0, 1, 2, 3, 2]
    assert rows.ends.tolist() == [3, 4, 6]
    assert rows.mask[0, 0].long().tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 1, 0, 0, 1],
    ]
    assert rows.mask[1, 0, 2:].long().tolist() == torch.eye(5).long()[2:].tolist()


def apart(role_model: RoleModel) -> Tensor:
    sequences = [s for group in GROUPS for s in group]
    ids, mask = pad_right(sequences, 0, CPU.device)
    return role_model.hidden(ids, mask)[torch.arange(len(ids)), mask.sum(dim=1) - 1]


def together(role_model: RoleModel, rows: TokenRows) -> Tensor:
    hidden = role_model.hidden(rows.ids, rows.mask, positions=rows.positions)
    return hidden.flatten(0, 1)[rows.ends]


@torch.no_grad()
@pytest.mark.parametrize("kind", WORKING)
def test_hidden_states_are_those_of_rows_apart_or_rows_are_not_shared(
    kind: str, tmp_path: Path
) -> None:
    role_model = roles_of(save(kind, tmp_path / "m", WORKING[kind]), None).reward
    looks_back_a_limited_way = {"gemma2", "mistral", "gpt_neo"}
    without_positions = {"bloom", "mpt"}
    if kind in looks_back_a_limited_way | without_positions:
        assert not role_model.shares_queries
        return
    assert role_model.shares_queries
    found = together(role_model, shared_rows(GROUPS, 0, CPU.device))
    torch.testing.assert_close(found, apart(role_model), **MODEL)


def place_in_row(rows: TokenRows) -> TokenRows:
    return rows._replace(positions=torch.arange(rows.ids.shape[1]).expand(rows.ids.shape))


def all_before(rows: TokenRows) -> TokenRows:
    return rows._replace(mask=torch.ones_like(rows.mask).tril())


def token_before(rows: TokenRows) -> TokenRows:
    return rows._replace(ends=rows.ends - 1)


@torch.no_grad()
@pytest.mark.parametrize("wrong", [place_in_row, all_before, token_before])
def test_twins_that_mix_responses_up_are_seen(
    model_folder: Path, wrong: Callable[[TokenRows], TokenRows]
) -> None:
    """A position by the place in the row, eyes for another response, a token too early."""
    roles, _ = roles_on(model_folder, None)
    found = together(roles.reward, wrong(shared_rows(GROUPS, 0, CPU.device)))
    furthest = (found - apart(roles.reward)).abs().max(dim=1).values
    assert furthest[[1, 2]].min() > 0.01


@pytest.mark.parametrize("top_layers", [None, 1])
def test_scores_and_gradients_are_those_of_rows_apart(
    model_folder: Path, top_layers: int | None
) -> None:
    roles, tokenizer = roles_on(model_folder, top_layers)
    batch = comparisons_of(tokenizer, [0, 1, 2])
    found = []
    for shares in (True, False):
        roles.reward.shares_queries = shares
        model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=3)
        scores = model.forward_comparisons(batch)
        parameters = [p for _, p in model.named_parameters]
        gradients = torch.autograd.grad(scores.square().sum(), parameters)
        found.append([scores.detach(), *gradients])
    for shared, alone in zip(*found, strict=True):
        torch.testing.assert_close(shared, alone, **MODEL)


def test_the_frozen_layers_read_a_query_once(model_folder: Path) -> None:
    """One pass per comparison, over fewer tokens than its sequences have."""
    roles, tokenizer = roles_on(model_folder, 1)
    runs = lowest_layer_runs(roles)
    [row] = ComparisonReader(roles.reward, tokenizer.pad_id)._prefix_of(GROUPS[0])
    assert runs == [1]
    assert len(row) == len(QUERY) + sum(len(s) - len(QUERY) for s in GROUPS[0])


@pytest.mark.parametrize("shares", [True, False])
def test_texts_scored_together_score_as_alone(
    model_folder: Path, shares: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one prompt, of another, twice the same, and one that another begins with."""
    roles, tokenizer = roles_on(model_folder, None)
    roles.reward.shares_queries = shares
    model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=3)
    sequences = [s for group in (*GROUPS, GROUPS[0][1:]) for s in group]
    alone = torch.cat([model.score([s]) for s in sequences])
    torch.testing.assert_close(model.score(sequences), alone, **MODEL)
    rows: list[int] = []
    hidden = RoleModel.hidden

    def count(role_model: RoleModel, ids: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        rows.append(len(ids))
        return hidden(role_model, ids, *args, **kwargs)

    monkeypatch.setattr(RoleModel, "hidden", count)
    model.score(sequences)
    assert sum(rows) == (5 if shares else 9)
    assert model.score(sequences)[[1, 2]].tolist() == model.score(sequences)[-2:].tolist()


def test_groups_share_what_is_worth_it() -> None:
    """A prompt, though two begin alike beyond it; not four tokens of 24; no row beyond bounds."""
    other = (*QUERY[:4], *range(100, 120))
    assert grouped([*GROUPS[0], other, other[:-1]]) == [[2, 0, 1], [4, 3]]
    long = [(*QUERY * 10, *range(n, n + 400)) for n in (100, 600, 1100)]
    assert [len(group) for group in grouped(long)] == [1, 1, 1]
    assert [len(group) for group in grouped([s[:500] for s in long])] == [3]


@pytest.mark.parametrize("rope", ["dynamic", "longrope"])
def test_positions_that_hang_on_the_longest_text_are_not_shared(tmp_path: Path, rope: str) -> None:
    """A short text beside a long one in a row would be given the long one's frequencies."""
    factors = {"short_factor": [1.0] * 4, "long_factor": [2.0] * 4}
    scaling = {"rope_type": rope, "factor": 2.0, "original_max_position_embeddings": 64, **factors}
    settings = WORKING["qwen2"] | {"rope_parameters": {"rope_theta": 10_000.0, **scaling}}
    assert not roles_of(save("llama", tmp_path / "m", settings), None).reward.shares_queries


def test_scores_of_layers_that_round_do_not_hang_on_their_company(gpt2_folder: Path) -> None:
    tokenizer = load_tokenizer(gpt2_folder)
    half = Runtime(device=CPU.device, dtype=torch.bfloat16)
    roles = ModelRoles(load_causal(gpt2_folder, tokenizer, half), ModelsConfig(), seed=1)
    model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=3)
    assert roles.reward.shares_queries
    first, second = ((*QUERY, *range(n, n + 20)) for n in (60, 100))
    assert model.score([first, second])[0] == model.score([first, (5, *second[1:])])[0]
