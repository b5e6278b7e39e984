"""The policy stage: PPO updates up to the end of a round, with checkpoints on the way."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from prefloop.errors import DivergedError
from prefloop.files import verify_folder, write_folder
from prefloop.metrics import MetricsLog
from prefloop.models.checkpoint import (
    load_checkpoint,
    proving,
    restore_training,
    save_checkpoint,
    training_tensors,
)
from prefloop.models.export import save_policy
from prefloop.policy.trainer import PPOTrainer
from prefloop.progress import Progress
from prefloop.records import Prompt

PATIENCE = 10
"""Rollouts in a row that may lie beyond `policy.kl.cap` before the run stops."""


class PolicyStage:
    """Runs PPO through the rounds of one run. Updates are counted over the whole run."""

    def __init__(
        self, trainer: PPOTrainer, metrics: MetricsLog, *, run: Path, progress: Progress
    ) -> None:
        self.trainer = trainer
        self.metrics = metrics
        self.run = run
        self.checkpoints = run / "checkpoints" / "policy"
        self.progress = progress
        self._beyond_cap = 0

    def restore(self) -> None:
        """Go on from the newest complete checkpoint, if there is one."""
        checkpoint = load_checkpoint(self.checkpoints, self.progress.say)
        if checkpoint is not None:
            trainer = self.trainer
            restore_training(checkpoint.tensors, trainer.named_parameters, trainer.optimizer)
            trainer.update = checkpoint.number
            trainer.n_steps = checkpoint.state["n_steps"]
            trainer.kl_coef = checkpoint.state["kl_coef"]
            self._beyond_cap = checkpoint.state["beyond_cap"]
            self.progress.say(f"The policy goes on from update {checkpoint.number}.")
        self.metrics.forget_after("policy", self.trainer.update)

    def improve(self, round_number: int, end: int, prompts: Sequence[Prompt]) -> None:
        """Make updates until update `end`, then write the round's policy down."""
        trainer = self.trainer
        start = trainer.update
        while trainer.update < end:
            # Without any checkpoint a later round would begin with the untuned model.
            with proving(self.checkpoints, trainer.update, spare_last=round_number > 0):
                line = trainer.step(trainer.prompts_of(trainer.update, prompts))
            self._watch_cap(line)
            self.metrics.write(
                {
                    "stage": "policy",
                    "round": round_number,
                    "update": trainer.update,
                    "episodes": trainer.update * trainer.config.batch_size,
                    **line,
                }
            )
            every = trainer.config.checkpoint_every
            if trainer.update == end or (every and trainer.update % every == 0):
                self._checkpoint()
            detail = f"score {line['policy/score']:+.2f}, KL {line['policy/kl']:.1f} nats"
            self.progress.count("improving the policy", trainer.update - start, end - start, detail)
        self._write(round_number, is_new=trainer.update > start)

    def _watch_cap(self, line: Mapping[str, float]) -> None:
        cap = self.trainer.config.kl.cap
        is_beyond = cap is not None and line["policy/kl"] > cap
        self._beyond_cap = self._beyond_cap + 1 if is_beyond else 0
        if self._beyond_cap >= PATIENCE:
            raise DivergedError(
                f"the policy's KL was {line['policy/kl']:.1f} nats, beyond policy.kl.cap {cap}, "
                f"for {PATIENCE} rollouts in a row. Lower policy.lr or raise policy.kl.coef, "
                f"delete {self.checkpoints} and run again; labels and reward models are kept."
            )

    def _checkpoint(self) -> None:
        trainer = self.trainer
        tensors = training_tensors(trainer.named_parameters, trainer.optimizer)
        state = {
            "kl_coef": trainer.kl_coef,
            "n_steps": trainer.n_steps,
            "beyond_cap": self._beyond_cap,
        }
        save_checkpoint(self.checkpoints, trainer.update, tensors, state)

    def _write(self, round_number: int, *, is_new: bool) -> None:
        folder = self.run / "policy" / f"round-{round_number}"
        if not is_new and folder.exists() and not verify_folder(folder, hashes=False):
            return
        trainer = self.trainer
        write_folder(
            folder,
            lambda place: save_policy(
                place, trainer.family, trainer.value_head, trainer.responder.coder
            ),
        )
