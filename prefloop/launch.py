"""What a launcher says of this process: which one it is, and how many there are.

`accelerate launch` and `torchrun` start the same command several times, and tell each process its
place in environment variables. Nothing here loads torch.
"""

from collections.abc import Mapping, MutableMapping
from typing import NamedTuple

from prefloop.errors import ProcessesError

SIZE = "WORLD_SIZE"
NUMBERS = ("RANK", "LOCAL_RANK")
ADDRESS = ("MASTER_ADDR", "MASTER_PORT")

NUMBERS_OF_ONE = ("", "0", "-1")
"""What `RANK` and `LOCAL_RANK` may be where nobody says how many processes there are: the only one
is the first, and some programs write -1 for none."""

SHARDED, IN_EMPTY_MODELS = "ACCELERATE_USE_FSDP", "FSDP_CPU_RAM_EFFICIENT_LOADING"
"""By the second, transformers would load a model without weights in all processes but the first."""

HOW = (
    "accelerate launch --multi_gpu --num_processes 2 -m prefloop run my-run "
    "(with or without GPUs), or torchrun --nproc-per-node 2 -m prefloop run my-run"
)

FSDP_MUST_BE = {
    "OFFLOAD_PARAMS": (False, "prefloop keeps weights and moments on the device of each process"),
    "ACTIVATION_CHECKPOINTING": (
        False,
        "prefloop bounds what a backward pass keeps by policy.microbatch_size and "
        "rewards.microbatch_size",
    ),
    "RESHARD_AFTER_FORWARD": (
        True,
        "a model that stays whole after a pass would not be the one that a step has changed",
    ),
}
"""Options of FSDP that have one value here, and why."""


class Launch(NamedTuple):
    """The place of this process among those of a run."""

    rank: int
    """0 leads the run."""
    size: int
    """Processes, on all machines together."""
    local_rank: int
    """The number of this process among those of its machine."""
    is_sharded: bool = False
    """Whether each process is to hold a part of every model (FSDP), and none the whole."""


ALONE = Launch(rank=0, size=1, local_rank=0)


def read_launch(environment: Mapping[str, str]) -> Launch:
    """Return what a launcher says of this process; ALONE where none speaks.

    ProcessesError if what it says is not whole, such as a number of processes without a place
    where they meet.
    """
    if SIZE not in environment:
        _refuse_one_of_several(environment)
        return ALONE
    size = _number(environment, SIZE)
    if size == 1:
        return ALONE
    missing = [name for name in (*NUMBERS, *ADDRESS) if not environment.get(name)]
    if missing:
        raise ProcessesError(
            f"{SIZE} is {size}, and {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not set: this is one of {size} processes, and "
            f"the others cannot be found. Start all of them with a launcher: {HOW}. To run in one "
            f"process, unset {SIZE}."
        )
    rank, local_rank, _ = (_number(environment, name) for name in (*NUMBERS, "MASTER_PORT"))
    if not 0 <= rank < size:
        raise ProcessesError(
            f"RANK is {rank} of {SIZE} {size}; ranks go from 0 to {size - 1}. Start the processes "
            f"with a launcher: {HOW}."
        )
    return Launch(rank, size, local_rank, is_sharded=_is_sharded(environment))


def leave_launch(environment: MutableMapping[str, str]) -> None:
    """Take the launcher's variables out: what this process starts, such as the page, is alone."""
    for name in (SIZE, *NUMBERS, *ADDRESS, SHARDED, IN_EMPTY_MODELS):
        environment.pop(name, None)


def refuse_several(size: int, what: str) -> None:
    """Raise a ProcessesError if a launcher started several processes; `what` runs in one."""
    if size > 1:
        raise ProcessesError(
            f"{what} works in one process, and {size} were started. Start it without a launcher; "
            "the verbs that train, such as `prefloop run`, take several."
        )


def _is_sharded(environment: Mapping[str, str]) -> bool:
    """Return whether Accelerate was asked for FSDP; ProcessesError for what is not supported."""
    if not _is_on(environment, SHARDED):
        return False
    version = environment.get("FSDP_VERSION", "1")
    if version != "2":
        raise ProcessesError(
            f"Accelerate was asked for FSDP version {version}; prefloop shards models with version "
            "2. Add --fsdp_version 2, or set fsdp_version: 2 in Accelerate's configuration."
        )
    for name, (wanted, why) in FSDP_MUST_BE.items():
        if _is_on(environment, f"FSDP_{name}", unset=wanted) != wanted:
            option, value = f"fsdp_{name.lower()}", str(wanted).lower()
            raise ProcessesError(
                f"Accelerate was asked for {option} {str(not wanted).lower()}: {why}. Add "
                f"--{option} {value}, or set it in Accelerate's configuration."
            )
    return True


def _is_on(environment: Mapping[str, str], name: str, *, unset: bool = False) -> bool:
    return environment.get(name, str(unset)).lower() in ("true", "1", "yes")


def _refuse_one_of_several(environment: Mapping[str, str]) -> None:
    """Refuse a process that has a number, of nobody knows how many; and what `accelerate launch
    --cpu --num_processes 2` starts: one process, not two."""
    for name in NUMBERS:
        if environment.get(name, "") not in NUMBERS_OF_ONE:
            raise ProcessesError(
                f"{name} is {environment[name]}, and {SIZE} is not set: this is one of several "
                f"processes, and the others cannot be found. Start all of them with a launcher: "
                f"{HOW}. To run in one process, unset {name}."
            )
    is_accelerate = environment.get("ACCELERATE_USE_CPU", "").lower() == "true"
    if is_accelerate and all(name in environment for name in ADDRESS):
        raise ProcessesError(
            "accelerate launch was asked for several processes on CPUs and started one: without "
            f"MPI its option --cpu starts no others. Write {HOW}."
        )


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment[name]
    if not text.isdecimal() or (name == SIZE and int(text) == 0):
        raise ProcessesError(
            f"the environment variable {name} is {text!r}, and must be a whole number from "
            f"{int(name == SIZE)} on. Start the processes with a launcher: {HOW}; or unset it."
        )
    return int(text)
