"""Frozen layers are run once, and everything that begins above them gives the same output."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from prefloop.batches import PreferenceBatch
from prefloop.models.frozen_prefix import split_frozen_prefix
from prefloop.models.generation import generate
from prefloop.models.heads import ValueHead
from prefloop.models.loading import Tokenizer, load_causal, load_tokenizer
from prefloop.models.padding import pad_left, pad_right
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import CPU
from prefloop.models.scoring import banned_mask, respond_forward
from prefloop.models.shared_query import TokenRows, rows_apart, shared_rows
from prefloop.rewards.comparison_reader import ComparisonReader
from prefloop.rewards.model import RewardModel
from prefloop.settings.models import ModelsConfig
from tests.tolerances import EXACT, MODEL
from tests.unit.models.test_roles import TEXTS, disturb


def roles_on(folder: Path, top_layers: int | None) -> tuple[ModelRoles, Tokenizer]:
    tokenizer = load_tokenizer(folder)
    config = ModelsConfig(lora_rank=4, lora_top_layers=top_layers)
    roles = ModelRoles(load_causal(folder, tokenizer, runtime=CPU), config, seed=1)
    disturb(roles.policy)
    disturb(roles.reward)
    return roles, tokenizer


def test_every_role_gives_the_same_output_from_cached_prefix_states(model_folder: Path) -> None:
    roles, tokenizer = roles_on(model_folder, 1)
    ids, mask = pad_left([tokenizer.encode(t) for t in TEXTS], tokenizer.pad_id, device=CPU.device)
    frozen_prefix = roles.reference.frozen_prefix
    assert frozen_prefix is not None
    prefix_states = frozen_prefix.compute(roles.reference.hidden, ids, mask)
    for role_model in (roles.policy, roles.reward, roles.reference):
        with torch.no_grad():
            whole, above = (
                role_model.hidden(ids, mask),
                role_model.hidden(ids, mask, prefix_states=prefix_states),
            )
        torch.testing.assert_close(above[mask], whole[mask], **MODEL)
    with torch.no_grad():
        wrong = roles.policy.hidden(ids, mask, prefix_states=prefix_states.flip(0))
    assert (wrong - whole)[mask].abs().max() > 0.01, "the cached states were not used"


def test_prefix_states_of_generation_give_the_same_logprobs_and_gradients(
    model_folder: Path,
) -> None:
    roles, tokenizer = roles_on(model_folder, 1)
    query, mask = pad_left(
        [tokenizer.encode(t) for t in TEXTS], tokenizer.pad_id, device=CPU.device
    )
    vocabulary = roles.policy.causal.get_output_embeddings().weight.shape[0]
    banned = banned_mask(vocabulary, tokenizer.special_ids, device=CPU.device)
    drawn = generate(
        roles.policy,
        query,
        mask,
        n_tokens=6,
        per_query=2,
        temperature=0.7,
        banned=banned,
        seed=2,
    )
    assert drawn.prefix_states is not None and drawn.prefix_states.shape[1] == query.shape[1] + 6
    query, mask = query.repeat_interleave(2, dim=0), mask.repeat_interleave(2, dim=0)
    found = []
    for prefix_states in (None, drawn.prefix_states):
        forward = respond_forward(
            roles.policy,
            query,
            mask,
            drawn.response,
            temperature=0.7,
            banned=banned,
            value_head=ValueHead(roles.policy.width, runtime=CPU),
            prefix_states=prefix_states,
        )
        torch.testing.assert_close(forward.logprobs.detach(), drawn.logprobs, **MODEL)
        parameters = [p for _, p in roles.policy.named_parameters]
        found.append(torch.autograd.grad(forward.logprobs.sum(), parameters))
    assert any(g.abs().max() > 0 for g in found[0])
    for whole, above in zip(*found, strict=True):
        torch.testing.assert_close(above, whole, **MODEL)


def test_a_reward_model_caches_its_sequences_and_no_others(model_folder: Path) -> None:
    roles, tokenizer = roles_on(model_folder, 1)
    model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=3)
    sequences = [tuple(tokenizer.encode(t)) for t in TEXTS]
    before = model.score(sequences)
    runs = lowest_layer_runs(roles)
    with model.build_prefix_cache(sequences):
        assert runs == [1]
        torch.testing.assert_close(model.score(sequences), before, **MODEL)
        assert runs == [1], "the frozen layers ran again"
        model.score([*sequences, tuple(tokenizer.encode("Another."))])
        assert runs == [2]
    torch.testing.assert_close(model.score(sequences), before, **MODEL)
    assert runs == [3], "something stays cached beyond the training"


def comparisons_of(tokenizer: Tokenizer, places: Sequence[int]) -> PreferenceBatch:
    """Return comparisons of two and of one response, of several lengths."""
    texts = [TEXTS, TEXTS[:1], [*TEXTS[1:], "Then, at last, it began to rain."]]
    groups = [tuple(tuple(tokenizer.encode(t)) for t in texts[place]) for place in places]
    width = max(map(len, groups))
    present = torch.tensor([[k < len(q) for k in range(width)] for q in groups])
    return PreferenceBatch(
        sequences=tuple(groups), targets=present / present.sum(1, keepdim=True), present=present
    )


def test_frozen_layers_read_each_comparison_once_for_all_rounds(model_folder: Path) -> None:
    roles, tokenizer = roles_on(model_folder, 1)
    model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=3)
    batch = comparisons_of(tokenizer, [0, 1, 2])
    runs = lowest_layer_runs(roles)
    first = model.forward_comparisons(batch)
    assert runs == [3]
    model.reset(1)
    second = model.forward_comparisons(batch)
    assert runs == [3], "the next round's model has them read again"
    assert (second - first).abs().max() > 1e-4
    roles.reward.frozen_prefix = None
    whole = model.forward_comparisons(batch)
    parameters = [p for _, p in model.named_parameters]
    torch.testing.assert_close(second, whole, **MODEL)
    for above, all_layers in zip(
        torch.autograd.grad(second.square().sum(), parameters),
        torch.autograd.grad(whole.square().sum(), parameters),
        strict=True,
    ):
        torch.testing.assert_close(above, all_layers, **MODEL)


@pytest.mark.parametrize("shares_queries", [True, False])
def test_a_comparison_is_a_pass_of_its_own_whatever_its_batch(
    model_folder: Path, shares_queries: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resumed run meets its comparisons in other microbatches.

    So small a model may give the same bits in any batch, so the shapes are compared as well.
    """
    roles, tokenizer = roles_on(model_folder, 1)
    roles.reward.shares_queries = shares_queries
    shapes: list[tuple[int, ...]] = []
    run_frozen = ComparisonReader._run_frozen

    def record(reader: ComparisonReader, rows: TokenRows) -> list[Tensor]:
        shapes.append(tuple(rows.ids.shape))
        return run_frozen(reader, rows)

    monkeypatch.setattr(ComparisonReader, "_run_frozen", record)
    lay_out = shared_rows if shares_queries else rows_apart
    groups = comparisons_of(tokenizer, [0, 1, 2]).sequences
    alone = [tuple(lay_out([group], 0, CPU.device).ids.shape) for group in groups]
    scores = []
    for batches, n_bytes in ([[2], [0], [1]], 10**9), ([[0, 1, 2]], 10**9), ([[0, 1, 2]], 0):
        monkeypatch.setattr("prefloop.rewards.comparison_reader.COMPARISON_CACHE_BYTES", n_bytes)
        model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=3)
        shapes.clear()
        for places in batches:
            model.forward_comparisons(comparisons_of(tokenizer, places))
        assert sorted(shapes) == sorted(alone)
        scores.append(model.forward_comparisons(comparisons_of(tokenizer, [1, 2, 0])))
        assert len(shapes) == (3 if n_bytes else 6)
    torch.testing.assert_close(scores[1], scores[0], **EXACT)
    torch.testing.assert_close(scores[2], scores[0], **EXACT)


def lowest_layer_runs(roles: ModelRoles) -> list[int]:
    """Return a list whose only number counts the passes through the lowest layer."""
    runs = [0]
    assert roles.reference.frozen_prefix is not None
    lowest = roles.reference.frozen_prefix._frozen[0]
    real = type(lowest).forward

    def count(*args: object, **kwargs: object) -> Tensor:
        runs[0] += 1
        return real(*args, **kwargs)

    lowest.__class__ = type("Counted", (type(lowest),), {"forward": count})
    return runs


@pytest.mark.parametrize("top_layers", [None, 99])
def test_nothing_is_shared_where_every_layer_is_trained(
    model_folder: Path, top_layers: int | None
) -> None:
    roles, _ = roles_on(model_folder, top_layers)
    assert roles.policy.frozen_prefix is None


def test_a_model_whose_output_changes_when_split_is_not_split(llama_folder: Path) -> None:
    tokenizer = load_tokenizer(llama_folder)
    causal = load_causal(llama_folder, tokenizer, runtime=CPU)
    role_model = ModelRoles(causal, ModelsConfig(), seed=1).reference
    upper = next(m for m in causal.modules() if isinstance(m, nn.ModuleList))[-1]
    seen: list[Tensor] = []

    def looks_back(_layer: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
        seen.append(output)
        return output + len(seen) * torch.arange(output.shape[-1])

    upper.register_forward_hook(looks_back)
    assert split_frozen_prefix(causal, 1, role_model.hidden) is None


def test_right_padding_reads_the_same_rows(model_folder: Path) -> None:
    roles, tokenizer = roles_on(model_folder, 1)
    frozen_prefix = roles.reference.frozen_prefix
    assert frozen_prefix is not None
    rows = [tokenizer.encode(t) for t in TEXTS]
    together = frozen_prefix.compute(
        roles.reference.hidden, *pad_right(rows, tokenizer.pad_id, device=CPU.device)
    )
    for row, found in zip(rows, together, strict=True):
        alone = frozen_prefix.compute(
            roles.reference.hidden, *pad_right([row], tokenizer.pad_id, device=CPU.device)
        )[0]
        torch.testing.assert_close(found[: len(row)], alone, **MODEL)
