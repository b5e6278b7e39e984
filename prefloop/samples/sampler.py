"""Sampling: prompts in, responses out, under the task's rules."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from prefloop.models.generation import Generation, PartOfBatch, generate
from prefloop.models.heads import ValueHead
from prefloop.models.loading import Tokenizer
from prefloop.models.padding import pad_left
from prefloop.models.query_encoder import QueryEncoder
from prefloop.models.roles import RoleModel
from prefloop.models.runtime import Device
from prefloop.models.scoring import banned_mask
from prefloop.records import Prompt, Sample
from prefloop.samples.stop_check import end_ids, require_reachable_stop
from prefloop.samples.stop_rule import StopMask, StopRule
from prefloop.settings.samples import SamplesConfig
from prefloop.settings.task import TaskConfig


class QueryBatch(NamedTuple):
    """Queries as ids, padded on the left."""

    ids: Int[Tensor, "P Q"]
    mask: Bool[Tensor, "P Q"]


class SampledBatch(NamedTuple):
    """Responses to a list of prompts; the responses to one prompt are neighbors."""

    query: Int[Tensor, "B Q"]
    query_mask: Bool[Tensor, "B Q"]
    generation: Generation
    stop_mask: StopMask


def banned_ids(
    tokenizer: Tokenizer, task: TaskConfig, config: SamplesConfig, vocabulary: int
) -> set[int]:
    """Return the ids that can never be sampled: `samples.banned`, and those that have no token."""
    special = tokenizer.special_ids if config.banned == "special" else (tokenizer.pad_id,)
    outside = set(range(vocabulary)) - tokenizer.known_ids
    return {*special, *outside}.difference(end_ids(task, tokenizer))


class Sampler:
    """Draws responses under the task's rules."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        task: TaskConfig,
        config: SamplesConfig,
        *,
        vocabulary: int,
        device: Device,
    ) -> None:
        self.tokenizer = tokenizer
        self.task = task
        self.config = config
        self.stop_rule = StopRule(
            task, tokenizer, vocabulary=vocabulary, device=device, match=config.stop_match
        )
        banned = banned_ids(tokenizer, task, config, vocabulary)
        require_reachable_stop(task, tokenizer, self.stop_rule.automaton, banned)
        self.banned = banned_mask(vocabulary, sorted(banned), device)
        self.queries = QueryEncoder(tokenizer, task)

    def query_ids(self, prompt: Prompt) -> list[int]:
        """Return the policy's query."""
        return self.queries.policy_query(prompt.text)

    def reward_ids(self, prompt_text: str, response_ids: Sequence[int]) -> list[int]:
        """Return the reward model's input: the prompt and the response cut at its stop token.

        The sampled ids are used as they are. Encoding the text again could give other tokens than
        the policy produced (silent bug S5).
        """
        return self.queries.reward_query(prompt_text) + self.stop_rule.cut(response_ids)

    def sample_ids(self, prompt_text: str, sample: Sample) -> list[int]:
        """Return the reward model's input for a stored sample.

        Samples that were imported as text have no ids; only those are encoded here.
        """
        if sample.response_ids:
            return self.reward_ids(prompt_text, sample.response_ids)
        return self.queries.reward_text(prompt_text, sample.text)

    def text_of(self, response_ids: Sequence[int]) -> str:
        """Return the response as labelers see it behind the query, the space between included."""
        text = self.tokenizer.decode_after(self.stop_rule.cut(response_ids))
        # A model can write the null character, which no page shows and PostgreSQL cannot store.
        return text.replace("\0", "\N{REPLACEMENT CHARACTER}")

    def sample(
        self,
        role_model: RoleModel,
        prompts: Sequence[Prompt],
        *,
        per_prompt: int,
        seed: int,
        value_head: ValueHead | None = None,
    ) -> SampledBatch:
        """Draw `per_prompt` responses to each prompt; the seed alone sets the random numbers."""
        queries = self.queries_of(prompts)
        return self.draw(
            role_model, queries, per_prompt=per_prompt, seed=seed, value_head=value_head
        )

    def queries_of(self, prompts: Sequence[Prompt]) -> QueryBatch:
        """Return the policy's queries, padded to one length."""
        rows = [self.query_ids(p) for p in prompts]
        return QueryBatch(*pad_left(rows, self.tokenizer.pad_id, self.banned.device))

    def draw(
        self,
        role_model: RoleModel,
        queries: QueryBatch,
        *,
        per_prompt: int,
        seed: int,
        value_head: ValueHead | None = None,
        part: PartOfBatch | None = None,
    ) -> SampledBatch:
        """Draw `per_prompt` responses to each query, which may be a part of a larger batch."""
        generation = generate(
            role_model,
            *queries,
            n_tokens=self.task.response_tokens,
            per_query=per_prompt,
            temperature=self.task.temperature,
            banned=self.banned,
            seed=seed,
            value_head=value_head,
            ends=self.stop_rule.advance if self.config.after_stop == "ignore" else None,
            fill=self.tokenizer.pad_id,
            part=part,
        )
        return SampledBatch(
            queries.ids.repeat_interleave(per_prompt, dim=0),
            queries.mask.repeat_interleave(per_prompt, dim=0),
            generation,
            self.stop_rule.apply(generation.response),
        )

    def loss_mask(self, stop_mask: StopMask) -> Bool[Tensor, "B T"]:
        """Return which tokens count in losses and KL (`samples.after_stop`)."""
        if self.config.after_stop == "train":
            return torch.ones_like(stop_mask.mask)
        return stop_mask.mask
