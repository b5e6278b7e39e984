"""Two processes on one small model, and what one process alone makes of the same: a script.

    python -m tests.unit.processes.pair MODEL RESULTS

It is started twice, with a launcher's variables. Process 0 writes what was found into RESULTS, one
file per case.
"""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from prefloop.batches import Rollout
from prefloop.errors import PrefloopError
from prefloop.launch import read_launch
from prefloop.metrics import MetricsLog
from prefloop.models.processes import SET_UP, Handlers, Parameters, Plain, Processes
from prefloop.policy.build import build_trainer
from prefloop.policy.helping import policy_handlers, policy_weights
from prefloop.policy.pair_batches import LabeledPair
from prefloop.policy.reward_source import RewardModelSource
from prefloop.policy.trainer import PolicyTrainer
from prefloop.progress import Silent
from prefloop.rewards.model import RewardModel
from prefloop.rewards.shared_gradient import (
    REWARD_GRADIENT,
    REWARD_MODEL_WEIGHTS,
    help_with_gradient,
)
from prefloop.rewards.trainer import RewardTrainer
from prefloop.settings.policy import KLConfig, PolicyConfig
from prefloop.settings.rewards import RewardsConfig
from prefloop.settings.samples import SamplesConfig
from tests.stages_for_tests import PROMPTS, disturb, improve, roles_on, sampler_on, weights_of
from tests.unit.rewards.test_trainer import LABELS

METHODS = ("ppo", "rloo", "a2po", "dpo")
RULE: dict[str, Any] = {"stop": "e", "stop_min": 1, "temperature": 1.0, "missing_stop_score": -2.0}
"""Responses of unequal lengths, some of them without an end."""


def build(
    folder: Path, processes: Processes, *, method: str = "ppo", members: int = 1
) -> tuple[PolicyTrainer, RewardModel]:
    """Return a trainer and a reward model; its minibatches have an odd number of prompts."""
    tokenizer, roles = roles_on(folder, top_layers=1)
    sampler = sampler_on(tokenizer, roles, SamplesConfig(stop_match="text"), **RULE)
    model = RewardModel(
        roles, pad_id=tokenizer.pad_id, seed=1, members=members, processes=processes
    )
    config = PolicyConfig(
        method=method,
        options={"value_samples": 3} if method == "a2po" else {},
        batch_size=12,
        minibatches=2,
        episodes=120,
        microbatch_size=4,
        epochs=2,
        lr=1e-3,
        kl=KLConfig(coef=0.1, cap=0.5, control="fixed"),
    )
    source = RewardModelSource(model, sampler)
    return build_trainer(roles, source, sampler, config, seed=1, processes=processes), model


def help_out(processes: Processes, build: Callable[..., tuple[PolicyTrainer, RewardModel]]) -> None:
    """Help with one case after the other; `build` makes what each is about."""
    handlers: Handlers = {}
    models: dict[str, Parameters] = {}

    def set_up(given: Plain) -> Plain:
        trainer, model = build(**given)
        handlers.update(policy_handlers(trainer))
        handlers[REWARD_GRADIENT] = lambda given: help_with_gradient(model, given)
        models.update(policy_weights(trainer))
        models[REWARD_MODEL_WEIGHTS] = [parameter for _, parameter in model.named_parameters]
        return {}

    def fail(given: Plain) -> Plain:
        raise PrefloopError("it cannot")

    handlers |= {SET_UP: set_up, "fail": fail}
    processes.help(handlers, models)


def case_of(folder: Path, processes: Processes, method: str) -> dict[str, Any]:
    """Return what two processes and one draw, and what they make of the same rollout."""
    found: dict[str, Any] = {}
    processes.set_up({"method": method})
    for name, own in (("two", processes), ("one", Processes())):
        trainer, model = build(folder, own, method=method)
        disturb(trainer.collector.roles.policy, 0.02)  # in process 0 alone
        disturb(model.role_model, 0.02)
        model.head.shifts = [0.7]
        rollout = trainer.collect(trainer.prompts_of(0, PROMPTS))
        found[name] = {k: v for k, v in vars(rollout).items() if v is not None}
        if trainer.labeled is not None:
            trainer.labeled.learn_from(pairs_of(trainer))
            rollout = trainer.labeled.of_update(0, 1)
        found["learned"] = found.get("learned", rollout)
        found[name] |= learn(trainer, found["learned"])
    return {**found, "learned": None}


def learn(trainer: PolicyTrainer, rollout: Rollout) -> dict[str, Any]:
    """Return the gradient of a first step on a rollout, and an update's weights and metrics."""
    named = trainer.optimizer.named_parameters
    before = [parameter.detach().clone() for _, parameter in named]
    disturb(trainer.collector.roles.policy, 0.01)
    half = rollout.rows(torch.arange(6))
    trainer.optimizer.step(half, kl_coef=0.1, kl_weight=0.3)
    gradient = torch.cat([p.grad.flatten() for _, p in named if p.grad is not None])
    with torch.no_grad():
        for (_, parameter), value in zip(named, before, strict=True):
            parameter.copy_(value)
    trainer.optimizer.adam.state.clear()
    metrics = improve(trainer, rollout, kl=0.8)
    return {"gradient": gradient, "weights": weights_of(named), "metrics": metrics}


def pairs_of(trainer: PolicyTrainer) -> list[LabeledPair]:
    """Return labeled pairs of the prompts."""
    texts = [" the sun was warm", " he was"]
    first, second = (tuple(trainer.collector.sampler.tokenizer.encode(text)) for text in texts)
    return [LabeledPair(prompt, (first, second), (0.75, 0.25)) for prompt in PROMPTS]


def rewards_case(folder: Path, processes: Processes, results: Path) -> dict[str, Any]:
    """Return reward models that two processes and one train on fourteen comparisons."""
    found = {}
    processes.set_up({"members": 2})
    for name, own in (("two", processes), ("one", Processes())):
        _, model = build(folder, own, members=2)
        log = MetricsLog(results / f"{name}.jsonl")
        trainer = RewardTrainer(
            model,
            RewardsConfig(batch_size=5, microbatch_size=2, epochs=2, lr=3e-3),
            seed=1,
            round_number=0,
            checkpoints=results / f"checkpoints-{name}",
            metrics=log,
            progress=Silent(),
        )
        trainer.train(LABELS, [sequence for group in LABELS.sequences for sequence in group])
        found[name] = {"weights": weights_of(model.named_parameters), "lines": log.lines()}
    return found


def curve_case(folder: Path, processes: Processes) -> dict[str, Any]:
    """Return the scores of ten updates, of two processes and of one with several seeds."""
    processes.set_up({"method": "ppo"})
    found: dict[str, Any] = {}
    for name, own, seed in [
        ("two", processes, 1),
        *((f"one {s}", Processes(), s) for s in (1, 2, 3)),
    ]:
        trainer, _ = build(folder, own)
        trainer.seed = seed
        lines = [trainer.step(trainer.prompts_of(n, PROMPTS)) for n in range(10)]
        found[name] = [[line["policy/score"], line["policy/kl"]] for line in lines]
    return found


def errors_case(processes: Processes) -> dict[str, Any]:
    """Return what an error of the other process says, and that it goes on helping."""
    try:
        processes.call("fail", [{}], lambda: None)
        raise AssertionError("the other process failed")
    except PrefloopError as error:
        said = str(error)
    own, answers = processes.call(SET_UP, [{}], lambda: 5)
    return {"said": said, "own": own, "answers": answers}


def main() -> None:
    """Run all cases."""
    folder, results = Path(sys.argv[1]), Path(sys.argv[2])
    processes = Processes(read_launch(os.environ))
    if processes.rank > 0:
        help_out(processes, partial(build, folder, Processes()))
        processes.close()
        return
    cases: dict[str, Callable[[], dict[str, Any]]] = {
        **{m: lambda m=m: case_of(folder, processes, m) for m in METHODS},  # type: ignore[misc]
        "rewards": lambda: rewards_case(folder, processes, results),
        "errors": lambda: errors_case(processes),
        "curves": lambda: curve_case(folder, processes),
    }
    for name in sys.argv[3:]:
        torch.save(cases[name](), results / f"{name}.pt")
    processes.close()


if __name__ == "__main__":
    main()
