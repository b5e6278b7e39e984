"""The rewards stage of one round: all labels so far in, a trained and measured reward model out."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from prefloop.batches import PreferenceBatch
from prefloop.comparisons.agreement import label_ceiling
from prefloop.comparisons.labels_used import labels_record
from prefloop.comparisons.targets import Target, preference_targets
from prefloop.errors import InputError
from prefloop.figures.provenance import PROVENANCE, Provenance, installed_versions
from prefloop.figures.record import to_json
from prefloop.figures.trust import (
    EnsembleFigures,
    EnsembleValidationFigures,
    TrustFigures,
    ValidationFigures,
)
from prefloop.files import remove_folder, verify_folder, write_folder
from prefloop.functional.ensemble import member_spread
from prefloop.metrics import MetricsLog
from prefloop.models.export import save_reward_model
from prefloop.models.pretrained import context_of
from prefloop.models.runtime import to_numpy
from prefloop.progress import Progress, StopCheck, never_stop
from prefloop.records import Label, Prompt, Sample
from prefloop.rewards.dataset import check_ids, padded, preference_batch, without_too_long
from prefloop.rewards.ensemble import ensemble_figures
from prefloop.rewards.export_hash import ExportHashes, export_hashes
from prefloop.rewards.held_out import hold_out
from prefloop.rewards.model import RewardModel, Sequences
from prefloop.rewards.saved import read_reward_model
from prefloop.rewards.trainer import RewardTrainer
from prefloop.rewards.trust import response_lengths, validation_figures
from prefloop.run_history import note_deletion
from prefloop.samples.sampler import Sampler
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store

LabelsBySplit = Mapping[str, Sequence[Label]]
"""The labels that a reward model may use, by split."""


class RewardStage:
    """Trains the reward model of a round and writes it with figures on how far to trust it."""

    def __init__(
        self,
        model: RewardModel,
        sampler: Sampler,
        config: RunConfig,
        store: Store,
        *,
        run: Path,
        progress: Progress,
        check_stop: StopCheck = never_stop,
    ) -> None:
        """A saved reward model records `config`, the settings of the whole run."""
        self.model = model
        self.sampler = sampler
        self.config = config
        self.store = store
        self.run = run
        self.progress = progress
        self.check_stop = check_stop
        self.on_export: Callable[[ExportHashes], None] = lambda hashes: None
        """Told of the labels that go to the trainer, before it learns from them."""

    def train(
        self,
        round_number: int,
        reference: Sequence[Sample],
        metrics: MetricsLog,
        *,
        as_of: int | None = None,
        leave_out: Collection[str] = (),
    ) -> None:
        """Put the round's reward model into `self.model`: trained now, or read back.

        `as_of` is the last event of the ledger that it may use; None: all. Labels of excluded
        labelers are not used, nor are those whose ids are in `leave_out`.
        """
        prompts = {p.id: p for p in self.store.prompts()}
        folder = self._folder(round_number)
        if self.is_trained(round_number):
            self.read_back(round_number)
            return
        as_of = self.store.ledger_head().n_events if as_of is None else as_of
        known = _known_labels(self.store, as_of, leave_out)
        asked = self._labels("train", known, prompts)
        self.check_stop("between reward-model steps")
        sequences = [self.sampler.sample_ids(prompts[s.prompt_id].text, s) for s in reference]
        trainer = RewardTrainer(
            self.model,
            self.config.rewards,
            seed=self.config.seed,
            round_number=round_number,
            checkpoints=self._checkpoints(round_number),
            metrics=metrics,
            progress=self.progress,
            check_stop=self.check_stop,
        )
        trainer.train(asked[1], sequences)
        hold_out(self.model, self.config, self.store, asked, prompts, self.progress.say)
        figures = self._trust(known, prompts, sequences, n_labels=len(asked[0]))
        record = self._record(folder, known, as_of)
        write_folder(folder, lambda place: self._write(place, figures, record))

    def _record(self, folder: Path, known: LabelsBySplit, as_of: int | None) -> Provenance:
        return Provenance(
            artifact=f"rewards/{folder.name}",
            settings=self.config.model_dump(),
            versions=installed_versions(),
            labels=labels_record(
                self.store, known["train"], known["validation"], as_of=as_of, config=self.config
            ),
            parents=(),
            shares_queries=self.model.role_model.shares_queries,
        )

    def is_trained(self, round_number: int) -> bool:
        """Whether the round's reward model is there, complete by name and size."""
        return not verify_folder(self._folder(round_number), hashes=False)

    def _folder(self, round_number: int) -> Path:
        return self.run / "rewards" / f"round-{round_number}"

    def forget(self, rounds: Iterable[int]) -> None:
        """Delete the reward models of these rounds; they are trained again when they are needed."""
        numbers = list(rounds)
        note_deletion(self.run, [f"rewards/{self._folder(number).name}" for number in numbers])
        for number in numbers:
            remove_folder(self._folder(number))
            remove_folder(self._checkpoints(number))

    def _checkpoints(self, round_number: int) -> Path:
        return self.run / "checkpoints" / f"rewards-{round_number}"

    def _labels(
        self, split: str, known: LabelsBySplit, prompts: Mapping[str, Prompt]
    ) -> tuple[list[Target], PreferenceBatch]:
        """Return the labels of a split as targets and as ids, without those that are too long."""
        targets = self._targets(split, known)
        if not targets:
            raise InputError(
                f"there is no {split} label with a preference: all answers were skips or flags, "
                "their labelers are excluded, or none came. Collect more with "
                "`prefloop run`, or import some."
            )
        samples = self.store.samples_by_id([k for t in targets for k in t.comparison.sample_ids])
        runtime = self.model.role_model.runtime
        batch = preference_batch(targets, samples, prompts, self.sampler, runtime)
        causal = self.model.role_model.causal
        vocabulary = causal.get_input_embeddings().weight.shape[0]
        check_ids(batch, vocabulary)
        limit = context_of(causal.config)
        targets, batch, message = without_too_long(targets, batch, limit, prompts)
        if message:
            self.progress.say(message)
        if split == "train" and not targets:
            raise InputError(
                "no labeled comparison fits into the model: each has a text that is too long for "
                "it. Choose a model with a longer context, or label shorter texts."
            )
        read_with = (samples, prompts, self.sampler, self.config.rewards.strength)
        hashes = export_hashes(targets, batch, known[split], *read_with)
        if split == "validation":
            hashes = hashes._replace(what="validation question", is_taught=False)
        self.on_export(hashes)
        return targets, batch

    def _targets(self, split: str, known: LabelsBySplit) -> list[Target]:
        strength = self.config.rewards.strength
        return preference_targets(self.store.comparisons(split=split), known[split], strength)

    def _trust(
        self,
        known: LabelsBySplit,
        prompts: Mapping[str, Prompt],
        reference: Sequences,
        *,
        n_labels: int,
    ) -> TrustFigures:
        """Return figures of the reward model on validation labels, which it is not trained on."""
        after, members = self.model.score_with_members(reference)
        if members.shape[1] > 1:
            self.model.reference_spread = member_spread(members).mean().item()
        validation, ensemble = self._validation(known, prompts)
        return TrustFigures(
            labels=n_labels,
            reference_mean=after.mean().item(),
            reference_std=after.std(correction=0).item(),
            reward_shift=self.model.head.shift,
            validation=validation,
            ensemble=None
            if self.model.reference_spread is None
            else EnsembleFigures(
                members=self.model.head.members,
                shifts=tuple(self.model.head.shifts),
                reference_spread=self.model.reference_spread,
                validation=ensemble,
            ),
            held_out=self.model.held_out,
        )

    def _validation(
        self, known: LabelsBySplit, prompts: Mapping[str, Prompt]
    ) -> tuple[ValidationFigures | None, EnsembleValidationFigures | None]:
        if not self._targets("validation", known):
            return None, None
        asked, batch = self._labels("validation", known, prompts)
        if not asked:
            return None, None
        encode = self.sampler.queries.reward_query
        flat, members = self.model.score_with_members(
            [s for group in batch.sequences for s in group]
        )
        scores = np.full(batch.present.shape, np.nan)
        lengths = np.full(batch.present.shape, np.nan)
        present = to_numpy(batch.present)
        scores[present] = to_numpy(flat)
        lengths[present] = response_lengths(
            batch.sequences, [len(encode(prompts[t.comparison.prompt_id].text)) for t in asked]
        )
        ceiling = label_ceiling(self.store.comparisons(split="validation"), known["validation"])
        votes = padded([target.probabilities for target in asked])
        votes = np.where(present, votes, np.nan)
        figures = validation_figures(scores, votes, lengths, *(ceiling or ()))
        return figures, ensemble_figures(scores, to_numpy(members), votes)

    def _write(self, folder: Path, figures: TrustFigures, record: Provenance) -> None:
        tokenizer, queries = self.sampler.tokenizer, self.sampler.queries
        save_reward_model(folder, self.model.roles, self.model.head, tokenizer, queries)
        (folder / "trust.json").write_text(to_json(figures), encoding="utf-8")
        (folder / PROVENANCE).write_text(to_json(record), encoding="utf-8")

    def read_back(self, round_number: int) -> None:
        """Put the reward model of a round that is trained into `self.model`."""
        read_reward_model(self.model, self._folder(round_number))


def _known_labels(store: Store, as_of: int, leave_out: Collection[str]) -> LabelsBySplit:
    """Return the labels that a reward model may use at an event of the ledger."""
    return {
        split: [
            label
            for label in store.labels(split=split, as_of=as_of, for_training=True)
            if label.id not in leave_out
        ]
        for split in ("train", "validation")
    }
