"""One update of the policy: collect, improve, steer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from prefloop.batches import Rollout
from prefloop.errors import CheckpointError
from prefloop.functional.kl import kl_k1, sequence_kl
from prefloop.functional.kl_control import adaptive_kl_coef
from prefloop.models.checkpoint import Checkpoint, restore_training, training_tensors
from prefloop.models.export import save_policy
from prefloop.models.memory import fits_in_memory
from prefloop.models.optimizing import refuse_nan
from prefloop.policy.content import PolicyContent, TrainedWeights
from prefloop.policy.logged_samples import LoggedSample, logged_samples
from prefloop.policy.methods.method import (
    LearnsFromComparisons,
    Method,
    UsesReferenceScores,
)
from prefloop.policy.optimize import PolicyOptimizer
from prefloop.policy.pair_batches import PairBatches
from prefloop.policy.prompt_order import PromptOrder
from prefloop.policy.reference_scores import ReferenceScores
from prefloop.policy.reward_check import RewardCheck, check_rewards
from prefloop.policy.rollout import RolloutCollector
from prefloop.policy.shared_rollout import collect_in_shares
from prefloop.policy.text_metrics import text_metrics
from prefloop.records import Prompt
from prefloop.samples.draw import Chooser
from prefloop.samples.generation_config import generation_config
from prefloop.seeding import derive_seed, numpy_stream
from prefloop.settings.policy import PolicyConfig


class PolicyTrainer:
    """Improves the policy by a method, under a KL penalty to the reference."""

    def __init__(
        self,
        method: Method,
        collector: RolloutCollector,
        optimizer: PolicyOptimizer,
        config: PolicyConfig,
        *,
        seed: int,
    ) -> None:
        self.method = method
        self.collector = collector
        self.optimizer = optimizer
        self.config = config
        self.seed = seed
        self.kl_coef = config.kl.coef
        self.update = 0
        n = method.reference_samples if isinstance(method, UsesReferenceScores) else 0
        self._reference_scores = (
            ReferenceScores(collector, n, batch_size=config.batch_size, seed=seed) if n else None
        )
        per_update = max(1, config.batch_size // method.samples_per_prompt)
        self.content: PolicyContent = TrainedWeights(collector.roles, collector.value_head)
        """What the policy consists of besides the base."""
        is_offline = isinstance(method, LearnsFromComparisons)
        self.labeled = PairBatches(collector, per_update) if is_offline else None
        """What the loss is of if the method learns from comparisons; None: what the policy draws.
        """
        self.chooser: Chooser | None = None
        """Who answers for the policy if it is no model of its own, as with best of n."""
        self._order = PromptOrder(per_update)
        self.logged_samples: list[LoggedSample] = []
        self.texts: list[str] = []
        """The responses of the last update."""
        self.prompts: list[str] = []
        """The prompt of each."""
        self.reward_check: RewardCheck | None = None
        """What the method learned from in the last update; None if it does not say."""

    def step(self, prompts: Sequence[Prompt]) -> dict[str, float]:
        """Make one update on fresh responses to the prompts and return its metrics.

        1. collect: sample, score, and the reference's log-probabilities
        2. improve: epochs x minibatches x microbatches of the method's loss on what was collected,
           or, if the method learns from comparisons, on labeled pairs; above `kl.cap` each
           step adds a weighted KL term
        3. steer the KL coefficient
        """
        rollout = self.collect(prompts)
        kl = sequence_kl(kl_k1(rollout.logprobs, rollout.ref_logprobs, rollout.mask)).mean().item()
        refuse_nan(kl, "policy/kl", "lower policy.lr")
        of_rows = self.collector.prompts_of_rows(prompts)
        metrics = self._describe(rollout, kl) | self._read(of_rows, rollout.response.tolist())
        self.reward_check = check_rewards(self.method, rollout, kl_coef=self.kl_coef)
        if self.reward_check is not None:
            metrics["policy/reward_gap"] = self.reward_check.gap
        learned = rollout
        if self.labeled is not None:
            learned = self.labeled.of_update(self.update, self.seed)
        metrics |= self.optimizer.improve(
            learned, kl=kl, kl_coef=self.kl_coef, update=self.update, seed=self.seed
        )
        self.kl_coef = self._next_kl_coef(kl, len(rollout.scores))
        stream = numpy_stream(self.seed, "excerpts", self.update)
        self.logged_samples = logged_samples(of_rows, rollout, self.collector.sampler, stream)
        self.update += 1
        return metrics

    @property
    def episodes(self) -> int:
        """Responses that the policy has learned from."""
        return self.update * self.config.batch_size

    def export(self, place: Path) -> None:
        """Write the policy, as it is now, as a model folder."""
        collector = self.collector
        save_policy(
            place,
            collector.roles,
            collector.value_head,
            collector.sampler.tokenizer,
            generation_config(collector.sampler),
        )

    def collect(self, prompts: Sequence[Prompt]) -> Rollout:
        """Return the rollout of the next update: the same one until the update is made."""
        seed = derive_seed(self.seed, "rollout", self.update)
        size = self.config.batch_size
        with fits_in_memory("drawing the policy's responses", policy__batch_size=size):
            several = self.collector.processes.size > 1
            rollout = (
                collect_in_shares(self.collector, prompts, seed=seed)
                if several
                else self.collector.collect(prompts, seed=seed)
            )
            if self._reference_scores is None:
                return rollout
            of_rows = self.collector.prompts_of_rows(prompts)
            return replace(rollout, reference_scores=self._reference_scores.of(of_rows))

    def prompts_of(self, update: int, prompts: Sequence[Prompt]) -> list[Prompt]:
        """Return the prompts of an update: every prompt once, reshuffled, before any twice."""
        return [prompts[p] for p in self._order.of_update(update, len(prompts), self.seed)]

    def state(self) -> Checkpoint:
        """Return all that the next update depends on."""
        state = {
            "method": self.method.name,
            "samples_per_prompt": self.method.samples_per_prompt,
            "method_state": self.method.state(),
            "kl_coef": self.kl_coef,
            "n_steps": self.optimizer.n_steps,
        }
        if self._reference_scores is not None:
            state["reference_scores"] = self._reference_scores.state()
        tensors = training_tensors(self.optimizer.named_parameters, self.optimizer.adam)
        return Checkpoint(self.update, tensors, state)

    def load_state(self, checkpoint: Checkpoint) -> None:
        """Continue from a checkpoint, as a fresh process would; CheckpointError if it cannot.

        With `kl.control: fixed` the coefficient is that of the settings, which may have changed.
        """
        state = checkpoint.state
        self._check_method(state)
        restore_training(checkpoint.tensors, self.optimizer.named_parameters, self.optimizer.adam)
        self.update = checkpoint.number
        self.optimizer.n_steps = state["n_steps"]
        self.method.load_state(state.get("method_state", {}))
        if self._reference_scores is not None:
            self._reference_scores.load_state(state.get("reference_scores", {}))
        is_steered = self.config.kl.control == "adaptive"
        self.kl_coef = state["kl_coef"] if is_steered else self.config.kl.coef

    def _check_method(self, state: Mapping[str, Any]) -> None:
        """Refuse a checkpoint of another method; one that names none is PPO's."""
        was = (state.get("method", "ppo"), state.get("samples_per_prompt", 1))
        now = (self.method.name, self.method.samples_per_prompt)
        if was != now:
            raise CheckpointError(
                f"the checkpoint was made with policy.method {was[0]} and {was[1]} samples per "
                f"prompt; the run file says {now[0]} and {now[1]}. Put the settings back, or start "
                "a new run with the others."
            )

    def _next_kl_coef(self, kl: float, n_episodes: int) -> float:
        settings = self.config.kl
        if settings.control == "fixed":
            return self.kl_coef
        return adaptive_kl_coef(
            self.kl_coef,
            kl,
            target=settings.target,
            horizon=self.config.kl_horizon,
            n_episodes=n_episodes,
        )

    def _describe(self, rollout: Rollout, kl: float) -> dict[str, float]:
        score = rollout.scores.mean().item()
        shared = {
            "policy/kl": kl,
            "policy/kl_coef": self.kl_coef,
            "policy/score": score,
            "policy/score_sd": rollout.scores.std(correction=0).item(),
            "policy/total_reward": score - self.kl_coef * kl,
            "policy/ended": rollout.is_ended.to(rollout.scores).mean().item(),
            "policy/response_tokens": rollout.mask.sum(dim=1).to(rollout.scores).mean().item(),
        }
        if rollout.spread is not None and bool(rollout.is_ended.any()):
            spread = rollout.spread[rollout.is_ended].mean().item()
            shared["policy/ensemble_spread"] = spread
        return shared | self.method.describe(rollout, kl_coef=self.kl_coef)

    def _read(
        self, prompts: Sequence[Prompt], responses: Sequence[Sequence[int]]
    ) -> dict[str, float]:
        """Return the metrics of the responses as texts; `prompts` has the prompt of each."""
        sampler = self.collector.sampler
        self.prompts = [prompt.text for prompt in prompts]
        self.texts = [sampler.text_of(row) for row in responses]
        return text_metrics(prompts, self.texts, response_tokens=sampler.task.response_tokens)
