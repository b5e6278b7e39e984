"""Best of n as the policy of a run: what is drawn, what is kept, and by which reward."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from prefloop.errors import InputError
from prefloop.figures.best_of_n import BEST_OF_N_FILE, BestOfNPolicy
from prefloop.figures.reading import read_best_of_n
from prefloop.figures.record import to_json
from prefloop.functional.best_of_n import best_of_n_kl, best_rows
from prefloop.models.checkpoint import Checkpoint
from prefloop.models.generation import Generation
from prefloop.models.identity import identity_of
from prefloop.models.memory import fits_in_memory
from prefloop.models.runtime import to_numpy
from prefloop.policy.logged_samples import LoggedSample, some_rows
from prefloop.policy.methods.method import Method
from prefloop.policy.optimize import PolicyOptimizer
from prefloop.policy.reward_source import HeldOutSource, reward_model_of
from prefloop.policy.rollout import RolloutCollector
from prefloop.policy.trainer import PolicyTrainer
from prefloop.records import Prompt
from prefloop.rewards.saved import recalled
from prefloop.samples.generation_config import generation_config
from prefloop.samples.sampler import SampledBatch
from prefloop.samples.stop_rule import StopMask
from prefloop.seeding import derive_seed, numpy_stream
from prefloop.settings.policy import PolicyConfig

WARM_START = "warm_start"
"""The name of a base that was warm-started: its folder in the run folder."""


ENDED = "nothing more can be drawn from the policy. Its samples and figures stay."


class KeptResponses(NamedTuple):
    """The best of the responses that were drawn."""

    batch: SampledBatch
    """The responses that are kept."""
    scores: Float[Tensor, " B"]
    """Their scores."""
    drawn_score: float
    """Mean score of all that were drawn."""


class BestOfNContent:
    """How the policy of a run that trains nothing chooses; it is the content of its folders."""

    def __init__(self, collector: RolloutCollector, config: PolicyConfig, *, run: Path) -> None:
        self.collector = collector
        self.run = run
        self.base = WARM_START if config.warm_start.epochs else collector.roles.config.name
        self.now = self._policy(1, "")
        """The policy as it is now."""

    @property
    def draws(self) -> int:
        """Responses that are drawn for each one that is kept."""
        return self.now.n

    def take_up(self, n: int, reward: str) -> None:
        """Choose one of n by the reward as it is in memory, whose name is `reward`."""
        self.now = self._policy(n, reward)

    def respond(self, prompts: Sequence[Prompt], *, per_prompt: int, seed: int) -> SampledBatch:
        """Return `per_prompt` responses to each prompt, each the best of its own n.

        The log-probabilities are those of the reference, which drew them: how likely best of n is
        to give a response is not known.
        """
        if self.now.n > 1:
            return self.keep(prompts, per_prompt=per_prompt, seed=seed).batch
        return self._drawn(prompts, per_prompt, seed)

    @torch.no_grad()
    def keep(self, prompts: Sequence[Prompt], *, per_prompt: int, seed: int) -> KeptResponses:
        """Return what `respond` does with its scores; the same seed gives the same responses."""
        n = self.now.n
        of_rows = [prompt for prompt in prompts for _ in range(per_prompt * n)]
        with self.ready():
            batch = self._drawn(prompts, per_prompt * n, seed)
            scores = self.collector.scores(of_rows, batch).scores
        rows = best_rows(scores, n=n)
        return KeptResponses(_rows_of(batch, rows), scores[rows], scores.mean().item())

    def save(self, place: Path) -> None:
        """Write how the policy chooses now."""
        place.mkdir(parents=True, exist_ok=True)
        (place / BEST_OF_N_FILE).write_text(to_json(self.now), encoding="utf-8")

    def is_same(self, folder: Path) -> bool:
        """Whether a folder holds the policy as it is now."""
        return read_best_of_n(folder) == self.now

    @contextmanager
    def loaded(self, folder: Path) -> Iterator[None]:
        """Choose as the policy in a folder while the block runs.

        InputError if the base has other weights than the one that the policy draws from.
        """
        found, now = read_best_of_n(folder), self.now
        assert found is not None, "folders of a run that trains nothing hold its policy"
        self.require_base(found, f"{folder.parent.name}/{folder.name}")
        self.now = found
        try:
            yield
        finally:
            self.now = now

    def require_base(self, policy: BestOfNPolicy, name: str) -> None:
        """Raise an InputError if a policy draws from other weights than those that are here."""
        if policy.base_weights != self._base_weights:
            raise InputError(
                f"{name} draws from {policy.base}, whose weights are not those of then: {ENDED}"
            )

    def _drawn(self, prompts: Sequence[Prompt], per_prompt: int, seed: int) -> SampledBatch:
        sampler, reference = self.collector.sampler, self.collector.roles.reference
        return sampler.sample(reference, prompts, per_prompt=per_prompt, seed=seed)

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Have the reward that chooses in memory while the block runs; one response needs none.

        InputError if there is another one now: a reward model's head, a scorer, or one that is held
        out of the reward model.
        """
        asked = self.collector.reward
        model = reward_model_of(asked)
        if self.now.n == 1:
            yield
        elif model is None:
            if asked.fingerprint != self.now.reward_fingerprint:
                raise InputError(
                    f"this policy chose by the scorer {self.now.reward}, whose settings, files or "
                    f"code are not those of then: {ENDED}"
                )
            yield
        else:
            with recalled(model, self.run / self.now.reward, self.now.reward_fingerprint):
                self._require_held_out()
                yield

    def _require_held_out(self) -> None:
        known, asked = self.now.held_out_fingerprint, self.collector.reward
        if known and asked.fingerprint != known:
            raise InputError(
                f"this policy chose by {self.now.reward} less what goes with the scorers of "
                "rewards.hold_out, and these are not those of then, or their settings, files or "
                f"code have changed: {ENDED}"
            )

    def _policy(self, n: int, reward: str) -> BestOfNPolicy:
        task, samples = self.collector.sampler.task, self.collector.sampler.config
        asked = self.collector.reward
        model = reward_model_of(asked)
        fingerprint = asked.fingerprint if model is None else model.fingerprint
        holds_out = bool(reward) and isinstance(asked, HeldOutSource)
        return BestOfNPolicy(
            n=n,
            kl_at_most=best_of_n_kl(n),
            reward=reward,
            reward_fingerprint=fingerprint if reward else "",
            held_out_fingerprint=asked.fingerprint if holds_out else "",
            base=self.base,
            base_weights=self._base_weights,
            temperature=task.temperature,
            response_tokens=task.response_tokens,
            stop=task.stop,
            stop_min=task.stop_min,
            stop_match=samples.stop_match,
            missing_stop_score=task.missing_stop_score,
        )

    @cached_property
    def _base_weights(self) -> str:
        return identity_of(Path(self.collector.roles.reference.causal.name_or_path)).weights


class BestOfNTrainer(PolicyTrainer):
    """Makes updates that move no weight: each takes up the reward and measures what is kept."""

    def __init__(
        self,
        method: Method,
        collector: RolloutCollector,
        optimizer: PolicyOptimizer,
        config: PolicyConfig,
        *,
        seed: int,
        run: Path,
    ) -> None:
        """`optimizer` takes no step; canaries read the model through it."""
        super().__init__(method, collector, optimizer, config, seed=seed)
        self.chosen = BestOfNContent(collector, config, run=run)
        self.content, self.chooser = self.chosen, self.chosen
        self.reward = ""
        """The name of the reward that the next update takes up, such as `rewards/round-0`."""

    @property
    def episodes(self) -> int:
        """None: the policy learns from no response."""
        return 0

    def step(self, prompts: Sequence[Prompt]) -> dict[str, float]:
        """Choose by the reward from now on; return metrics of what is kept of these prompts."""
        self.chosen.take_up(self.method.samples_per_prompt, self.reward)
        seed = derive_seed(self.seed, "rollout", self.update)
        size = self.config.batch_size
        with fits_in_memory("drawing the policy's responses", policy__batch_size=size):
            kept = self.chosen.keep(prompts, per_prompt=1, seed=seed)
        metrics = self._measured(kept) | self._read(
            prompts, kept.batch.generation.response.tolist()
        )
        stream = numpy_stream(self.seed, "excerpts", self.update)
        self.logged_samples = [self._logged(prompts, kept, i) for i in some_rows(prompts, stream)]
        self.update += 1
        return metrics

    def state(self) -> Checkpoint:
        """Return how the policy chooses: all that there is."""
        state = {"method": self.method.name, "policy": self.chosen.now.model_dump()}
        return Checkpoint(self.update, {}, state)

    def load_state(self, checkpoint: Checkpoint) -> None:
        """Continue from a checkpoint; with another n from the next update on."""
        n = self.method.samples_per_prompt
        self._check_method({**checkpoint.state, "samples_per_prompt": n})
        policy = BestOfNPolicy(**checkpoint.state["policy"])
        self.chosen.require_base(policy, f"the policy of update {checkpoint.number}")
        self.update, self.chosen.now = checkpoint.number, policy

    def export(self, place: Path) -> None:
        """Write how the policy chooses, and how transformers draws what it chooses from."""
        self.chosen.save(place)
        generation_config(self.collector.sampler).save_pretrained(place)

    def _measured(self, kept: KeptResponses) -> dict[str, float]:
        stop, scores = kept.batch.stop_mask, kept.scores
        mask = self.collector.sampler.loss_mask(stop)
        return {
            "policy/kl_at_most": self.chosen.now.kl_at_most,
            "policy/reference_score": kept.drawn_score,
            "policy/score": scores.mean().item(),
            "policy/score_sd": float(np.std(to_numpy(scores), dtype=np.float64)),
            "policy/ended": stop.is_ended.to(scores).mean().item(),
            "policy/response_tokens": mask.sum(dim=1).to(scores).mean().item(),
        }

    def _logged(self, prompts: Sequence[Prompt], kept: KeptResponses, row: int) -> LoggedSample:
        response = kept.batch.generation.response[row].tolist()
        return {
            "prompt": prompts[row].text,
            "response": self.collector.sampler.text_of(response),
            "score": kept.scores[row].item(),
        }


def _rows_of(batch: SampledBatch, rows: Int[Tensor, " B"]) -> SampledBatch:
    generation, stop = batch.generation, batch.stop_mask
    prefix_states = generation.prefix_states
    return SampledBatch(
        batch.query[rows],
        batch.query_mask[rows],
        Generation(
            response=generation.response[rows],
            logprobs=generation.logprobs[rows],
            values=None,
            prefix_states=None if prefix_states is None else prefix_states[rows],
        ),
        StopMask(stop.mask[rows], stop.is_ended[rows]),
    )
