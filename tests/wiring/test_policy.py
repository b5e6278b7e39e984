"""Settings of `policy` change rollouts, steps, the KL coefficient, or what is kept of them."""

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch

from prefloop.batches import Rollout
from prefloop.figures.reading import read_best_of_n
from prefloop.functional.adam import tensorflow_eps
from prefloop.functional.best_of_n import best_of_n_kl
from prefloop.functional.kl_control import adaptive_kl_coef, kl_cap_weight
from prefloop.functional.schedules import cosine_decay
from prefloop.models.checkpoint import checkpoint_numbers
from prefloop.policy import warm_start
from prefloop.policy.trainer import PolicyTrainer
from prefloop.policy.warm_start import ADAM_EPS
from prefloop.registry import METHODS
from prefloop.run.training import train_policy
from tests.stages_for_tests import disturb, weights_of
from tests.wiring.runs import assembled
from tests.wiring.wires import Observations, Observer, Settings, Wire, covers, place_of

UPDATES, DRAWN, SCORES = "updates", "first responses", "their scores"
SIZES, REUSES, PASSES = "responses in each step", "reads of a response", "backward passes"
RATES, EPSILONS = "step sizes", "Adam's epsilons"
COEF, NEXT_COEF, KL_TERM = "first KL coefficient", "next KL coefficient", "weight of the KL term"
TARGETS, FIRST, VALUE_METRICS = "targets of the first step", "its loss", "metrics of values"
POLICY_LOSS, VALUE_LOSS = "policy loss of the second step", "its value loss"
WEIGHTS, CHECKPOINTS, NAMES = "trained weights", "checkpoints", "names with weights"

STEPPED = {POLICY_LOSS, VALUE_LOSS, NEXT_COEF, WEIGHTS}
"""What another first step changes; the next coefficient depends on the KL that it led to."""
VALUES_STEPPED = STEPPED - {POLICY_LOSS}
"""What another first step of the value head changes, which is 0 and moves nothing below it yet."""
TARGETED = {TARGETS, FIRST, *STEPPED}
ROLLED_OUT = {DRAWN, SCORES, *TARGETED}
BASE = {
    "policy.reward": "length",
    "policy.microbatch_size": 2,
    "policy.minibatches": 2,
    "policy.epochs": 2,
    "policy.lr": 1e-3,
    "policy.kl.target": 1.0,
    "policy.kl.horizon": 40.0,
}
RLOO = {"policy.method": "rloo"}
A2PO = {"policy.method": "a2po"}
GOES_ON = {UPDATES, SIZES, RATES, EPSILONS, WEIGHTS, CHECKPOINTS, NAMES}

WIRES = [
    Wire(
        setting="policy.method",
        value="rloo",
        changes={VALUE_METRICS, *ROLLED_OUT},
    ),
    Wire(setting="policy.reward", value="copying", changes={SCORES, *TARGETED}),
    Wire(
        setting="task.missing_stop_score",
        value=-7.0,
        given={"task.stop_min": 4, "policy.minibatches": 1},
        changes={SCORES, *TARGETED} - {NEXT_COEF},
    ),
    Wire(setting="policy.episodes", value=24, changes={*GOES_ON, PASSES, NEXT_COEF}),
    Wire(
        setting="policy.batch_size",
        value=16,
        changes={*GOES_ON, *ROLLED_OUT},
    ),
    Wire(
        setting="policy.minibatches",
        value=4,
        changes={SIZES, RATES, EPSILONS, *TARGETED},
    ),
    Wire(setting="policy.microbatch_size", value=4, changes={PASSES}),
    Wire(
        setting="policy.epochs",
        value=3,
        changes={SIZES, REUSES, PASSES, RATES, EPSILONS, NEXT_COEF, WEIGHTS},
    ),
    Wire(setting="policy.lr", value=2e-3, changes={RATES, *STEPPED}),
    Wire(setting="policy.adam_eps", value=1e-1, changes={EPSILONS, *STEPPED}),
    Wire(setting="policy.checkpoint_every", value=1, changes={CHECKPOINTS, NAMES}),
    Wire(setting="policy.keep_every", value=1, changes={NAMES}),
    Wire(setting="policy.kl.control", value="fixed", changes={NEXT_COEF, WEIGHTS}),
    Wire(setting="policy.kl.coef", value=2.0, changes={COEF, *TARGETED}),
    Wire(setting="policy.kl.target", value=50.0, changes={NEXT_COEF, WEIGHTS}),
    Wire(setting="policy.kl.horizon", value=400.0, changes={NEXT_COEF, WEIGHTS}),
    Wire(
        setting="policy.kl.cap",
        value=0.01,
        given={"policy.kl.control": "fixed"},
        changes={KL_TERM, FIRST, *STEPPED} - {NEXT_COEF},
    ),
    Wire(setting="policy.options.gamma", value=0.5, changes=TARGETED),
    Wire(setting="policy.options.lam", value=0.2, changes=TARGETED),
    Wire(setting="policy.options.whiten_rewards", value=False, changes=TARGETED),
    Wire(setting="policy.options.vf_coef", value=1.0, changes={FIRST, *VALUES_STEPPED}),
    Wire(
        setting="policy.options.clip_range",
        value=1e-3,
        changes={POLICY_LOSS, NEXT_COEF, WEIGHTS},
    ),
    Wire(
        setting="policy.options.clip_range_value",
        value=1e-3,
        changes={VALUE_LOSS, NEXT_COEF, WEIGHTS},
    ),
    Wire(
        setting="policy.options.samples_per_prompt",
        value=4,
        given=RLOO,
        changes={DRAWN, SCORES, TARGETS, POLICY_LOSS, NEXT_COEF, WEIGHTS},
    ),
    Wire(
        setting="policy.options.clip_range",
        value=1e-3,
        given=RLOO,
        changes={POLICY_LOSS, NEXT_COEF, WEIGHTS},
    ),
    Wire(
        setting="policy.options.value_samples",
        value=3,
        given=A2PO,
        changes={TARGETS, FIRST, POLICY_LOSS, WEIGHTS},
    ),
    Wire(
        setting="policy.options.value_beta",
        value=5.0,
        given=A2PO,
        changes={TARGETS, FIRST, POLICY_LOSS, NEXT_COEF, WEIGHTS},
    ),
]


@covers("policy.options")
def test_options_are_those_of_the_method(observer: Observer) -> None:
    """Each has a row above; that there are others is refused when the run file is read."""
    options = {name: set(METHODS.load(name).Settings.model_fields) for name in METHODS.names()}
    wires = [*WIRES, *BEST_OF_N]
    rows = [wire.name.split(": policy.options.") for wire in wires if ": " in wire.name]
    assert {(method, name) for method, name in rows} == {
        (method, name) for method, names in options.items() for name in names
    }


class Recorded:
    """What a trainer does, step by step."""

    def __init__(self, trainer: PolicyTrainer) -> None:
        self.rollouts: list[Rollout] = []
        self.minibatches: list[Rollout] = []
        self.passes: list[int] = []
        self.adam: list[tuple[float, float]] = []
        self.losses: list[Any] = []
        optimizer, collect = trainer.optimizer, trainer.collect
        step, forward = optimizer.step, optimizer.forward

        def collect_recorded(prompts: Sequence[Any]) -> Rollout:
            self.rollouts.append(collect(prompts))
            return self.rollouts[-1]

        def step_recorded(minibatch: Rollout, **keywords: Any) -> Any:
            self.minibatches.append(minibatch)
            group = optimizer.adam.param_groups[0]
            self.adam.append((group["lr"], group["eps"]))
            self.losses.append(step(minibatch, **keywords))
            return self.losses[-1]

        def forward_recorded(rollout: Rollout) -> Any:
            self.passes.append(len(rollout.scores))
            return forward(rollout)

        trainer.collect = collect_recorded  # type: ignore[method-assign]
        optimizer.step = step_recorded  # type: ignore[method-assign]
        optimizer.forward = forward_recorded  # type: ignore[method-assign]


def observe(settings: Settings, folder: Path) -> Observations:
    with assembled({**BASE, **settings}, folder) as stages:
        trainer = stages.policy.trainer
        disturb(stages.policy.trainer.collector.roles.policy, 0.05)
        seen = Recorded(trainer)
        stages.policy.train_round(0, trainer.config.updates, stages.prompts_of("train"))
        lines = stages.metrics.lines()
        names = stages.policy.weights.names()
    rollout, first, second = seen.rollouts[0], *seen.losses[:2]
    per_update = len(seen.minibatches) // len(lines)
    reads = sum(len(batch.scores) for batch in seen.minibatches[:per_update])
    targets = trainer.method.targets(seen.minibatches[0], kl_coef=lines[0]["policy/kl_coef"])
    return {
        UPDATES: len(lines),
        DRAWN: rollout.response.tolist(),
        SCORES: rounded(rollout.scores),
        SIZES: [len(batch.scores) for batch in seen.minibatches],
        REUSES: reads / len(rollout.scores),
        PASSES: seen.passes,
        RATES: [lr for lr, _ in seen.adam],
        EPSILONS: [eps for _, eps in seen.adam],
        COEF: lines[0]["policy/kl_coef"],
        NEXT_COEF: round(trainer.kl_coef, 6),
        KL_TERM: lines[0]["policy/kl_cap_weight"],
        TARGETS: rounded(targets["advantages"]),
        FIRST: round(first.loss, 4),
        POLICY_LOSS: round(second.shares["policy/policy_loss"], 5),
        VALUE_LOSS: round(second.shares.get("policy/value_loss", 0.0), 5),
        VALUE_METRICS: "policy/value_loss" in lines[0],
        WEIGHTS: place_of(weights_of(trainer.optimizer.policy.named_parameters)),
        CHECKPOINTS: checkpoint_numbers(folder / "checkpoints" / "policy"),
        NAMES: names,
    }


def rounded(numbers: torch.Tensor) -> list[float]:
    """Return the numbers without what the order of a sum leaves in them."""
    return [round(x, 4) + 0.0 for x in numbers.flatten().tolist()]


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_setting_changes_this_and_nothing_else(wire: Wire, observer: Observer) -> None:
    assert observer.changed(observe, wire) == wire.changes


def test_the_numbers_are_those_of_the_settings(observer: Observer) -> None:
    seen = observer.observe(observe)
    assert (seen[UPDATES], seen[REUSES], seen[CHECKPOINTS]) == (2, 2.0, [2])
    assert seen[SIZES] == [4] * 8 and seen[PASSES] == [2] * 16
    assert seen[RATES] == [1e-3] * 4 + [0.5e-3] * 4, "falls with every update"
    assert seen[EPSILONS] == [tensorflow_eps(n, eps=1e-5) for n in range(1, 9)]
    assert (seen[COEF], seen[KL_TERM]) == (0.15, 0.0)
    seen = observer.observe(observe, policy__checkpoint_every=1)
    assert (seen[CHECKPOINTS], seen[NAMES]) == ([1, 2], ["policy/update-1", "policy/update-2"])
    seen = observer.observe(observe, policy__keep_every=1)
    assert (seen[CHECKPOINTS], seen[NAMES]) == ([2], ["policy/update-1", "policy/update-2"])
    seen = observer.observe(observe, policy__kl__cap=0.01, policy__kl__control="fixed")
    assert seen[KL_TERM] == kl_cap_weight(99.0, cap=0.01) == 1.0


def test_the_coefficient_is_steered_to_the_target_over_the_horizon(
    base: Settings, new_folder: Callable[[], Path]
) -> None:
    settings = {**base, **BASE, "policy.kl.target": 0.9, "policy.kl.horizon": 70.0}
    with assembled(settings, new_folder()) as stages:
        disturb(stages.policy.trainer.collector.roles.policy, 0.05)
        stages.policy.train_round(0, 2, stages.prompts_of("train"))
        lines, coef = stages.metrics.lines(), 0.15
        for line in lines:
            assert line["policy/kl_coef"] == pytest.approx(coef)
            kl = line["policy/kl"]
            coef = adaptive_kl_coef(coef, kl, target=0.9, horizon=70.0, n_episodes=8)
        assert stages.policy.trainer.kl_coef == pytest.approx(coef)


BOUND, ASKED, KEPT, LEAD, DRAWN_SCORE, FILED = (
    *("bound on the KL", "prompts asked", "responses kept", "their lead in score"),
    *("mean score of all that is drawn", "n in the policy's folder"),
)

BEST_OF_N = [
    Wire(
        setting="policy.options.n",
        value=4,
        given={"policy.method": "best_of_n"},
        changes={BOUND, ASKED, KEPT, LEAD, DRAWN_SCORE, FILED},
    ),
]


def observe_best_of_n(settings: Settings, folder: Path) -> Observations:
    with assembled({**BASE, **settings}, folder) as stages:
        held_out = stages.prompts_of("held_out")
        train_policy(stages, 0)
        asked = stages.policy.trainer.prompts_of(0, stages.prompts_of("train"))
        kept = stages.drawer.draw(
            held_out, model="policy/round-0", round=0, purpose="evaluation", per_prompt=1
        )
        lines = stages.metrics.lines()
    found = read_best_of_n(folder / "policy" / "update-1")
    assert found is not None and [sample.log_ratio for sample in kept] == [None] * len(kept)
    line = lines[0]
    return {
        UPDATES: len(lines),
        BOUND: line["policy/kl_at_most"],
        ASKED: len(asked),
        KEPT: [sample.response_ids for sample in kept],
        LEAD: round(line["policy/score"] - line["policy/reference_score"], 4),
        DRAWN_SCORE: round(line["policy/reference_score"], 4),
        FILED: found.n,
        NAMES: [sample.model for sample in kept],
    }


@pytest.mark.parametrize("wire", BEST_OF_N, ids=str)
def test_a_setting_of_best_of_n_changes_this_and_nothing_else(
    wire: Wire, observer: Observer
) -> None:
    assert observer.changed(observe_best_of_n, wire) == wire.changes
    seen = observer.observe(observe_best_of_n, policy__method="best_of_n")
    assert (seen[UPDATES], seen[FILED], seen[BOUND]) == (1, 16, best_of_n_kl(16))
    assert set(seen[NAMES]) == {"policy/update-1"}


LESSONS, WARM_RATES, REFERENCE = "texts in each step", "step sizes", "reference"

WARM_START = [
    Wire(setting="policy.warm_start.epochs", value=2, changes={LESSONS, WARM_RATES, REFERENCE}),
    Wire(setting="policy.warm_start.lr", value=3e-3, changes={WARM_RATES, REFERENCE}),
    Wire(setting="policy.warm_start.batch_size", value=4, changes={LESSONS, WARM_RATES, REFERENCE}),
]
WARM_BASE = {
    "policy.warm_start.epochs": 1,
    "policy.warm_start.lr": 1e-3,
    "policy.warm_start.batch_size": 8,
}


def observe_warm_start(settings: Settings, folder: Path) -> Observations:
    steps: list[list[str]] = []
    adam: list[tuple[float, float]] = []

    def step_recorded(roles: Any, optimizer: Any, batch: Sequence[Any], pad_id: int) -> float:
        steps.append([str(example) for example in batch])
        adam.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["eps"]))
        return step(roles, optimizer, batch, pad_id)

    step = warm_start._step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warm_start, "_step", step_recorded)
        with assembled({**WARM_BASE, **settings}, folder) as stages:
            reference = dict(
                stages.policy.trainer.collector.roles.reference.causal.named_parameters()
            )
    assert all(eps == tensorflow_eps(n, eps=ADAM_EPS) for n, (_, eps) in enumerate(adam, start=1))
    return {
        LESSONS: steps,
        WARM_RATES: [lr for lr, _ in adam],
        REFERENCE: rounded(torch.cat([p.detach().flatten()[:50] for p in reference.values()])),
    }


@pytest.mark.parametrize("wire", WARM_START, ids=str)
def test_a_setting_of_the_warm_start_changes_this_and_nothing_else(
    wire: Wire, observer: Observer
) -> None:
    assert observer.changed(observe_warm_start, wire) == wire.changes


def test_the_warm_starts_step_falls_along_a_cosine_and_every_pass_has_an_order_of_its_own(
    observer: Observer,
) -> None:
    seen = observer.observe(observe_warm_start, policy__warm_start__epochs=2)
    total = len(seen[LESSONS])
    assert total == 6 and {len(batch) for batch in seen[LESSONS]} == {8}
    assert seen[WARM_RATES] == [1e-3 * cosine_decay(n, total) for n in range(total)]
    passes = [[*chain(*seen[LESSONS][n : n + total // 2])] for n in (0, total // 2)]
    assert passes[0] != passes[1]
    assert all(len(set(learned)) == len(learned) for learned in passes)
