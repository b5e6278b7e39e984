"""Comparisons in, reward model out."""

import shutil
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import torch

from prefloop.batches import PreferenceBatch
from prefloop.errors import DivergedError
from prefloop.files import remove_folder
from prefloop.functional.adam import tensorflow_eps
from prefloop.functional.schedules import linear_decay
from prefloop.metrics import MetricsLog
from prefloop.models.checkpoint import (
    drop_if_next_step_diverges,
    load_checkpoint,
    restore_training,
    save_checkpoint,
    training_tensors,
)
from prefloop.models.memory import fits_in_memory
from prefloop.models.optimizing import refuse_nan, set_adam
from prefloop.models.sharded_weights import parameter_groups
from prefloop.progress import Progress, StopCheck, never_stop
from prefloop.rewards.dataset import epoch_order, select_comparisons, with_bootstrap
from prefloop.rewards.model import RewardModel, Sequences
from prefloop.rewards.shared_gradient import gradient_of_all
from prefloop.seeding import stable_id
from prefloop.settings.rewards import RewardsConfig


class RewardTrainer:
    """One round's training of the reward model, from the base, on all labels so far."""

    def __init__(
        self,
        model: RewardModel,
        config: RewardsConfig,
        *,
        seed: int,
        round_number: int,
        checkpoints: Path,
        metrics: MetricsLog,
        progress: Progress,
        check_stop: StopCheck = never_stop,
    ) -> None:
        self.model = model
        self.config = config
        self.seed = seed
        self.round_number = round_number
        self.checkpoints = checkpoints
        self.metrics = metrics
        self.progress = progress
        self.check_stop = check_stop
        parameters = [parameter for _, parameter in model.named_parameters]
        self.optimizer = torch.optim.AdamW(
            parameter_groups(parameters),
            lr=config.lr,
            eps=config.adam_eps,
            weight_decay=config.weight_decay,
            fused=True,
        )

    def train(self, labels: PreferenceBatch, reference: Sequences) -> None:
        """Reset, normalize, train for the configured epochs, and normalize again.

        Gradients and moments are freed at the end, also when a stop request ends it early: with
        `adapter: none` they are three times the model, and the policy's training comes next.
        """
        members = self.model.head.members
        labels = with_bootstrap(labels, members, self.seed, self.round_number)
        try:
            with ExitStack() as stack:
                with self._fits_in_memory():
                    stack.enter_context(self.model.build_prefix_cache(reference))
                self._train(labels, reference)
        finally:
            self.optimizer.zero_grad(set_to_none=True)
            self.model.role_model.end_training()

    def _fits_in_memory(self) -> AbstractContextManager[None]:
        """Watch the training itself, and not the caller's functions between its steps."""
        size = min(self.config.microbatch_size, self.config.batch_size)
        return fits_in_memory("training the reward model", rewards__microbatch_size=size)

    def _train(self, labels: PreferenceBatch, reference: Sequences) -> None:
        n = len(labels.sequences)
        per_epoch = -(-n // self.config.batch_size)
        total = per_epoch * self.config.epochs
        trained_on = stable_id(repr(labels.sequences), repr(labels.targets.tolist()))
        first = self._begin(reference, trained_on)
        for step in range(first, total):
            epoch, place = divmod(step, per_epoch)
            order = epoch_order(n, self.seed, self.round_number, epoch)
            # Even parts: no label is dropped, and no step gets a remainder of two or three.
            first_row, end_row = (n * p // per_epoch for p in (place, place + 1))
            batch = select_comparisons(labels, order[first_row:end_row])
            with drop_if_next_step_diverges(self.checkpoints, step), self._fits_in_memory():
                stats = self.metrics.timed(self.step)(batch, step, total)
            self.metrics.write(
                {
                    "stage": "rewards",
                    "round": self.round_number,
                    "update": step + 1,
                    "labels": epoch * n + end_row,
                    **stats,
                }
            )
            self._checkpoint(step + 1, total, trained_on)
            detail = f"loss {stats['rewards/loss']:.3f}"
            self.progress.count("training the reward model", step + 1, total, detail)
            self.check_stop("between reward-model steps")
        if self.config.normalize_after:
            self._normalize(reference)

    def _normalize(self, reference: Sequences) -> None:
        """Normalize the trained model; if it cannot be, the next try begins from the base."""
        try:
            with self._fits_in_memory():
                self.model.normalize(reference)
        except DivergedError:
            remove_folder(self.checkpoints)
            raise

    def step(self, batch: PreferenceBatch, step: int, total: int) -> dict[str, float]:
        """Take optimizer step number `step` (from 0) of `total` on one batch of comparisons."""
        n = len(batch.sequences)
        lr = self.config.lr * linear_decay(step, total)
        set_adam(self.optimizer, lr=lr, eps=tensorflow_eps(step + 1, eps=self.config.adam_eps))
        self.optimizer.zero_grad(set_to_none=True)
        found = gradient_of_all(self.model, batch, microbatch_size=self.config.microbatch_size)
        loss = sum(found.losses)
        refuse_nan(loss, "rewards/loss", "lower rewards.lr")
        self.model.role_model.step(self.optimizer)
        return {
            "rewards/loss": loss,
            "rewards/accuracy": sum(found.credits) / n,
            "rewards/lr": lr,
        }

    def _begin(self, reference: Sequences, trained_on: str) -> int:
        """Return the first step to take: 0, or the number of the newest checkpoint."""
        self.model.reset(self.round_number)
        checkpoint = load_checkpoint(self.checkpoints, self.progress.say)
        if checkpoint is not None and checkpoint.state["labels"] != trained_on:
            self.progress.say(
                "The labels have changed: the reward model starts again from the base."
            )
            shutil.rmtree(self.checkpoints)
            checkpoint = None
        done = checkpoint.number if checkpoint else 0
        self.metrics.forget_after("rewards", done, round_number=self.round_number)
        if checkpoint is None:
            if self.config.normalize_before:
                with self._fits_in_memory():
                    self.model.normalize(reference, std=self.config.start_std)
            return 0
        restore_training(checkpoint.tensors, self.model.named_parameters, self.optimizer)
        state = checkpoint.state  # Version 0.1 had one head, whose shift it called `shift`.
        self.model.head.shifts = state["shifts"] if "shifts" in state else [state["shift"]]
        self.progress.say(f"The reward model resumes from step {checkpoint.number}.")
        return checkpoint.number

    def _checkpoint(self, step: int, total: int, trained_on: str) -> None:
        every = self.config.checkpoint_every
        if every and step % every == 0 and step < total:
            tensors = training_tensors(self.model.named_parameters, self.optimizer)
            state: dict[str, Any] = {"shifts": self.model.head.shifts, "labels": trained_on}
            save_checkpoint(self.checkpoints, step, tensors, state)
