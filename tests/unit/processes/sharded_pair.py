"""Two processes that each hold a part of every model, and one that holds them whole: a script.

    python -m tests.unit.processes.sharded_pair MODEL RESULTS CASE ... [+ MODEL RESULTS CASE ...]

It is started twice, with a launcher's variables. Process 0 writes what was found into RESULTS, one
file per case. What stands behind a `+` are cases on another model, in the same two processes.
"""

import os
import sys
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

from prefloop.batches import Rollout
from prefloop.errors import PrefloopError
from prefloop.launch import read_launch
from prefloop.metrics import MetricsLog
from prefloop.models.checkpoint import load_checkpoint, save_checkpoint
from prefloop.models.export import load_weights, restore_role_model, save_policy, save_weights
from prefloop.models.processes import Processes
from prefloop.models.roles import RoleModel
from prefloop.models.runtime import CPU
from prefloop.models.sharded_weights import kept_aside, put, whole
from prefloop.policy.build import build_trainer
from prefloop.policy.reward_source import RewardModelSource
from prefloop.policy.trainer import PolicyTrainer
from prefloop.progress import Silent
from prefloop.rewards.model import RewardModel
from prefloop.rewards.shared_gradient import (
    gradient_of_all,
)
from prefloop.rewards.trainer import RewardTrainer
from prefloop.settings.policy import KLConfig, PolicyConfig
from prefloop.settings.rewards import RewardsConfig
from prefloop.settings.samples import SamplesConfig
from tests.stages_for_tests import PROMPTS, improve, roles_on, sampler_on
from tests.unit.processes.pair import METHODS, RULE, help_out, pairs_of
from tests.unit.rewards.test_trainer import LABELS


def build(
    folder: str | Path, processes: Processes, *, method: str = "ppo", is_helper: bool = False
) -> tuple[PolicyTrainer, RewardModel]:
    """Return a trainer and a reward model; shares of its minibatches have two and one microbatches.

    A helper shares nothing further, but its models are parts as well.
    """
    tokenizer, roles = roles_on(Path(folder), adapter="none")
    if processes.is_sharded:
        roles.shard(processes, CPU.device)
    sampler = sampler_on(tokenizer, roles, SamplesConfig(stop_match="text"), **RULE)
    sharing = Processes() if is_helper else processes
    model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=1, members=2, processes=sharing)
    config = PolicyConfig(
        method=method,
        options={"value_samples": 3} if method == "a2po" else {},
        batch_size=12,
        minibatches=4 if method == "ppo" else 2,
        episodes=120,
        microbatch_size=1 if method == "ppo" else 4,
        epochs=2,
        lr=1e-3,
        kl=KLConfig(coef=0.1, cap=0.5, control="fixed"),
    )
    source = RewardModelSource(model, sampler)
    return build_trainer(roles, source, sampler, config, seed=1, processes=sharing), model


def move(role_model: RoleModel, scale: float) -> None:
    """Move a role's weights, as training would; sharded or not they become the same."""
    generator = torch.Generator().manual_seed(3)
    for _, parameter in role_model.named_parameters:
        noise = torch.randn(parameter.shape, generator=generator)
        put(parameter, whole(parameter) + scale * noise)


def weights_of(trainer: PolicyTrainer) -> Tensor:
    """Return all trained weights of a policy and its value head in one row."""
    return torch.cat([whole(p).flatten() for _, p in trainer.optimizer.named_parameters])


def begin(
    folder: Path, processes: Processes, name: str, method: str = "ppo"
) -> tuple[PolicyTrainer, RewardModel]:
    """Return the trainer and the reward model of one case, in both processes where it is two."""
    if name == "one":
        return build(folder, Processes(), method=method)
    made = build(folder, processes, method=method)
    processes.set_up({"folder": str(folder), "method": method})
    return made


def case_of(folder: Path, processes: Processes, method: str) -> dict[str, Any]:
    """Return what two processes and one draw, and what an update makes of the same rollout."""
    found: dict[str, Any] = {}
    learned: Rollout | None = None
    for name in ("two", "one"):
        trainer, model = begin(folder, processes, name, method)
        move(trainer.collector.roles.policy, 0.02)
        move(model.role_model, 0.02)
        model.head.shifts = [0.7, 0.7]
        rollout = trainer.collect(trainer.prompts_of(0, PROMPTS))
        found[name] = {k: v for k, v in vars(rollout).items() if v is not None}
        if trainer.labeled is not None:
            trainer.labeled.learn_from(pairs_of(trainer))
            rollout = trainer.labeled.of_update(0, 1)
        learned = learned or rollout
        found[name]["before"] = weights_of(trainer)
        some = learned.rows(torch.arange(5 if trainer.method.samples_per_prompt == 1 else 6))
        trainer.optimizer.step(some, kl_coef=0.1, kl_weight=0.3)
        found[name]["gradient"] = gradient_here(trainer.optimizer.named_parameters)
        found[name]["metrics"] = improve(trainer, learned, kl=0.8)
        found[name]["weights"] = weights_of(trainer)
    return found


def gradient_here(named: Sequence[tuple[str, torch.nn.Parameter]]) -> Tensor:
    """Return the gradient of the rows that process 0 of two has: the first half of each weight."""
    found = []
    for _, parameter in named:
        gradient: Any = parameter.grad
        if gradient is not None:
            n_rows = -(-len(parameter) // 2)
            own = gradient.to_local() if isinstance(gradient, DTensor) else gradient
            found.append(own[:n_rows].flatten())
    return torch.cat(found)


def rewards_case(folder: Path, processes: Processes, results: Path) -> dict[str, Any]:
    """Return reward models that two processes and one train on fourteen comparisons."""
    found = {}
    for name in ("two", "one"):
        _, model = begin(folder, processes, name)
        log = MetricsLog(results / f"{name}.jsonl")
        trainer = RewardTrainer(
            model,
            RewardsConfig(batch_size=5, microbatch_size=2, epochs=2, lr=1e-3, weight_decay=0.1),
            seed=1,
            round_number=0,
            checkpoints=results / f"checkpoints-{name}",
            metrics=log,
            progress=Silent(),
        )
        trainer.train(LABELS, [sequence for group in LABELS.sequences for sequence in group])
        weights = torch.cat([whole(p).flatten() for _, p in model.named_parameters])
        gradient_of_all(model, LABELS, microbatch_size=3)
        gradient = gradient_here(model.named_parameters)
        found[name] = {"weights": weights, "lines": log.lines(), "gradient": gradient}
        optimizer = weakref.ref(trainer.optimizer)
        del trainer
        found[name]["holds_moments"] = optimizer() is not None
    return found


def memory_case(folder: Path, processes: Processes) -> dict[str, Any]:
    """Return the numbers in each model's weights and moments, as this process and one hold them,
    and in how many layers all numbers are here while one of them is run."""
    found = {}
    for name in ("two", "one"):
        trainer, _ = begin(folder, processes, name)
        roles = trainer.collector.roles
        whole_layers = watch_layers(roles.policy)
        improve(trainer, trainer.collect(trainer.prompts_of(0, PROMPTS)))
        own = {
            role: n_numbers(list(model.causal.parameters()))
            for role, model in vars(roles).items()
            if isinstance(model, RoleModel)
        }
        moments = [
            state[key]
            for state in trainer.optimizer.adam.state.values()
            for key in ("exp_avg", "exp_avg_sq")
        ]
        found[name] = own | {"moments": n_numbers(moments), "whole_layers": max(whole_layers)}
    return found


def watch_layers(role_model: RoleModel) -> list[int]:
    """Return a list that grows by the number of whole layers each time that a layer is run."""
    layers = list(role_model.causal.transformer.h)
    seen: list[int] = []

    def count(*_: object) -> None:
        weights = [layer.mlp.c_fc.weight for layer in layers]
        seen.append(sum(not isinstance(weight, DTensor) for weight in weights))

    for layer in layers:
        layer.mlp.register_forward_hook(count)
    return seen


def n_numbers(tensors: list[Any]) -> int:
    """Return how many numbers of these tensors this process holds."""
    return sum((t.to_local() if isinstance(t, DTensor) else t).numel() for t in tensors)


def checkpoint_case(folder: Path, processes: Processes, results: Path) -> dict[str, Any]:
    """Return where two updates lead, the second resumed from the checkpoint of two processes."""
    found: dict[str, Any] = {}
    trainer, _ = begin(folder, processes, "two")
    trainer.step(trainer.prompts_of(0, PROMPTS))
    state = trainer.state()
    save_checkpoint(results / "checkpoints", state.number, state.tensors, state.state)
    found["straight"] = go_on(trainer)
    for name in ("two", "one"):
        trainer, _ = begin(folder, processes, name)
        checkpoint = load_checkpoint(results / "checkpoints", print)
        assert checkpoint is not None
        trainer.load_state(checkpoint)
        found[name] = go_on(trainer)
    return found


def go_on(trainer: PolicyTrainer) -> dict[str, Any]:
    """Make the second update."""
    metrics = trainer.step(trainer.prompts_of(1, PROMPTS))
    return {"weights": weights_of(trainer), "metrics": metrics}


def folders_case(folder: Path, processes: Processes, results: Path) -> dict[str, Any]:
    """Write and read model folders of a sharded policy."""
    trainer, _ = begin(folder, processes, "two")
    roles, head = trainer.collector.roles, trainer.collector.value_head
    move(roles.policy, 0.02)
    moved = weights_of(trainer)
    save_weights(results / "weights", roles, head)
    save_policy(results / "policy", roles, head, trainer.collector.sampler.tokenizer)
    with kept_aside([p for _, p in roles.policy.named_parameters]):
        roles.reset(roles.policy, 0)
        base = weights_of(trainer)
        restore_role_model(results / "policy", roles, roles.policy)
        restored = weights_of(trainer)
        roles.reset(roles.policy, 0)
    back = weights_of(trainer)
    roles.reset(roles.policy, 0)
    load_weights(results / "weights", roles, head)
    return {
        "moved": moved,
        "base": base,
        "restored": restored,
        "back": back,
        "loaded": weights_of(trainer),
        "is_same": trainer.content.is_same(results / "weights"),
    }


def errors_case(folder: Path, processes: Processes) -> dict[str, Any]:
    """Return what an error of the other process says, while this one makes passes."""
    trainer, _ = begin(folder, processes, "two")
    prompts = trainer.prompts_of(0, PROMPTS)

    def draw() -> Tensor:
        return trainer.collector.sample(prompts, seed=1).generation.response

    try:
        processes.call("fail", [{}], draw)
        raise AssertionError("the other process failed")
    except PrefloopError as error:
        said = str(error)
    return {"said": said, "response": draw()}


def main() -> None:
    """Run the cases that are asked for."""
    processes = Processes(read_launch(os.environ))
    if processes.rank > 0:
        help_out(processes, partial(build, processes=processes, is_helper=True))
        processes.close()
        return
    for is_between, words in groupby(sys.argv[1:], key="+".__eq__):
        if not is_between:
            folder, results, *names = words
            carry_out(Path(folder), processes, Path(results), names)
    processes.close()


def carry_out(folder: Path, processes: Processes, results: Path, names: list[str]) -> None:
    """Write what is found in each case on a model."""
    cases: dict[str, Callable[[], dict[str, Any]]] = {
        **{m: lambda m=m: case_of(folder, processes, m) for m in METHODS},  # type: ignore[misc]
        "rewards": lambda: rewards_case(folder, processes, results),
        "memory": lambda: memory_case(folder, processes),
        "checkpoint": lambda: checkpoint_case(folder, processes, results),
        "folders": lambda: folders_case(folder, processes, results),
        "errors": lambda: errors_case(folder, processes),
    }
    for name in names:
        torch.save(cases[name](), results / f"{name}.pt")


if __name__ == "__main__":
    main()
