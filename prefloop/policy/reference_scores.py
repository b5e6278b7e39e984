"""Scores of the reference's own responses to the prompts that a policy is trained on.

Drawn once for each prompt and reward, when an update first uses the prompt: prompts that no update
uses, and those that are held out, are never asked. What was found is part of every checkpoint, so a
resumed run draws nothing again and nothing else.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from prefloop.models.runtime import FULL_PRECISION
from prefloop.policy.rollout import RolloutCollector
from prefloop.policy.shared_rollout import collect_in_shares
from prefloop.records import Prompt
from prefloop.seeding import derive_seed


class ReferenceScores:
    """What the reward says of `n` responses of the reference to each prompt."""

    def __init__(self, collector: RolloutCollector, n: int, *, batch_size: int, seed: int) -> None:
        """At most `batch_size` responses are drawn at once, or those to one prompt."""
        self.collector = collector
        self.n = n
        self.seed = seed
        self._prompts_at_once = max(1, batch_size // n)
        self._reward = ""
        self._known: dict[str, list[float]] = {}

    def of(self, prompts: Sequence[Prompt]) -> Float[Tensor, "P N"]:
        """Return the scores, one row per prompt; what is not known yet is drawn.

        With another reward, such as the reward model of the next round, all are drawn again.
        """
        if (reward := self.collector.reward.fingerprint) != self._reward:
            self._reward, self._known = reward, {}
        lacking = (p for p in prompts if len(self._known.get(p.id, ())) != self.n)
        missing = list({prompt.id: prompt for prompt in lacking}.values())
        for start in range(0, len(missing), self._prompts_at_once):
            self._draw(missing[start : start + self._prompts_at_once])
        rows, runtime = [self._known[p.id] for p in prompts], self.collector.roles.reference.runtime
        return torch.tensor(rows, dtype=FULL_PRECISION, device=runtime.device)

    @torch.no_grad()
    def _draw(self, prompts: Sequence[Prompt]) -> None:
        seed = derive_seed(self.seed, "reference scores", prompts[0].id)
        if 1 < self.collector.processes.size <= len(prompts):
            rollout = collect_in_shares(
                self.collector, prompts, seed=seed, reference_samples=self.n
            )
            scores = rollout.scores.reshape(-1, self.n)
        else:
            batch = self.collector.sampler.sample(
                self.collector.roles.reference, prompts, per_prompt=self.n, seed=seed
            )
            of_rows = [prompt for prompt in prompts for _ in range(self.n)]
            scores = self.collector.scores(of_rows, batch).scores.reshape(-1, self.n)
        self._known |= zip((prompt.id for prompt in prompts), scores.tolist(), strict=True)

    def state(self) -> dict[str, Any]:
        """Return as JSON what was drawn, for a checkpoint."""
        return {"reward": self._reward, "scores": dict(self._known)}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from what a checkpoint holds; nothing: as at the start."""
        self._reward, self._known = state.get("reward", ""), dict(state.get("scores", {}))
