"""What a launcher says of a process is read whole or refused; what does not fit is refused."""

from types import SimpleNamespace

import pytest
import torch

from prefloop.errors import OutOfMemoryError, ProcessesError, SettingsError
from prefloop.launch import ALONE, Launch, leave_launch, read_launch, refuse_several
from prefloop.models import processes
from prefloop.models.memory import fits_in_memory
from prefloop.models.processes import Plain, Processes
from prefloop.policy.build import refuse_too_many
from prefloop.settings.policy import PolicyConfig
from tests.unit.processes.launching import SHARDED

WHOLE = {
    "WORLD_SIZE": "4",
    "RANK": "2",
    "LOCAL_RANK": "0",
    "MASTER_ADDR": "10.0.0.1",
    "MASTER_PORT": "29500",
}


@pytest.mark.parametrize(
    "environment",
    [{}, {"WORLD_SIZE": "1"}, {"MASTER_ADDR": "10.0.0.1"}, {"RANK": "0", "LOCAL_RANK": "-1"}],
)
def test_without_a_launcher_a_process_is_alone(environment: dict[str, str]) -> None:
    assert read_launch(environment) == ALONE


def test_the_place_of_a_process_is_read() -> None:
    assert read_launch(WHOLE) == Launch(rank=2, size=4, local_rank=0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"RANK": None}, "WORLD_SIZE is 4, and RANK is not set"),
        (
            dict.fromkeys(["RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"]),
            "RANK and LOCAL_RANK and MASTER_ADDR and MASTER_PORT are not set",
        ),
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE is 'two'"),
        ({"WORLD_SIZE": "0"}, "WORLD_SIZE is '0'"),
        ({"WORLD_SIZE": "\u00b2"}, "WORLD_SIZE is '\u00b2', and must be a whole number from 1 on"),
        ({"WORLD_SIZE": None}, "RANK is 2, and WORLD_SIZE is not set"),
        ({"WORLD_SIZE": None, "RANK": None, "LOCAL_RANK": "1"}, "LOCAL_RANK is 1, and WORLD_SIZE"),
        ({"MASTER_PORT": "http"}, "MASTER_PORT is 'http', and must be a whole number"),
        ({"RANK": "-1"}, "RANK is '-1'"),
        ({"RANK": "4"}, "RANK is 4 of WORLD_SIZE 4; ranks go from 0 to 3"),
    ],
)
def test_what_is_not_whole_is_refused(changes: dict[str, str | None], said: str) -> None:
    told = {**WHOLE, **changes}
    with pytest.raises(ProcessesError, match=said) as caught:
        read_launch({name: value for name, value in told.items() if value is not None})
    assert "accelerate launch" in str(caught.value)


def test_the_one_process_that_accelerate_starts_on_cpus_is_refused() -> None:
    """`accelerate launch --cpu --num_processes 2` starts one, and says where two would meet."""
    told = {"ACCELERATE_USE_CPU": "True", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
    with pytest.raises(ProcessesError, match="started one"):
        read_launch(told)
    assert read_launch({"ACCELERATE_USE_CPU": "True"}) == ALONE


def test_accelerate_is_asked_whether_models_are_sharded() -> None:
    told = {**WHOLE, **SHARDED, "FSDP_OFFLOAD_PARAMS": "false"}
    assert read_launch(told) == Launch(rank=2, size=4, local_rank=0, is_sharded=True)
    assert not read_launch({**told, "ACCELERATE_USE_FSDP": "false"}).is_sharded


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("VERSION", "1", "FSDP version 1.*Add --fsdp_version 2"),
        ("OFFLOAD_PARAMS", "true", "Add --fsdp_offload_params false"),
        ("ACTIVATION_CHECKPOINTING", "true", r"policy\.microbatch_size.*checkpointing false"),
        ("RESHARD_AFTER_FORWARD", "false", "Add --fsdp_reshard_after_forward true"),
    ],
)
def test_what_fsdp_cannot_be_here_is_refused(name: str, value: str, said: str) -> None:
    with pytest.raises(ProcessesError, match=said):
        read_launch({**WHOLE, **SHARDED, f"FSDP_{name}": value})


def test_what_a_process_starts_is_alone() -> None:
    environment = {
        **WHOLE,
        **SHARDED,
        "FSDP_CPU_RAM_EFFICIENT_LOADING": "true",
        "HOME": "/home/ann",
    }
    leave_launch(environment)
    assert environment == {"HOME": "/home/ann", "FSDP_VERSION": "2"}


def test_what_works_in_one_process_refuses_several() -> None:
    refuse_several(1, "prefloop serve")
    with pytest.raises(ProcessesError, match="prefloop serve works in one process, and 3 were"):
        refuse_several(3, "prefloop serve")


@pytest.mark.parametrize(("n", "per_prompt", "most"), [(9, 1, 8), (5, 2, 4)])
def test_more_processes_than_prompts_are_refused_with_numbers(
    n: int, per_prompt: int, most: int
) -> None:
    config = PolicyConfig(batch_size=16, minibatches=2, episodes=16)
    method = SimpleNamespace(samples_per_prompt=per_prompt, state=dict)
    refuse_too_many(_processes(most), method, config)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=f"{n} processes were started") as caught:
        refuse_too_many(_processes(n), method, config)  # type: ignore[arg-type]
    assert f"Start at most {most} processes" in str(caught.value)


def test_a_method_that_trains_nothing_refuses_several_processes() -> None:
    config = PolicyConfig(method="best_of_n", batch_size=16, episodes=16)
    method = SimpleNamespace(samples_per_prompt=4, state=dict)
    refuse_too_many(_processes(1), method, config)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="best_of_n trains no policy"):
        refuse_too_many(_processes(2), method, config)  # type: ignore[arg-type]


def test_a_method_that_remembers_something_refuses_several_processes() -> None:
    config = PolicyConfig(batch_size=16, minibatches=2, episodes=16)
    method = SimpleNamespace(samples_per_prompt=1, state=lambda: {"mean": 0.5})
    refuse_too_many(_processes(1), method, config)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="remembers something between updates"):
        refuse_too_many(_processes(2), method, config)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")]
)
def test_memory_that_runs_out_in_a_helper_is_told_as_that(error: Exception) -> None:
    def fails(given: Plain) -> Plain:
        raise error

    told = processes._error(processes._attempt(fails, {}), "process 1 of 2: ")
    fits = fits_in_memory("drawing", policy__batch_size=64)
    with pytest.raises(OutOfMemoryError, match=r"policy\.batch_size"), fits:
        raise told


def test_memory_that_runs_out_here_is_no_lost_process() -> None:
    talking = processes._talking
    with pytest.raises(RuntimeError, match="can't allocate memory"), talking("weights were sent"):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
    with pytest.raises(ProcessesError, match="process of the run is gone"), talking("it was asked"):
        raise RuntimeError("Connection closed by peer")


@pytest.mark.parametrize(("n", "size"), [(7, 3), (3, 3), (1, 2), (12, 5)])
def test_shares_are_even_whole_and_begin_with_the_first(n: int, size: int) -> None:
    shares = [range(n)[part] for part in _processes(size).shares(n)]
    assert [row for share in shares for row in share] == list(range(n))
    lengths = [len(share) for share in shares]
    assert max(lengths) - min(lengths) <= 1
    assert lengths[0] == max(lengths)


def test_weights_are_not_sent_between_devices_that_nothing_connects() -> None:
    mps = SimpleNamespace(type="mps")
    Processes().use(mps)  # type: ignore[arg-type]
    with pytest.raises(ProcessesError, match="from one mps device to another"):
        _processes(2).use(mps)  # type: ignore[arg-type]


def _processes(size: int) -> Processes:
    """Return several processes that were never started."""
    processes = Processes()
    processes.size = size
    return processes
