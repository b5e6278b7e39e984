"""Where a rollout's scores come from: the trained reward model, or any scorer."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from prefloop.errors import InputError
from prefloop.functional.ensemble import member_spread
from prefloop.models.optimizing import refuse_nan
from prefloop.records import Prompt
from prefloop.rewards.held_out import held_out_part
from prefloop.rewards.model import RewardModel
from prefloop.samples.sampler import SampledBatch, Sampler
from prefloop.scorers.build import CheckedScorer, build_scorer
from prefloop.scorers.endpoint.usage import Metered
from prefloop.seeding import stable_id
from prefloop.settings.policy import REWARD_MODEL
from prefloop.settings.run import RunConfig

TRAIN_AGAIN = "delete the newest of the folders rewards/round-N and its checkpoints/rewards-N"
ADVICE = f"lower rewards.lr, {TRAIN_AGAIN}"


class ScoredBatch(NamedTuple):
    """What a reward says of B responses."""

    scores: Float[Tensor, " B"]
    spread: Float[Tensor, " B"] | None = None
    """How far the members of an ensemble disagree, as a multiple of their mean spread on reference
    samples; None where there is no ensemble."""


class RewardSource(Protocol):
    """Scores the responses of a rollout."""

    @property
    def fingerprint(self) -> str:
        """A hash of what the scores depend on: it changes when the reward does."""

    def score(self, prompts: Sequence[Prompt], batch: SampledBatch) -> ScoredBatch:
        """Return one score per response; `prompts` has one entry per response.

        A response that did not end is not read and gets 0: the rollout puts the task's
        `missing_stop_score` in its place.
        """


@dataclass(frozen=True)
class RewardModelSource:
    """The reward model as it was trained last, reading the sampled ids (silent bug S5)."""

    model: RewardModel
    sampler: Sampler

    @property
    def fingerprint(self) -> str:
        """A hash of the reward model's head."""
        return self.model.fingerprint

    def score(self, prompts: Sequence[Prompt], batch: SampledBatch) -> ScoredBatch:
        """Return the reward model's scores of the responses that ended."""
        rows = ended_rows(batch)
        ids = batch.generation.response.tolist()
        sequences = [self.sampler.reward_ids(prompts[i].text, ids[i]) for i in rows]
        prefix_states = prefix_states_of(batch)
        with self.model.use_prefix_cache(prefix_states) if prefix_states else nullcontext():
            found, spread = self._score(sequences) if rows else (None, None)
        scores = placed(found, rows, batch)
        refuse_nan(scores.sum().item(), "policy/score", ADVICE)
        return ScoredBatch(scores, None if spread is None else placed(spread, rows, batch))

    def _score(
        self, sequences: Sequence[Sequence[int]]
    ) -> tuple[Float[Tensor, " R"], Float[Tensor, " R"] | None]:
        """Return the scores of R sequences, and the spread of an ensemble, from one pass."""
        usual = self.model.reference_spread
        if not usual:
            return self.model.score(sequences), None
        scores, members = self.model.score_with_members(sequences)
        return scores, member_spread(members) / usual


@dataclass(frozen=True)
class HeldOutSource:
    """The reward model's scores without what goes with the scorers of `rewards.hold_out`."""

    whole: RewardModelSource
    scorers: Sequence[CheckedScorer]

    @property
    def fingerprint(self) -> str:
        """A hash of the reward model's head, the scorers, and what is taken out."""
        asked = [scorer.fingerprint for scorer in self.scorers]
        return stable_id(self.whole.fingerprint, *asked, repr(self.whole.model.held_out))

    def score(self, prompts: Sequence[Prompt], batch: SampledBatch) -> ScoredBatch:
        """Return the scores of the responses that ended, less the held-out part."""
        return self.without_held_out(prompts, batch, self.whole.score(prompts, batch))

    def without_held_out(
        self, prompts: Sequence[Prompt], batch: SampledBatch, scored: ScoredBatch
    ) -> ScoredBatch:
        """Return the reward model's scores less the held-out part."""
        scores, spread = scored
        rows, held_out = ended_rows(batch), self.whole.model.held_out
        if held_out is None:
            raise InputError(
                "the reward model was trained without rewards.hold_out, so what to take out of its "
                f"scores is not known: {TRAIN_AGAIN}, and it is trained again."
            )
        if not rows:
            return ScoredBatch(scores, spread)
        ids = batch.generation.response.tolist()
        texts = [self.whole.sampler.text_of(ids[i]) for i in rows]
        part = held_out_part(held_out, self.scorers, [prompts[i].text for i in rows], texts)
        return ScoredBatch(scores - placed(scores.new_tensor(part), rows, batch), spread)


@dataclass(frozen=True)
class ScorerSource:
    """Any scorer, reading what a labeler would read of a response."""

    scorer: CheckedScorer
    sampler: Sampler

    @property
    def fingerprint(self) -> str:
        """The scorer's."""
        return self.scorer.fingerprint

    def score(self, prompts: Sequence[Prompt], batch: SampledBatch) -> ScoredBatch:
        """Return the scorer's numbers for the responses that ended."""
        rows = ended_rows(batch)
        ids = batch.generation.response.tolist()
        texts = [self.sampler.text_of(ids[i]) for i in rows]
        found = self.scorer.score([prompts[i].text for i in rows], texts) if rows else ()
        own = batch.generation.logprobs.new_tensor(found) if rows else None
        return ScoredBatch(placed(own, rows, batch))


def build_reward_source(
    config: RunConfig, reward_model: RewardModel, sampler: Sampler
) -> RewardSource:
    """Return what `policy.reward` names."""
    name = config.policy.reward
    if name == REWARD_MODEL:
        source = RewardModelSource(reward_model, sampler)
        held_out = [build_scorer(name, config.scorers) for name in config.rewards.hold_out]
        return HeldOutSource(source, held_out) if held_out else source
    return ScorerSource(build_scorer(name, config.scorers), sampler)


def reward_model_of(reward: RewardSource) -> RewardModel | None:
    """Return the reward model that a reward asks; None for a scorer."""
    part = model_part(reward)
    return None if part is None else part.model


def model_part(reward: RewardSource) -> RewardModelSource | None:
    """Return the reward model that a reward reads responses with; None where it has none."""
    if isinstance(reward, HeldOutSource):
        return reward.whole
    return reward if isinstance(reward, RewardModelSource) else None


def finished(
    reward: RewardSource, prompts: Sequence[Prompt], batch: SampledBatch, from_model: ScoredBatch
) -> ScoredBatch:
    """Return a reward whose `model_part`, if it has one, has scored the responses already."""
    if isinstance(reward, HeldOutSource):
        return reward.without_held_out(prompts, batch, from_model)
    return from_model if model_part(reward) is not None else reward.score(prompts, batch)


def metered_reward(reward: RewardSource) -> dict[str, Metered | None]:
    """Return the scorers that the reward asks by name, as `CheckedScorer.metered` has them."""
    asked: Sequence[CheckedScorer] = ()
    if isinstance(reward, ScorerSource):
        asked = [reward.scorer]
    elif isinstance(reward, HeldOutSource):
        asked = reward.scorers
    return {scorer.name: scorer.metered for scorer in asked}


def ended_rows(batch: SampledBatch) -> list[int]:
    """Return the rows of the responses that met the task's stop rule."""
    return [row for row, is_ended in enumerate(batch.stop_mask.is_ended.tolist()) if is_ended]


def placed(found: Tensor | None, rows: Sequence[int], batch: SampledBatch) -> Float[Tensor, " B"]:
    """Return the numbers found for `rows` in a tensor of all responses, 0 elsewhere."""
    scores = batch.generation.logprobs.new_zeros(len(batch.generation.response))
    if found is not None:
        scores[list(rows)] = found.to(scores)
    return scores


def prefix_states_of(batch: SampledBatch) -> Mapping[tuple[int, ...], Float[Tensor, "L D"]]:
    """Return frozen-layer outputs for each query with its response up to the stop token.

    A task's prefix and suffix, which the reward model does not see, make other sequences of them:
    then none of these is looked up.
    """
    if batch.generation.prefix_states is None:
        return {}
    mask = torch.cat([batch.query_mask, batch.stop_mask.mask], dim=1)
    ids = torch.cat([batch.query, batch.generation.response], dim=1)
    return {
        tuple(ids[i][mask[i]].tolist()): batch.generation.prefix_states[i][mask[i]]
        for i in range(ids.shape[0])
    }
