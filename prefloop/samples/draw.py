"""Drawing samples for a purpose, and keeping each batch in the store as soon as it exists."""

from collections.abc import Sequence

import torch
from torch import Tensor

from prefloop.functional.masking import masked_row_sums
from prefloop.models.roles import ModelRoles, RoleModel
from prefloop.models.scoring import respond_forward
from prefloop.progress import Progress, StopCheck, never_stop
from prefloop.records import REFERENCE, Prompt, Purpose, Sample
from prefloop.samples.sampler import SampledBatch, Sampler
from prefloop.seeding import derive_seed, stable_id
from prefloop.store.store import Store


class SampleDrawer:
    """Draws samples of one model for one purpose in one round; goes on where it was interrupted."""

    def __init__(
        self,
        sampler: Sampler,
        roles: ModelRoles,
        store: Store,
        *,
        seed: int,
        progress: Progress,
        check_stop: StopCheck = never_stop,
    ) -> None:
        self.sampler = sampler
        self.roles = roles
        self.store = store
        self.seed = seed
        self.progress = progress
        self.check_stop = check_stop

    def draw(
        self,
        prompts: Sequence[Prompt],
        *,
        model: str,
        round: int,
        purpose: Purpose,
        per_prompt: int,
    ) -> list[Sample]:
        """Return the samples, drawing and storing those that are not there yet.

        Responses for labelers are redrawn, up to `samples.attempts` times, until they end by the
        task's rule: people are shown finished sentences only (2019, section 3.1.2).
        """
        role_model = self.roles.reference if model == REFERENCE else self.roles.policy
        there = self._stored(model, round, purpose)
        per_batch = max(1, self.sampler.config.batch_size // per_prompt)
        batches = [prompts[i : i + per_batch] for i in range(0, len(prompts), per_batch)]
        result: list[Sample] = []
        for number, batch in enumerate(batches):
            known = [s for p in batch for s in there.get(p.id, [])]
            missing = [p for p in batch if p.id not in there]
            if known and purpose == "labels":
                missing = []  # They were drawn with the others, and no response of theirs ended.
            if missing:
                fresh = self._draw_batch(missing, role_model, model, round, purpose, per_prompt)
                self.store.add_samples(fresh)
                known += fresh
            result += known
            done = min(len(prompts), (number + 1) * per_batch)
            self.progress.count(f"sampling for {purpose}", done, len(prompts))
            self.check_stop("between sampling batches")
        return result

    def _stored(self, model: str, round: int, purpose: Purpose) -> dict[str, list[Sample]]:
        there: dict[str, list[Sample]] = {}
        for sample in self.store.samples(model=model, round=round, purpose=purpose):
            there.setdefault(sample.prompt_id, []).append(sample)
        return there

    def _draw_batch(
        self,
        batch: Sequence[Prompt],
        role_model: RoleModel,
        model: str,
        round: int,
        purpose: Purpose,
        per_prompt: int,
    ) -> list[Sample]:
        wanted = {p.id: per_prompt for p in batch}
        kept: dict[str, list[Sample]] = {p.id: [] for p in batch}
        attempts = self.sampler.config.attempts if purpose == "labels" else 1
        for attempt in range(attempts):
            lacking = [p for p in batch if len(kept[p.id]) < wanted[p.id]]
            if not lacking:
                break
            seed = derive_seed(self.seed, purpose, model, round, lacking[0].id, attempt)
            draw = self.sampler.sample(role_model, lacking, per_prompt=per_prompt, seed=seed)
            for sample in self._records(draw, lacking, model, round, purpose, attempt):
                room = len(kept[sample.prompt_id]) < wanted[sample.prompt_id]
                if room and (sample.is_ended or purpose != "labels"):
                    kept[sample.prompt_id].append(sample)
        return [s for p in batch for s in kept[p.id]]

    def _records(
        self,
        draw: SampledBatch,
        prompts: Sequence[Prompt],
        model: str,
        round: int,
        purpose: Purpose,
        attempt: int,
    ) -> list[Sample]:
        loss_mask = self.sampler.loss_mask(draw.stop_mask)
        own = _row_sums(draw.generation.logprobs, loss_mask)
        reference = self._reference_sums(draw, own, loss_mask, model, purpose)
        per_prompt = draw.query.shape[0] // len(prompts)
        records = []
        for row, (ids, is_drawn) in enumerate(
            zip(draw.generation.response, loss_mask, strict=True)
        ):
            drawn = ids[is_drawn].tolist()
            prompt = prompts[row // per_prompt]
            place = (purpose, prompt.id, attempt, row % per_prompt)
            records.append(
                Sample(
                    id=stable_id("sample", self.seed, model, round, *place),
                    prompt_id=prompt.id,
                    model=model,
                    round=round,
                    purpose=purpose,
                    text=self.sampler.text_of(drawn),
                    response_ids=tuple(drawn),
                    is_ended=bool(draw.stop_mask.is_ended[row]),
                    logprob=own[row],
                    ref_logprob=None if reference is None else reference[row],
                )
            )
        return records

    def _reference_sums(
        self, draw: SampledBatch, own: list[float], loss_mask: Tensor, model: str, purpose: Purpose
    ) -> list[float] | None:
        """Return log rho of each response; only the evaluation asks for it of another model."""
        if model == REFERENCE:
            return own
        if purpose == "labels":
            return None
        with torch.no_grad():
            forward = respond_forward(
                self.roles.reference,
                draw.query,
                draw.query_mask,
                draw.generation.response,
                temperature=self.sampler.task.temperature,
                banned=self.sampler.banned,
                prefix_states=draw.generation.prefix_states,
                loss_mask=loss_mask,
            )
        return _row_sums(forward.logprobs, loss_mask)


def _row_sums(logprobs: Tensor, mask: Tensor) -> list[float]:
    return [float(x) for x in masked_row_sums(logprobs, mask)]
