"""Two processes draw what one draws, and make the step of one from the same rollout."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tolerances import EXACT, MODEL, RELOADED
from tests.unit.processes.launching import run_together
from tests.unit.processes.pair import METHODS

Case = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def case(gpt2_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """What two processes found, by the name of a case; both run once for all of them."""
    results = tmp_path_factory.mktemp("pair")
    names = [*METHODS, "rewards", "errors"]
    run_together(["-m", "tests.unit.processes.pair", gpt2_folder, results, *names])

    def read(name: str) -> dict[str, Any]:
        found: dict[str, Any] = torch.load(results / f"{name}.pt", weights_only=True)
        return found

    return read


@pytest.mark.parametrize("method", METHODS)
def test_two_processes_draw_the_responses_of_one(case: Case, method: str) -> None:
    found = case(method)
    two, one = found["two"], found["one"]
    assert two.keys() == one.keys()
    assert 0 < one["is_ended"].sum() < 12, "some responses end and some do not"
    for name in ("query", "query_mask", "response", "mask", "is_ended"):
        torch.testing.assert_close(two[name], one[name], **EXACT)
    for name in {"logprobs", "ref_logprobs", "values", "scores"} & one.keys():
        torch.testing.assert_close(two[name], one[name], **MODEL)
    counts = torch.cat([one["query_mask"], one["mask"]], dim=1)  # elsewhere they mean nothing
    known = [found["prefix_states"][counts] for found in (two, one)]
    torch.testing.assert_close(*known, **MODEL)
    if method == "a2po":
        assert one["reference_scores"].shape == (12, 3)
        torch.testing.assert_close(two["reference_scores"], one["reference_scores"], **MODEL)
    assert (one["logprobs"] - one["ref_logprobs"]).abs().max() > 0.01, "weights were sent"
    assert one["scores"].std() > 0.1


@pytest.mark.parametrize("method", METHODS)
def test_two_processes_make_the_step_of_one_from_the_same_rollout(case: Case, method: str) -> None:
    found = case(method)
    two, one = found["two"], found["one"]
    assert one["gradient"].norm() > 1e-3
    torch.testing.assert_close(two["gradient"], one["gradient"], **RELOADED)
    torch.testing.assert_close(two["weights"], one["weights"], **RELOADED)
    assert two["metrics"].keys() >= {"policy/policy_loss", "policy/entropy"}
    assert two["metrics"] == pytest.approx(one["metrics"], rel=1e-4, abs=1e-5)


def test_a_reward_model_of_two_processes_is_that_of_one(case: Case) -> None:
    found = case("rewards")
    two, one = found["two"], found["one"]
    assert len(one["lines"]) == 6
    for own, other in zip(two["lines"], one["lines"], strict=True):
        assert numbers(own) == pytest.approx(numbers(other), rel=1e-4, abs=1e-5)
    torch.testing.assert_close(two["weights"], one["weights"], **MODEL)


def numbers(line: dict[str, Any]) -> dict[str, float]:
    """Return the numbers of a line of metrics."""
    return {name: value for name, value in line.items() if not isinstance(value, str)}


def test_an_error_of_another_process_is_raised_in_the_first_and_it_helps_on(case: Case) -> None:
    found = case("errors")
    assert found == {"said": "process 1 of 2: it cannot", "own": 5, "answers": [{}]}


@pytest.mark.slow
def test_curves_of_ten_updates_stay_inside_the_spread_of_seeds(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    run_together(["-m", "tests.unit.processes.pair", gpt2_folder, tmp_path, "curves"])
    found = torch.load(tmp_path / "curves.pt", weights_only=True)
    two, *others = (torch.tensor(curve) for curve in found.values())
    spread = torch.stack(others).std(dim=0).mean(dim=0)
    assert ((two - others[0]).abs().mean(dim=0) < spread).all()
