"""Two processes that each hold half of every model (FSDP) do what one does with whole ones."""

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from prefloop.errors import InputError, ProcessesError, SettingsError
from prefloop.models.processes import Processes
from prefloop.models.sharded import _layers
from prefloop.models.sharded_weights import ShardedWeights
from prefloop.run.initial_models import refuse_sharded
from prefloop.settings.models import ModelsConfig
from prefloop.settings.policy import PolicyConfig, WarmStartConfig
from tests.tolerances import EXACT, MODEL, RELOADED
from tests.unit.processes.launching import SHARDED, run_together
from tests.unit.processes.test_pair import numbers

Case = Callable[[str], dict[str, Any]]

METHODS = ("ppo", "a2po", "dpo")


def reader(results: Path) -> Case:
    """Return a function that reads what was found in a case, by its name."""

    def read(name: str) -> dict[str, Any]:
        found: dict[str, Any] = torch.load(results / f"{name}.pt", weights_only=True)
        return found

    return read


@pytest.fixture(scope="module")
def results(
    gpt2_folder: Path, llama_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Where two processes wrote what they found on a GPT-2, and in `llama` on a Llama."""
    results = tmp_path_factory.mktemp("sharded")
    (results / "llama").mkdir()
    names = (*METHODS, "rewards", "memory", "checkpoint", "folders", "errors")
    command = ("-m", "tests.unit.processes.sharded_pair", gpt2_folder, results, *names)
    run_together([*command, "+", llama_folder, results / "llama", "ppo", "rewards"], told=SHARDED)
    return results


@pytest.fixture
def case(results: Path) -> Case:
    """What two processes found on a GPT-2, whose LM head is its embedding."""
    return reader(results)


@pytest.fixture
def llama_case(results: Path) -> Case:
    """What two processes found on a Llama, whose LM head has weights of its own."""
    return reader(results / "llama")


@pytest.fixture(params=[*METHODS, "llama"])
def policy(request: pytest.FixtureRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    """What two processes and one drew, and what they made of the same rollout."""
    is_llama = request.param == "llama"
    read = request.getfixturevalue("llama_case" if is_llama else "case")
    found = read("ppo" if is_llama else request.param)
    return found["two"], found["one"]


@pytest.fixture(params=["case", "llama_case"])
def rewards(request: pytest.FixtureRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    """The reward models of two processes and of one."""
    found = request.getfixturevalue(request.param)("rewards")
    return found["two"], found["one"]


def test_two_sharded_processes_draw_the_responses_of_one(
    policy: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    two, one = policy
    assert 0 < one["is_ended"].sum() < 12, "some responses end and some do not"
    for name in ("query", "query_mask", "response", "mask", "is_ended"):
        torch.testing.assert_close(two[name], one[name], **EXACT)
    for name in {"logprobs", "ref_logprobs", "values", "scores", "reference_scores"} & one.keys():
        torch.testing.assert_close(two[name], one[name], **MODEL)
    assert (one["logprobs"] - one["ref_logprobs"]).abs().max() > 0.01, "the policy has moved"


def test_two_sharded_processes_make_the_steps_of_one(
    policy: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    two, one = policy
    torch.testing.assert_close(two["before"], one["before"], **EXACT)
    assert (one["weights"] - one["before"]).abs().max() > 1e-3, "steps were taken"
    torch.testing.assert_close(two["weights"], one["weights"], **RELOADED)
    require_gradient_of_one(two, one)
    assert two["metrics"] == pytest.approx(one["metrics"], rel=1e-4, abs=1e-5)


def test_a_reward_model_of_two_sharded_processes_is_that_of_one(
    rewards: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    two, one = rewards
    assert len(one["lines"]) == 6
    for own, other in zip(two["lines"], one["lines"], strict=True):
        assert numbers(own) == pytest.approx(numbers(other), rel=1e-4, abs=1e-5)
    torch.testing.assert_close(two["weights"], one["weights"], **RELOADED)
    require_gradient_of_one(two, one)
    assert not two["holds_moments"] and not one["holds_moments"], "the policy needs the room"


def require_gradient_of_one(two: dict[str, Any], one: dict[str, Any]) -> None:
    """Fail unless two processes found the gradient of one: Adam would forgive another scale."""
    size = one["gradient"].abs().max()
    assert size > 1e-3
    torch.testing.assert_close(two["gradient"] / size, one["gradient"] / size, **RELOADED)


def test_each_process_holds_half_of_weights_and_moments(case: Case) -> None:
    found = case("memory")
    two, one = found["two"], found["one"]
    for name in ("reference", "policy", "reward", "moments"):
        assert two[name] == pytest.approx(one[name] / 2, rel=0.01)
    assert one["whole_layers"] == 2
    assert two["whole_layers"] == 1, "only the layer that is run is whole"


@pytest.mark.parametrize("where", ["two", "one"])
def test_a_checkpoint_of_two_sharded_processes_resumes_in_two_and_in_one(
    case: Case, where: str
) -> None:
    found = case("checkpoint")
    resumed, straight = found[where], found["straight"]
    torch.testing.assert_close(resumed["weights"], straight["weights"], **RELOADED)
    assert resumed["metrics"] == pytest.approx(straight["metrics"], rel=1e-4, abs=1e-5)


def test_model_folders_are_written_and_read_whole(case: Case, results: Path) -> None:
    found = case("folders")
    assert (found["moved"] - found["base"]).abs().max() > 0.01
    for name in ("restored", "back", "loaded"):
        torch.testing.assert_close(found[name], found["moved"], **EXACT)
    assert found["is_same"] is True
    model = AutoModelForCausalLM.from_pretrained(results / "policy")
    exported = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    torch.testing.assert_close(exported, found["moved"][: len(exported)], **EXACT)


def test_an_error_of_one_process_leaves_the_others_in_step(case: Case) -> None:
    found = case("errors")
    assert found["said"] == "process 1 of 2: it cannot"
    assert found["response"].shape == (12, 6)


def test_the_others_let_go_of_their_moments_too() -> None:
    """What process 0 asks for when training ends, as one of the others does it."""
    asked = list[str]()

    @contextmanager
    def everywhere(operation: str, **_: object) -> Iterator[None]:
        asked.append(operation)
        yield

    own = torch.nn.Parameter(torch.ones(2))
    weights = ShardedWeights(iter([("own", own)]), everywhere, None)
    weights.do("begin_optimizer", {"kind": "Adam", "weight_decay": 0.0})
    own.grad = torch.ones(2)
    weights.do("step", {"lr": 0.1, "eps": 1e-8})
    moments = weakref.ref(weights._part("own", "exp_avg"))
    assert moments() is not None
    weights.do("end_training", {})
    assert moments() is None
    weights.end_training()
    assert asked == ["end_training"]


def test_after_a_pass_that_failed_nothing_is_asked_for() -> None:
    processes = Processes()
    with pytest.raises(RuntimeError, match="shapes differ"), processes.in_step():
        raise RuntimeError("shapes differ")
    with pytest.raises(ProcessesError, match="has to end"), processes.asking("a pass", {}):
        raise AssertionError("it was asked for")


def test_a_process_that_is_lost_in_a_pass_is_named() -> None:
    lost = RuntimeError("[../third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection closed")
    with pytest.raises(ProcessesError, match="run the same command again"), Processes().in_step():
        raise lost


def sharded(**changes: Any) -> Any:
    """Return the settings that sharding looks at."""
    policy = PolicyConfig(warm_start=WarmStartConfig(epochs=changes.pop("epochs", 0)))
    return SimpleNamespace(models=ModelsConfig(**{"adapter": "none", **changes}), policy=policy)


def test_what_needs_whole_models_is_refused(tmp_path: Path) -> None:
    processes: Any = SimpleNamespace(is_sharded=True)
    refuse_sharded(sharded(), tmp_path, processes)
    with pytest.raises(SettingsError, match=r"models\.adapter: none.*--multi_gpu"):
        refuse_sharded(sharded(adapter="lora"), tmp_path, processes)
    with pytest.raises(SettingsError, match=r"policy\.warm_start\.epochs: 0"):
        refuse_sharded(sharded(epochs=1), tmp_path, processes)
    refuse_sharded(sharded(adapter="lora", epochs=1), tmp_path, Processes())
    (tmp_path / "warm_start").mkdir()
    refuse_sharded(sharded(epochs=1), tmp_path, processes)


def test_a_model_without_layers_is_refused() -> None:
    model: Any = SimpleNamespace(modules=list, _no_split_modules=None)
    with pytest.raises(InputError, match="SimpleNamespace names no layers"):
        _layers(model)
