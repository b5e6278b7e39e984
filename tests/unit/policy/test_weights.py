"""Weights under their names: written, read back, kept as long as something needs them."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from prefloop.errors import CheckpointError
from prefloop.models.export import load_weights, save_weights
from prefloop.models.heads import ValueHead
from prefloop.models.runtime import CPU
from prefloop.policy.content import TrainedWeights
from prefloop.policy.lineage import PolicyLineage
from prefloop.policy.weights import PolicyWeights
from tests.stages_for_tests import Adapter, disturb, roles_on, weights_of
from tests.tolerances import EXACT


def policy_of(folder: Path, adapter: Adapter = "lora") -> TrainedWeights:
    _, roles = roles_on(folder, adapter=adapter)
    return TrainedWeights(roles, ValueHead(roles.policy.width, runtime=CPU))


def numbers(policy: TrainedWeights) -> Tensor:
    assert policy.value_head is not None
    named = [*policy.roles.policy.named_parameters, *policy.value_head.named_parameters()]
    return weights_of(named)


@pytest.fixture
def policy(gpt2_folder: Path) -> TrainedWeights:
    return policy_of(gpt2_folder)


@pytest.fixture
def weights(policy: TrainedWeights, tmp_path: Path) -> PolicyWeights:
    return PolicyWeights(tmp_path, policy, every=0)


@pytest.mark.parametrize("adapter", ["lora", "none"])
def test_saved_weights_come_back_bit_for_bit(
    gpt2_folder: Path, tmp_path: Path, adapter: Adapter
) -> None:
    one, other = policy_of(gpt2_folder, adapter), policy_of(gpt2_folder, adapter)
    disturb(one.roles.policy)
    assert one.value_head is not None and other.value_head is not None
    with torch.no_grad():
        one.value_head.weight.add_(0.3)
    save_weights(tmp_path, one.roles, one.value_head)
    assert not list(tmp_path.glob("*token*")), "no tokenizer"
    assert not torch.equal(numbers(one), numbers(other))
    load_weights(tmp_path, other.roles, other.value_head)
    torch.testing.assert_close(numbers(other), numbers(one), **EXACT)
    alone, head = policy_of(gpt2_folder, adapter), numbers(policy_of(gpt2_folder, adapter))[-1]
    load_weights(tmp_path, alone.roles)
    assert numbers(alone)[-1] == head
    pair = [weights_of(w.roles.policy.named_parameters) for w in (alone, one)]
    torch.testing.assert_close(*pair, **EXACT)


def test_weights_of_other_settings_are_refused_and_touch_nothing(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    one = policy_of(gpt2_folder)
    save_weights(tmp_path, one.roles, one.value_head)
    others = (
        roles_on(gpt2_folder, adapter="none")[1],
        roles_on(gpt2_folder, rank=2)[1],
        roles_on(gpt2_folder, top_layers=1)[1],
    )
    for roles in others:
        before = weights_of(roles.policy.named_parameters)
        with pytest.raises(CheckpointError, match=r"other models settings \(models\.name"):
            load_weights(tmp_path, roles)
        torch.testing.assert_close(weights_of(roles.policy.named_parameters), before, **EXACT)


def test_what_has_no_checkpoint_is_dropped_and_what_was_asked_for_by_name_stays(
    weights: PolicyWeights,
) -> None:
    for update in (1, 2, 3, 4):
        weights.save(f"policy/update-{update}")
    weights.keep("policy/update-2")
    weights.keep("policy/update-2")
    weights.prune(["policy/update-4", "policy/update-3-branch-1"])
    assert weights.names() == ["policy/update-2", "policy/update-4"]
    assert weights.kept() == ["policy/update-2"]


def test_every_so_many_updates_stay_by_themselves(weights: PolicyWeights) -> None:
    weights.every = 2
    for name in ("policy/update-1", "policy/update-2", "policy/update-4-branch-1"):
        weights.save(name)
    weights.prune([])
    assert weights.names() == ["policy/update-2", "policy/update-4-branch-1"]


def test_weights_are_borrowed_for_a_while(weights: PolicyWeights, policy: TrainedWeights) -> None:
    start = numbers(policy).clone()
    weights.save("policy/update-1")
    disturb(policy.roles.policy)
    moved = numbers(policy).clone()
    with pytest.raises(RuntimeError, match="inside"), weights.loaded("policy/update-1"):
        torch.testing.assert_close(numbers(policy), start, **EXACT)
        raise RuntimeError("inside")
    torch.testing.assert_close(numbers(policy), moved, **EXACT)
    with (
        pytest.raises(CheckpointError, match=r"policy/update-9 are not there.*policy\.keep_every"),
        weights.loaded("policy/update-9"),
    ):
        pass
    torch.testing.assert_close(numbers(policy), moved, **EXACT)


def test_a_half_written_folder_is_no_weights(weights: PolicyWeights) -> None:
    weights.save("policy/update-1")
    (weights.folder("policy/update-1") / "manifest.json").unlink()
    assert weights.names() == []
    weights.save("policy/update-1")
    assert weights.names() == ["policy/update-1"]


def test_weights_that_will_be_made_again_are_dropped(weights: PolicyWeights) -> None:
    """The newest checkpoints are gone: updates from 3 on are made again."""
    for name in ("update-2", "update-3", "update-4", "update-4-branch-1"):
        weights.save(f"policy/{name}")
    weights.keep("policy/update-3")
    weights.drop_later(PolicyLineage(), 2)
    assert weights.names() == [f"policy/{n}" for n in ("update-2", "update-3", "update-4-branch-1")]


def test_a_name_is_taken_by_other_weights_that_are_kept_for_good(
    weights: PolicyWeights, policy: TrainedWeights
) -> None:
    weights.save("policy/update-3")
    weights.keep("policy/update-4-branch-7")
    assert not weights.is_taken("policy/update-4-branch-7"), "they are the same"
    disturb(policy.roles.policy)
    assert weights.is_taken("policy/update-4-branch-7")
    assert not weights.is_taken("policy/update-3"), "nobody asked for them"
    assert not weights.is_taken("policy/update-5")
    assert weights.largest_branch() == 7
