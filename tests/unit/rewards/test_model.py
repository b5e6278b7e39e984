"""The reward model in use."""

from pathlib import Path

import pytest
import torch

from prefloop.rewards.model import RewardModel
from tests.silent_bugs.parts import reward_model
from tests.stages_for_tests import Adapter, disturb, roles_on, weights_of
from tests.tolerances import EXACT


def test_the_query_is_read_too(model_folder: Path) -> None:
    """Detail 1: the same response to another query is another thing."""
    model, tokenizer = reward_model(model_folder)
    response = tokenizer.encode(" nobody came to the door.")
    queries = [tokenizer.encode("Call me Ishmael."), tokenizer.encode("The sun was warm.")]
    one, two = model.score([query + response for query in queries])
    assert abs(one - two) > 1e-2


def test_each_round_starts_from_its_own_adapters_and_head(gpt2_folder: Path) -> None:
    """The same round starts alike whatever came before it; no two rounds do."""
    model, _ = reward_model(gpt2_folder)
    starts = []
    for round_number in (0, 1, 0):
        disturb(model.role_model)
        model.reset(round_number)
        starts.append([weights_of([named]) for named in model.named_parameters])
    names = [name for name, _ in model.named_parameters]
    for name, first, second, again in zip(names, *starts, strict=True):
        torch.testing.assert_close(again, first, **EXACT)
        assert torch.equal(first, second) == (".lora_B." in name), name


@pytest.mark.parametrize("adapter", ["lora", "none"])
def test_a_round_starts_from_the_base(gpt2_folder: Path, adapter: Adapter) -> None:
    tokenizer, roles = roles_on(gpt2_folder, adapter=adapter)
    model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=1)
    disturb(model.role_model)
    model.reset(3)
    ids = torch.tensor([[60, 61, 62]])
    mask = torch.ones_like(ids).bool()
    reset, reference = (r.hidden(ids, mask) for r in (model.role_model, roles.reference))
    torch.testing.assert_close(reset, reference, **EXACT)
