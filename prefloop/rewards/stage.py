"""The rewards stage of one round: labels so far in, a trained and measured reward model out."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prefloop.batches import PreferenceBatch
from prefloop.comparisons.agreement import label_ceiling
from prefloop.comparisons.targets import Target, preference_targets
from prefloop.errors import InputError
from prefloop.files import verify_folder, write_folder
from prefloop.metrics import MetricsLog
from prefloop.models.export import restore_trunk, save_reward_model
from prefloop.progress import Progress
from prefloop.records import Prompt, Sample
from prefloop.rewards.config import RewardsConfig
from prefloop.rewards.dataset import check_ids, preference_batch
from prefloop.rewards.model import RewardModel, Sequences
from prefloop.rewards.trainer import RewardTrainer
from prefloop.rewards.trust import trust_figures
from prefloop.samples.responder import Responder
from prefloop.store.store import Store


class RewardStage:
    """Trains the reward model of a round and writes it down with what can be said about it."""

    def __init__(
        self,
        model: RewardModel,
        responder: Responder,
        config: RewardsConfig,
        store: Store,
        *,
        seed: int,
        run: Path,
        progress: Progress,
    ) -> None:
        self.model = model
        self.responder = responder
        self.config = config
        self.store = store
        self.seed = seed
        self.run = run
        self.progress = progress

    def train(
        self,
        round_number: int,
        reference: Sequence[Sample],
        metrics: MetricsLog,
    ) -> None:
        """Leave the round's reward model in `self.model`: trained now, or read back."""
        prompts = {p.id: p for p in self.store.prompts()}
        folder = self.run / "rewards" / f"round-{round_number}"
        if folder.exists() and not verify_folder(folder, hashes=False):
            self._read_back(folder)
            return
        labels = self._labels("train", prompts)
        sequences = [self.responder.sample_ids(prompts[s.prompt_id].text, s) for s in reference]
        trainer = RewardTrainer(
            self.model,
            self.config,
            seed=self.seed,
            round_number=round_number,
            checkpoints=self.run / "checkpoints" / f"rewards-{round_number}",
            metrics=metrics,
            progress=self.progress,
        )
        trainer.train(labels, sequences)
        figures = self._trust(prompts, sequences) | {"labels": len(labels.sequences)}
        write_folder(folder, lambda place: self._write(place, figures))

    def _labels(self, split: str, prompts: Mapping[str, Prompt]) -> PreferenceBatch:
        targets = self._targets(split)
        if not targets:
            raise InputError(
                f"there is no {split} label with a preference: all answers were skips or flags, or "
                "none came. Gather more with `prefloop run`, or import some."
            )
        samples = self.store.samples_by_id([k for t in targets for k in t.comparison.sample_ids])
        batch = preference_batch(targets, samples, prompts, self.responder)
        causal = self.model.trunk.causal
        vocabulary = causal.get_input_embeddings().weight.shape[0]
        limit = causal.config.get_text_config().max_position_embeddings
        check_ids(batch, vocabulary, limit)
        return batch

    def _targets(self, split: str) -> list[Target]:
        comparisons = self.store.comparisons(split=split)
        return preference_targets(comparisons, self.store.labels(split=split))

    def _trust(self, prompts: Mapping[str, Prompt], reference: Sequences) -> dict[str, Any]:
        """Return the figures about the reward model on labels that it never saw."""
        after = self.model.score(reference)
        figures: dict[str, Any] = {
            "reference_mean": after.mean().item(),
            "reference_std": after.std(correction=0).item(),
            "reward_shift": self.model.head.shift,
        }
        if not self._targets("validation"):
            return figures | {"validation": None}
        batch = self._labels("validation", prompts)
        flat = self.model.score([s for group in batch.sequences for s in group])
        scores = np.full(batch.targets.shape, np.nan)
        lengths = np.full(batch.targets.shape, np.nan)
        present = batch.present.numpy()
        scores[present] = flat.numpy()
        lengths[present] = [len(s) for group in batch.sequences for s in group]
        labels = self.store.labels(split="validation")
        ceiling = label_ceiling(self.store.comparisons(split="validation"), labels)
        targets = np.where(present, batch.targets.numpy(), np.nan)
        return figures | {"validation": trust_figures(scores, targets, lengths, ceiling)}

    def _write(self, folder: Path, figures: dict[str, Any]) -> None:
        save_reward_model(folder, self.model.family, self.model.head, self.responder.coder)
        (folder / "trust.json").write_text(json.dumps(figures, indent=1, sort_keys=True))

    def _read_back(self, folder: Path) -> None:
        state = restore_trunk(folder, self.model.family, self.model.trunk)
        self.model.head.load_state_dict({"weight": state["score.weight"]})
        self.model.head.shift = json.loads((folder / "trust.json").read_text())["reward_shift"]
