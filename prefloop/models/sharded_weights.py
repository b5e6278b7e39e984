"""Weights of which each process holds a part: read, written and stepped by all at once.

Process 0 reads and writes them whole, one parameter at a time; each process keeps the moments of
its own parts. The functions of this module take any parameter: one that is not sharded stays what
it is.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from prefloop.errors import ProcessesError
from prefloop.models.fsdp import distributed
from prefloop.models.optimizing import set_adam
from prefloop.models.processes import Plain
from prefloop.models.runtime import FULL_PRECISION, to_host

WEIGHTS = "weights"
"""The part of a parameter that is no moment of Adam's."""
STEP = "step"
"""The moment that every process has whole: a number of steps."""
MOMENTS = (STEP, "exp_avg", "exp_avg_sq")

OPTIMIZERS: dict[str, type[torch.optim.Adam]] = {
    "Adam": torch.optim.Adam,
    "AdamW": torch.optim.AdamW,
}
"""What the others' optimizers can be, by the class of process 0's."""

_ATTRIBUTE = "prefloop_sharded_parameter"


class Everywhere(Protocol):
    """Who has the other processes do an operation on their parts while this one does it."""

    def __call__(self, operation: str, **given: object) -> AbstractContextManager[None]:
        """Return the block inside which this process does its own."""


class ShardedWeights:
    """The weights of one model, as one of the processes sees them."""

    def __init__(
        self,
        named: Iterator[tuple[str, nn.Parameter]],
        everywhere: Everywhere,
        origin: "ShardedWeights | None",
    ) -> None:
        """`origin` is what they are reset to; None: they are never trained."""
        self.parameters = dict(named)
        for name, parameter in self.parameters.items():
            setattr(parameter, _ATTRIBUTE, ShardedParameter(self, name))
        self._everywhere = everywhere
        self._origin = origin
        self._optimizer: torch.optim.Optimizer | None = None
        self._kept: list[dict[str, Tensor]] = []

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """Take a step of process 0's optimizer, and of the others' on their parts."""
        self._bind(optimizer)
        group = optimizer.param_groups[0]
        with self._everywhere("step", lr=group["lr"], eps=group["eps"]):
            optimizer.step()

    def gradient_norm(self) -> float:
        """Return the length of the gradient, over the parts of all processes."""
        with self._everywhere("gradient_norm"):
            return self._gradient_norm()

    def reset(self) -> None:
        """Make them those of the origin again."""
        with self._everywhere("reset"):
            self._reset()

    def gather(self, name: str, part: str = WEIGHTS) -> Tensor:
        """Return a parameter, or a moment of it, with all its numbers, in main memory."""
        with self._everywhere("gather", name=name, part=part):
            return to_host(self._part(name, part).full_tensor())

    def scatter(self, name: str, values: Tensor, part: str = WEIGHTS) -> None:
        """Give each process its part of a parameter, or of a moment of it."""
        with self._everywhere("scatter", name=name, part=part):
            self._scatter(name, part, values)

    def moments(self, name: str, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
        """Return Adam's moments of a parameter whole; none before the first step."""
        self._bind(optimizer)
        state = optimizer.state.get(self.parameters[name], {})
        return {k: v if k == STEP else self.gather(name, k) for k, v in state.items()}

    def put_moments(
        self, name: str, optimizer: torch.optim.Optimizer, moments: Mapping[str, Tensor]
    ) -> None:
        """Put whole moments back; without any the parameter has none afterwards."""
        self._bind(optimizer)
        n_steps = float(moments[STEP]) if moments else None
        with self._everywhere("begin_moments", name=name, n_steps=n_steps):
            self._begin_moments(name, n_steps)
        for part in moments.keys() - {STEP}:
            self.scatter(name, moments[part], part)

    def end_training(self) -> None:
        """Have all processes let go of their optimizers, with the moments of their parts."""
        # After a pass that failed nothing can be asked for: the run ends.
        with suppress(ProcessesError), self._everywhere("end_training"):
            self._end_training()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Make room for others inside the block; afterwards they are again what they were."""
        with self._everywhere("keep"):
            self._keep()
        try:
            yield
        finally:
            # After a pass that failed nothing can be asked for, and what failed is what counts.
            with suppress(ProcessesError), self._everywhere("put_back"):
                self._put_back()

    def do(self, operation: str, given: Plain) -> None:
        """Do with this process's parts what process 0 does with its own."""
        operations: dict[str, Callable[..., object]] = {
            "step": self._step,
            "gradient_norm": self._gradient_norm,
            "reset": self._reset,
            "gather": lambda name, part: self._part(name, part).full_tensor(),
            "scatter": self._scatter,
            "begin_optimizer": self._begin_optimizer,
            "begin_moments": self._begin_moments,
            "end_training": self._end_training,
            "keep": self._keep,
            "put_back": self._put_back,
        }
        operations[operation](**given)

    def _bind(self, optimizer: torch.optim.Optimizer) -> None:
        """Have the others begin an optimizer of their own where process 0 has another one."""
        if self._optimizer is not optimizer:
            kind, decay = type(optimizer).__name__, optimizer.param_groups[0]["weight_decay"]
            with self._everywhere("begin_optimizer", kind=kind, weight_decay=decay):
                self._optimizer = optimizer

    def _begin_optimizer(self, kind: str, weight_decay: float) -> None:
        own = list(self.parameters.values())
        self._optimizer = OPTIMIZERS[kind](own, weight_decay=weight_decay, fused=True)

    def _end_training(self) -> None:
        self._optimizer = None

    def _step(self, lr: float, eps: float) -> None:
        assert self._optimizer is not None, "it begins before its first step"
        set_adam(self._optimizer, lr=lr, eps=eps)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)

    def _gradient_norm(self) -> float:
        gradients = [p.grad for p in self.parameters.values() if p.grad is not None]
        # The length of parts is itself in parts, until all processes ask for it.
        length: Any = get_total_norm(gradients)
        return float(length.full_tensor())

    @torch.no_grad()
    def _reset(self) -> None:
        assert self._origin is not None, "only what is trained is reset"
        for name, parameter in self.parameters.items():
            parameter.copy_(self._origin.parameters[name])

    def _part(self, name: str, part: str) -> Any:
        """Return this process's part of a parameter, or of a moment of it."""
        parameter = self.parameters[name]
        if part == WEIGHTS:
            return parameter.detach()
        assert self._optimizer is not None, "it begins before it has moments"
        return self._optimizer.state[parameter][part]

    @torch.no_grad()
    def _scatter(self, name: str, part: str, values: Tensor | None = None) -> None:
        own = self._part(name, part)
        whole = torch.empty(own.shape, dtype=own.dtype, device=own.device)
        own.copy_(distributed(whole if values is None else whole.copy_(values), own))

    def _begin_moments(self, name: str, n_steps: float | None) -> None:
        assert self._optimizer is not None, "it begins before it has moments"
        parameter = self.parameters[name]
        self._optimizer.state.pop(parameter, None)
        if n_steps is not None:
            step = torch.tensor(n_steps, dtype=FULL_PRECISION, device=parameter.device)
            zeros = {part: torch.zeros_like(parameter.detach()) for part in MOMENTS[1:]}
            self._optimizer.state[parameter] = {STEP: step, **zeros}

    def _keep(self) -> None:
        self._kept.append({name: p.detach().clone() for name, p in self.parameters.items()})

    @torch.no_grad()
    def _put_back(self) -> None:
        for name, values in self._kept.pop().items():
            self.parameters[name].copy_(values)


class ShardedParameter(NamedTuple):
    """A parameter of sharded weights, by its name."""

    weights: ShardedWeights
    name: str


def sharded_parameter(tensor: Tensor) -> ShardedParameter | None:
    """Return which parameter of sharded weights this is; None if it is whole here."""
    sharded: ShardedParameter | None = getattr(tensor, _ATTRIBUTE, None)
    return sharded


def whole(parameter: Tensor) -> Tensor:
    """Return a parameter with all its numbers, without its gradient."""
    sharded = sharded_parameter(parameter)
    return parameter.detach() if sharded is None else sharded.weights.gather(sharded.name)


@torch.no_grad()
def put(parameter: Tensor, values: Tensor) -> None:
    """Give a parameter other numbers, of which each process takes its part."""
    sharded = sharded_parameter(parameter)
    if sharded is None:
        parameter.copy_(values)
    else:
        sharded.weights.scatter(sharded.name, values)


@contextmanager
def kept_aside(parameters: Sequence[Tensor]) -> Iterator[None]:
    """Keep the numbers of parameters while the block puts in others; put them back behind it."""
    owners, own = _by_owner(parameters)
    current = [parameter.detach().clone() for parameter in own]
    with ExitStack() as stack:
        for weights in owners:
            stack.enter_context(weights.kept())
        try:
            yield
        finally:
            with torch.no_grad():
                for parameter, value in zip(own, current, strict=True):
                    parameter.copy_(value)


def gradient_norm(parameters: Sequence[Tensor]) -> float:
    """Return the length (L2) of the gradient over all numbers of the parameters.

    A parameter without a gradient counts as one of zeros.
    """
    owners, own = _by_owner(parameters)
    gradients = [parameter.grad for parameter in own if parameter.grad is not None]
    lengths = [weights.gradient_norm() for weights in owners]
    return math.hypot(*lengths, float(get_total_norm(gradients)))


def _by_owner(parameters: Sequence[Tensor]) -> tuple[list[ShardedWeights], list[Tensor]]:
    """Return the weights that the sharded parameters belong to, each once, and the whole ones."""
    found = [sharded_parameter(parameter) for parameter in parameters]
    owners = {id(sharded.weights): sharded.weights for sharded in found if sharded is not None}
    own = [p for p, sharded in zip(parameters, found, strict=True) if sharded is None]
    return list(owners.values()), own


def parameter_groups(parameters: Sequence[nn.Parameter]) -> list[dict[str, Any]]:
    """Return an optimizer's groups: one fused step cannot take whole and sharded ones together."""
    is_sharded = [sharded_parameter(parameter) is not None for parameter in parameters]
    groups = [
        [p for p, sharded in zip(parameters, is_sharded, strict=True) if sharded == wanted]
        for wanted in (True, False)
    ]
    return [{"params": group} for group in groups if group]
