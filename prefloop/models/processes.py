"""Several processes of one run: the first leads, the others hold the same models and help.

Process 0 runs everything: store, console, page, checkpoints, optimizer, and every decision, so
nothing has to be agreed upon. The others wait for what it asks: take these weights, do this share
of a batch, add up your gradients. They keep nothing between two requests but the models, so a run
can be resumed with another number of them. With one process all of this is nothing.

Requests and answers are plain data and tensors, sent over gloo; no code is unpacked from them.
Weights and gradients go over gloo between CPUs, and over nccl between GPUs.
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from prefloop import errors
from prefloop.errors import PrefloopError, ProcessesError
from prefloop.launch import ALONE, Launch
from prefloop.models.fsdp import Together, not_sharded
from prefloop.models.memory import SIGNS
from prefloop.models.runtime import CPU, Device, Runtime

Plain = dict[str, Any]
"""Numbers, texts, tensors, None, and lists, tuples and dictionaries of them."""
Parameters = Sequence[nn.Parameter]
Handlers = dict[str, Callable[[Plain], Plain]]
"""What a helper does on request, by name."""
T = TypeVar("T")

JOINING = timedelta(minutes=10)
"""For all processes to be there, and for one transfer of weights or gradients."""
ANSWERING = timedelta(hours=1)
"""For a share of one batch. A process that has died is noticed at once: its connection closes."""
WAITING = timedelta(days=365)
"""For the next request: people label meanwhile."""

CHUNK = 16_000_000
"""Numbers in one transfer."""

SET_UP, END, SEND_WEIGHTS, SUM_GRADIENTS = "set up", "end", "take weights", "sum gradients"
COLLECTIVE = "take part"


class Processes:
    """The processes of one run, as one of them sees them."""

    def __init__(self, launch: Launch = ALONE) -> None:
        """With several, wait until all of them are there."""
        self.rank, self.size, self.local_rank = launch.rank, launch.size, launch.local_rank
        self.is_sharded = launch.is_sharded
        """Whether each process holds a part of every model (FSDP), and none the whole."""
        self.collectives: Together | None = None
        """What they do at once, once models are sharded."""
        self.is_out_of_step = False
        """Whether something that all did at once has failed here: no more can be done together."""
        self._device: Device = CPU.device
        self._is_idle = True
        """Whether the helpers wait for a request."""
        self._sent: dict[str, str | None] = {}
        """The version of what was sent last, by name."""
        if self.size > 1:
            with _talking("the processes of the run came together"):
                _join(launch)
                self._requests = dist.new_group(backend="gloo", timeout=WAITING)
                self._answers = dist.new_group(backend="gloo", timeout=ANSWERING)
                if self.is_sharded:
                    self._turns = dist.new_group(backend="gloo", timeout=ANSWERING)

    def use(self, device: Device) -> None:
        """Put tensors that are received on this device; it has another number in each process.

        ProcessesError if nothing carries weights between such devices.
        """
        if self.size > 1 and device.type not in ("cpu", "cuda"):
            raise ProcessesError(
                f"{self.size} processes were started, and nothing carries weights from one "
                f"{device.type} device to another. Set models.device: cpu, or start one process."
            )
        self._device = device

    def loading(self, runtime: Runtime) -> Runtime:
        """Return where whole models are when they are loaded: sharded ones in main memory."""
        return replace(runtime, device=CPU.device) if self.is_sharded else runtime

    def shares(self, n: int) -> list[slice]:
        """Return which of `n` rows each process takes: neighbors, in even parts.

        >>> Processes().shares(5)
        [slice(0, 5, None)]
        """
        ends = [-(-n * rank // self.size) for rank in range(self.size + 1)]
        return [slice(*both) for both in pairwise(ends)]

    def call(
        self, name: str, others: Sequence[Plain], here: Callable[[], T]
    ) -> tuple[T, list[Plain]]:
        """Have each helper do `name` on what it is given, while this process does `here`.

        Returns what was done here and the helpers' answers, in their order. An error of a helper is
        raised here, with its process.
        """
        if self.size == 1:
            return here(), []
        self._is_idle = False
        self._request(name, others)
        try:
            with self._share_of(name):
                own = here()
        except Exception:
            if not self.is_out_of_step:
                self._hear()  # so that they wait for a request again
            raise
        answers = self._hear()
        for rank, answer in enumerate(answers, start=1):
            if "error" in answer:
                raise _error(answer, f"process {rank} of {self.size}: ")
        return own, answers

    def set_up(self, given: Plain) -> None:
        """Have each helper load its models; it has none of the weights sent before."""
        self.call(SET_UP, [given] * (self.size - 1), lambda: None)
        self._sent.clear()

    def send_weights(self, name: str, weights: Parameters, *, version: str | None = None) -> None:
        """Put these weights into the model that the helpers hold under the name.

        Nothing is sent if the version that they have is known to be this one, nor of what is
        sharded: each process has its part.
        """
        if self.size == 1 or (version is not None and self._sent.get(name) == version):
            return
        with self.asking(SEND_WEIGHTS, {"name": name}):
            _broadcast(weights)
        self._sent[name] = version

    def sum_gradients(self, name: str, weights: Parameters) -> None:
        """Add the helpers' gradients of a model to those of this process.

        Those of sharded weights are summed in the backward pass.
        """
        if self.size > 1:
            with self.asking(SUM_GRADIENTS, {"name": name}):
                _reduce(weights)

    @contextmanager
    def asking(self, name: str, given: Plain) -> Iterator[None]:
        """Have the helpers take part in what this process does inside the block."""
        self._is_idle = False
        with self.in_step():
            self._request(name, [given] * (self.size - 1))
            yield
        self._is_idle = True

    @contextmanager
    def in_step(self) -> Iterator[None]:
        """Do inside the block what all processes do at once; after an error none can go on."""
        try:
            yield
        except BaseException as error:
            self.is_out_of_step = True
            is_of_connection = isinstance(error, dist.DistError) or "gloo" in str(error)
            if isinstance(error, RuntimeError) and is_of_connection:
                raise _lost("all processes made a pass together", error) from error
            raise

    def agree(self, wanted: int) -> int:
        """Return what the first process wants that wants anything (not 0); all ask at once."""
        own = torch.tensor([wanted], dtype=torch.long, device=CPU.device)
        found = [torch.zeros_like(own) for _ in range(self.size)]
        with _talking("the next pass was agreed upon"):
            dist.all_gather(found, own, group=self._turns)
        return next((int(number) for number in found if int(number)), 0)

    def close(self) -> None:
        """Let the helpers end. If they are in the midst of something, they see that this one has
        ended."""
        if self.size > 1 and dist.is_initialized():
            if self._is_idle and self.rank == 0:
                with suppress(ProcessesError):  # whoever is gone already need not be let go
                    self._request(END, [{}] * (self.size - 1))
            self._is_idle = False
            dist.destroy_process_group()

    def help(self, handlers: Handlers, models: Mapping[str, Parameters]) -> None:
        """Do what process 0 asks for, until it lets this process end.

        ProcessesError if process 0 is gone. A handler may add to `handlers` and `models`.
        """
        while (request := self._next_request())["request"] != END:
            name, given = request["request"], request["given"]
            if name == SEND_WEIGHTS:
                _broadcast(models[given["name"]])
            elif name == SUM_GRADIENTS:
                _reduce(models[given["name"]])
                for parameter in not_sharded(models[given["name"]]):
                    parameter.grad = None
            elif name == COLLECTIVE and self.collectives is not None:
                self.collectives.take_part(given)
            else:
                with self._share_of(name):
                    answer = _attempt(handlers[name], given)
                if self.is_out_of_step:
                    raise ProcessesError(f"a pass that all processes made failed: {answer['text']}")
                with _talking("it answered process 0"):
                    _send(answer, 0, self._answers)

    def _share_of(self, name: str) -> AbstractContextManager[None]:
        if self.collectives is None or name == SET_UP:
            return nullcontext()
        return self.collectives.joint_work()

    def _next_request(self) -> Plain:
        with _talking("it waited for process 0"):
            return _receive(0, self._requests, self._device)

    def _request(self, name: str, others: Sequence[Plain]) -> None:
        if self.is_out_of_step:
            raise ProcessesError("what all processes did together has failed: the run has to end.")
        with _talking(f"it was asked for {name}"):
            for rank, given in enumerate(others, start=1):
                _send({"request": name, "given": given}, rank, self._requests)

    def _hear(self) -> list[Plain]:
        with _talking("its answer was waited for"):
            ranks = range(1, self.size)
            answers = [_receive(rank, self._answers, self._device) for rank in ranks]
        self._is_idle = True
        return answers


def _join(launch: Launch) -> None:
    has_gpu = torch.cuda.is_available()
    if has_gpu and launch.local_rank < torch.cuda.device_count():
        torch.cuda.set_device(launch.local_rank)
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if has_gpu else "gloo",
        rank=launch.rank,
        world_size=launch.size,
        timeout=JOINING,
    )


def _attempt(handler: Callable[[Plain], Plain], given: Plain) -> Plain:
    """Return the handler's answer, or what a user can mend. Our own bugs end this process."""
    try:
        return handler(given)
    except (PrefloopError, MemoryError, RuntimeError) as error:
        # torch.OutOfMemoryError has the name of an error of ours, which is another.
        kind = type(error) if isinstance(error, PrefloopError) else RuntimeError
        return {"error": kind.__name__, "text": str(error) or SIGNS[0]}


def _error(answer: Plain, where: str) -> Exception:
    kind = getattr(errors, answer["error"], RuntimeError)
    found: Exception = kind(f"{where}{answer['text']}")
    return found


@contextmanager
def _talking(when: str) -> Iterator[None]:
    """Turn what is said of a connection that broke into an error for the user."""
    try:
        yield
    except RuntimeError as error:
        if any(sign in str(error) for sign in SIGNS):
            raise  # Memory ran out here: the others are well.
        raise _lost(when, error) from error


def _lost(when: str, error: RuntimeError) -> ProcessesError:
    first = (str(error).strip().splitlines() or ["no more was said"])[0]
    first = first.split("] ", 1)[-1].split(". ")[0]  # gloo names its own source line first
    return ProcessesError(
        f"another process of the run is gone; this was found when {when} ({first}). What was "
        "done up to the last checkpoint is kept: run the same command again, with as many "
        "processes as you like."
    )


def _send(message: Plain, to: int, group: dist.ProcessGroup | None) -> None:
    buffer = io.BytesIO()
    torch.save(message, buffer)
    payload = torch.frombuffer(buffer.getbuffer(), dtype=torch.uint8)
    size = torch.tensor([len(payload)], dtype=torch.long, device=CPU.device)
    dist.send(size, to, group=group)
    dist.send(payload, to, group=group)


def _receive(sender: int, group: dist.ProcessGroup | None, device: Device) -> Plain:
    size = torch.zeros(1, dtype=torch.long, device=CPU.device)
    dist.recv(size, sender, group=group)
    payload = torch.empty(int(size), dtype=torch.uint8, device=CPU.device)
    dist.recv(payload, sender, group=group)
    found: Plain = torch.load(
        io.BytesIO(payload.numpy().tobytes()), map_location=device, weights_only=True
    )
    return found


def _broadcast(weights: Parameters) -> None:
    with _talking("weights were sent"), torch.no_grad():
        for some in _chunks(not_sharded(weights)):
            flat = torch.cat([parameter.detach().flatten() for parameter in some])
            dist.broadcast(flat, 0)
            if dist.get_rank() == 0:
                continue
            for parameter, values in zip(some, _parts(flat, some), strict=True):
                parameter.copy_(values.view_as(parameter))


def _reduce(weights: Parameters) -> None:
    """Sum gradients into those of process 0; one that a process has none of counts as 0."""
    with _talking("gradients were added up"):
        for some in _chunks(not_sharded(weights)):
            own = [p.grad if p.grad is not None else torch.zeros_like(p) for p in some]
            flat = torch.cat([gradient.detach().flatten() for gradient in own])
            dist.reduce(flat, 0)
            for parameter, values in zip(some, _parts(flat, some), strict=True):
                if parameter.grad is not None:
                    parameter.grad.copy_(values.view_as(parameter))


def _parts(flat: Tensor, some: Parameters) -> tuple[Tensor, ...]:
    """Return the numbers of each parameter, of all in one row."""
    return torch.split(flat, [parameter.numel() for parameter in some])


def _chunks(weights: Parameters) -> Iterator[list[nn.Parameter]]:
    """Yield all parameters in groups that are sent at once."""
    some: list[nn.Parameter] = []
    for parameter in weights:
        if some and sum(p.numel() for p in some) + parameter.numel() > CHUNK:
            yield some
            some = []
        some.append(parameter)
    if some:
        yield some
