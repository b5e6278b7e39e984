"""Samples of named models, drawn for a purpose and stored batch by batch."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from prefloop.functional.masking import masked_row_sums
from prefloop.models.memory import fits_in_memory
from prefloop.models.named import NamedModels
from prefloop.models.roles import ModelRoles, RoleModel
from prefloop.models.scoring import respond_forward
from prefloop.progress import BeforeMaking, Progress, StopCheck, make_freely, never_stop
from prefloop.records import REFERENCE, Prompt, Purpose, Sample
from prefloop.samples.sampler import SampledBatch, Sampler
from prefloop.seeding import derive_seed, stable_id
from prefloop.store.store import Store

NONE_ENDED = "samples_none_ended"
"""The event that a batch for labelers was drawn in which a prompt got no response that ended."""

Grouped = dict[str, list[Sample]]
"""Samples by the ids of their prompts."""


@dataclass(frozen=True, kw_only=True)
class DrawRequest:
    """Which samples are wanted."""

    model: str
    """The canonical name of the model."""
    round: int
    purpose: Purpose
    per_prompt: int


class Chooser(Protocol):
    """The policy of a run that trains none: each response is the best of several."""

    @property
    def draws(self) -> int:
        """Responses that are drawn for each one that is kept."""

    def ready(self) -> AbstractContextManager[None]:
        """Have in memory what chooses, while a block of many draws runs."""

    def respond(self, prompts: Sequence[Prompt], *, per_prompt: int, seed: int) -> SampledBatch:
        """Return `per_prompt` responses to each prompt, with log-probabilities of the reference."""


class SampleDrawer:
    """Draws samples of a model for a purpose; stored samples are not drawn again."""

    def __init__(
        self,
        sampler: Sampler,
        models: NamedModels,
        store: Store,
        *,
        seed: int,
        progress: Progress,
        check_stop: StopCheck = never_stop,
        before_making: BeforeMaking = make_freely,
    ) -> None:
        self.chooser: Chooser | None = None
        """Who answers in the name of the run's own policy, if it has no weights."""
        self.sampler = sampler
        self.models = models
        self.store = store
        self.seed = seed
        self.progress = progress
        self.check_stop = check_stop
        self.before_making = before_making

    def draw(
        self,
        prompts: Sequence[Prompt],
        *,
        model: str,
        round: int,
        purpose: Purpose,
        per_prompt: int,
    ) -> list[Sample]:
        """Return samples of the model with this name; those that are missing are drawn and stored.

        Stored samples are found by model and purpose; `round` is only noted with new ones.
        Responses for labelers are drawn again, up to `samples.attempts` times, until they end by
        the task's rule: people are shown finished sentences only (2019, section 3.1.2). InputError
        if no weights have this name.
        """
        name = self.models.canonical(model)
        request = DrawRequest(model=name, round=round, purpose=purpose, per_prompt=per_prompt)
        self.models.check_unchanged(request.model)
        known = self._stored(request)
        per_batch = self._prompts_at_once(request)
        batches = [prompts[i : i + per_batch] for i in range(0, len(prompts), per_batch)]
        lacking = [[prompt for prompt in batch if prompt.id not in known] for batch in batches]
        if purpose == "labels" and any(lacking):
            lacking = self._without_drawn_before(batches, lacking, request)
        done = 0
        in_use = _in_use(self.models, request.model, self._chooser_of(request.model))
        with in_use if any(lacking) else nullcontext() as role_model:
            for batch, missing in zip(batches, lacking, strict=True):
                if missing:
                    self.before_making()
                    assert role_model is not None
                    known |= self._add_missing(batch, missing, role_model, request)
                done += len(batch)
                self.progress.count(f"sampling for {purpose}", done, len(prompts))
                self.check_stop("between sampling batches")
        return [sample for prompt in prompts for sample in known.get(prompt.id, [])]

    def _stored(self, request: DrawRequest) -> Grouped:
        names = [request.model]
        if request.purpose == "labels":
            # People may have answered comparisons of samples that an earlier version named.
            names += self.models.earlier_names(request.model)
        purpose = request.purpose
        return _by_prompt(s for n in names for s in self.store.samples(model=n, purpose=purpose))

    def _add_missing(
        self,
        batch: Sequence[Prompt],
        missing: Sequence[Prompt],
        role_model: RoleModel,
        request: DrawRequest,
    ) -> Grouped:
        """Draw and store the samples of a batch's missing prompts; return them by prompt.

        A prompt for labelers may be missing because none of its responses ended, or because a run
        died. Then the batch is drawn again as a whole: the same batch gives the same responses, in
        a resumed run too. What gave none is noted, for the same draw would give none again.
        """
        asked = batch if request.purpose == "labels" else missing
        size = self.sampler.config.batch_size
        with fits_in_memory("drawing samples", samples__batch_size=size):
            drawn = self._draw(asked, role_model, request)
        ids = {prompt.id for prompt in missing}
        fresh = [sample for sample in drawn if sample.prompt_id in ids]
        self.store.add_samples(fresh)
        found = _by_prompt(fresh)
        if request.purpose == "labels" and (none := sorted(ids - set(found))):
            payload = {"draw": self._draw_name(batch, request), "prompts": none}
            self.store.add_event(NONE_ENDED, payload)
        return found

    def _without_drawn_before(
        self,
        batches: Sequence[Sequence[Prompt]],
        lacking: Sequence[list[Prompt]],
        request: DrawRequest,
    ) -> list[list[Prompt]]:
        """Return the missing prompts of each batch but those that this very draw gave nothing."""
        drawn: dict[str, set[str]] = {}
        for event in self.store.events_of_kind(NONE_ENDED):
            noted = json.loads(event.payload)
            drawn.setdefault(noted["draw"], set()).update(noted["prompts"])
        return [
            [p for p in missing if p.id not in drawn.get(self._draw_name(batch, request), ())]
            for batch, missing in zip(batches, lacking, strict=True)
        ]

    def _draw_name(self, batch: Sequence[Prompt], request: DrawRequest) -> str:
        """Return a name of all that the responses to a batch depend on within a run."""
        settings = self.sampler.config.model_dump_json()
        names = [prompt.id for prompt in batch]
        model, round, per_prompt = request.model, request.round, request.per_prompt
        return stable_id("draw", self.seed, model, round, per_prompt, settings, *names)

    def _draw(
        self, batch: Sequence[Prompt], role_model: RoleModel, request: DrawRequest
    ) -> list[Sample]:
        kept: Grouped = {prompt.id: [] for prompt in batch}
        for attempt in range(self.sampler.config.attempts if request.purpose == "labels" else 1):
            lacking = [p for p in batch if len(kept[p.id]) < request.per_prompt]
            if not lacking:
                break
            place = (request.purpose, request.model, request.round, lacking[0].id, attempt)
            seed = derive_seed(self.seed, *place)
            sampled = self._respond(role_model, lacking, request, seed=seed)
            for sample in self._records(sampled, lacking, request, attempt):
                has_room = len(kept[sample.prompt_id]) < request.per_prompt
                if has_room and (sample.is_ended or request.purpose != "labels"):
                    kept[sample.prompt_id].append(sample)
        return [sample for prompt in batch for sample in kept[prompt.id]]

    def _respond(
        self, role_model: RoleModel, prompts: Sequence[Prompt], request: DrawRequest, *, seed: int
    ) -> SampledBatch:
        chooser, n = self._chooser_of(request.model), request.per_prompt
        if chooser is not None:
            return chooser.respond(prompts, per_prompt=n, seed=seed)
        return self.sampler.sample(role_model, prompts, per_prompt=n, seed=seed)

    def _records(
        self, sampled: SampledBatch, prompts: Sequence[Prompt], request: DrawRequest, attempt: int
    ) -> list[Sample]:
        loss_mask = self.sampler.loss_mask(sampled.stop_mask)
        own, reference = self._sums(sampled, loss_mask, request)
        model, round, purpose = request.model, request.round, request.purpose
        records = []
        for row, (ids, is_drawn) in enumerate(
            zip(sampled.generation.response, loss_mask, strict=True)
        ):
            drawn = ids[is_drawn].tolist()
            prompt = prompts[row // request.per_prompt]
            place = (purpose, prompt.id, attempt, row % request.per_prompt)
            records.append(
                Sample(
                    id=stable_id("sample", self.seed, model, round, *place),
                    prompt_id=prompt.id,
                    model=model,
                    round=round,
                    purpose=purpose,
                    text=self.sampler.text_of(drawn),
                    response_ids=tuple(drawn),
                    is_ended=bool(sampled.stop_mask.is_ended[row]),
                    logprob=own[row],
                    ref_logprob=None if reference is None else reference[row],
                )
            )
        return records

    def _chooser_of(self, model: str) -> Chooser | None:
        return self.chooser if self.models.is_policy(model) else None

    def _prompts_at_once(self, request: DrawRequest) -> int:
        chooser = self._chooser_of(request.model)
        drawn = request.per_prompt * (1 if chooser is None else chooser.draws)
        return max(1, self.sampler.config.batch_size // drawn)

    def _sums(
        self, sampled: SampledBatch, loss_mask: Tensor, request: DrawRequest
    ) -> tuple[list[float], list[float] | None]:
        """Return log pi and log rho of each response; of other models than the reference only the
        evaluation needs log rho."""
        drawn = _row_sums(sampled.generation.logprobs, loss_mask)
        if request.model == REFERENCE:
            return drawn, drawn
        if self._chooser_of(request.model) is not None:
            # The reference drew them; how likely it was that one of them is kept is not known.
            return [math.nan] * len(drawn), drawn
        if request.purpose == "labels":
            return drawn, None
        return drawn, _reference_sums(self.sampler, self.models.roles, sampled, loss_mask)


@torch.no_grad()
def _reference_sums(
    sampler: Sampler, roles: ModelRoles, sampled: SampledBatch, loss_mask: Tensor
) -> list[float]:
    """Return log rho of each response."""
    forward = respond_forward(
        roles.reference,
        sampled.query,
        sampled.query_mask,
        sampled.generation.response,
        temperature=sampler.task.temperature,
        banned=sampler.banned,
        prefix_states=sampled.generation.prefix_states,
        loss_mask=loss_mask,
    )
    return _row_sums(forward.logprobs, loss_mask)


@contextmanager
def _in_use(models: NamedModels, name: str, chooser: Chooser | None) -> Iterator[RoleModel]:
    """Give the model of this name while the block runs, and what chooses among its responses."""
    with models.use(name) as role_model, nullcontext() if chooser is None else chooser.ready():
        yield role_model


def _by_prompt(samples: Iterable[Sample]) -> Grouped:
    """Return samples by the ids of their prompts, in their order."""
    groups: Grouped = {}
    for sample in samples:
        groups.setdefault(sample.prompt_id, []).append(sample)
    return groups


def _row_sums(logprobs: Tensor, mask: Tensor) -> list[float]:
    return [float(x) for x in masked_row_sums(logprobs, mask)]
