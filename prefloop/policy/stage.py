"""The policy stage: PPO updates up to the end of a round, with checkpoints on the way."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from prefloop.errors import DivergedError
from prefloop.files import remove_folder, verify_folder, write_folder
from prefloop.metrics import MetricsLog
from prefloop.models.checkpoint import (
    Checkpoint,
    checkpoint_numbers,
    drop_if_next_step_diverges,
    forget_checkpoints_after,
    load_checkpoint,
    read_checkpoint,
    restore_training,
    save_checkpoint,
    training_tensors,
)
from prefloop.models.export import save_policy
from prefloop.policy.trainer import PPOTrainer
from prefloop.progress import Progress, StopCheck, never_stop
from prefloop.records import Prompt
from prefloop.seeding import derive_seed

PATIENCE = 10
"""Rollouts far beyond `policy.kl.cap`, none with a lower KL than before, and the run stops."""


@dataclass(frozen=True, kw_only=True)
class PolicyLineage:
    """By which way the policy came to where it stands; part of every checkpoint."""

    branch: int = 0
    """How often it was rolled back. Each branch draws random numbers of its own: with the same
    ones it would do again what it was rolled back for."""
    rolled_back_by: str = ""
    """The id of the cord after which it last went back."""
    label_cutoff: int = 0
    """The event of the ledger at which it last went back: reward models know all until then."""
    branch_of_round: Mapping[str, int] = field(default_factory=dict)
    """Round -> the branch that finished it."""


@dataclass(frozen=True, kw_only=True)
class KLCapWatch:
    """How long the policy has been far beyond its cap without coming back; in every checkpoint."""

    rollouts: int = 0
    """Rollouts since the KL was at its least."""
    lowest: float | None = None
    """The least KL since it went there, nats."""

    def after(self, kl: float, *, is_far: bool) -> "KLCapWatch":
        """Return what holds after a rollout with this KL."""
        if not is_far:
            return KLCapWatch()
        if self.lowest is None or kl < self.lowest:
            return KLCapWatch(lowest=kl)
        return replace(self, rollouts=self.rollouts + 1)


class PolicyStage:
    """Runs PPO through the rounds of one run. Updates are counted over the whole run."""

    def __init__(
        self,
        trainer: PPOTrainer,
        metrics: MetricsLog,
        *,
        run: Path,
        progress: Progress,
        check_stop: StopCheck = never_stop,
        kept: Collection[int] = (),
    ) -> None:
        self.trainer = trainer
        self.metrics = metrics
        self.run = run
        self.folder = run / "checkpoints" / "policy"
        self.progress = progress
        self.check_stop = check_stop
        self.lineage = PolicyLineage()
        self._kept = kept
        self._seed = trainer.seed
        self._kl_cap_watch = KLCapWatch()

    @property
    def update(self) -> int:
        """Updates that were made."""
        return self.trainer.update

    @property
    def checkpoints(self) -> list[int]:
        """Updates that the policy can go back to, oldest first."""
        return [number for number in checkpoint_numbers(self.folder) if number <= self.update]

    @property
    def rolled_back_by(self) -> str:
        """The id of the cord after which it last went back; empty if it never did."""
        return self.lineage.rolled_back_by

    def name_of(self, round_number: int) -> str:
        """Return the model name of a finished round's policy, under which its samples are stored.

        One that was made after a roll back has another name than the one it replaced.
        """
        branch = self.lineage.branch_of_round.get(str(round_number), 0)
        return f"policy/round-{round_number}" + (f"-branch-{branch}" if branch else "")

    def restore(self) -> None:
        """Go on from the newest complete checkpoint, if there is one."""
        checkpoint = load_checkpoint(self.folder, self.progress.say)
        if checkpoint is not None:
            self._load_state(checkpoint)
            self.progress.say(f"The policy goes on from update {checkpoint.number}.")
        self.metrics.forget_after("policy", self.trainer.update)

    def ensure_checkpoint(self) -> None:
        """Write a checkpoint of where the policy stands, unless there is one."""
        if self.update not in self.checkpoints:
            self._checkpoint()

    def go_back(self, update: int, *, cord: str, label_cutoff: int) -> None:
        """Take the checkpoint of `update`, from which another branch begins.

        Interrupted at any point, it can be done again: the checkpoint says which cord it obeyed.
        """
        branch = self.lineage.branch
        self._load_state(read_checkpoint(self.folder, update))
        if self.lineage.rolled_back_by != cord:
            branch = max(branch, self.lineage.branch) + 1
            self._set_course(
                replace(self.lineage, branch=branch, rolled_back_by=cord, label_cutoff=label_cutoff)
            )
            self._checkpoint()
        forget_checkpoints_after(self.folder, update)
        self.metrics.forget_after("policy", update)

    def forget(self, rounds: Iterable[int]) -> None:
        """Drop what was exported of these rounds: it is made anew."""
        for number in rounds:
            remove_folder(self.run / "policy" / f"round-{number}")

    def improve(self, round_number: int, end: int, prompts: Sequence[Prompt]) -> None:
        """Make updates until update `end`, then write the round's policy down."""
        start = self.trainer.update
        name = str(round_number)
        if start < end or name not in self.lineage.branch_of_round:
            branch_of_round = {**self.lineage.branch_of_round, name: self.lineage.branch}
            self._set_course(replace(self.lineage, branch_of_round=branch_of_round))
        self.advance(round_number, end, prompts)
        self._write(round_number, is_new=self.trainer.update > start)

    def advance(
        self,
        round_number: int,
        end: int,
        prompts: Sequence[Prompt],
        *,
        note: Mapping[str, int] | None = None,
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        """Make updates until update `end`, or until `is_over` between two of them.

        Where it stops there is a checkpoint. `note` is added to every line of the metrics.
        """
        trainer = self.trainer
        start = trainer.update
        while trainer.update < end and not is_over():
            # Without any checkpoint a later round would begin with the untuned model.
            with drop_if_next_step_diverges(
                self.folder, trainer.update, keep_only_checkpoint=round_number > 0
            ):
                line = trainer.step(trainer.prompts_of(trainer.update, prompts))
            self._tell(round_number, line, note or {})
            self._watch_cap(line)
            every = trainer.config.checkpoint_every
            if trainer.update == end or (every and trainer.update % every == 0):
                self._checkpoint()
            detail = f"score {line['policy/score']:+.2f}, KL {line['policy/kl']:.1f} nats"
            self.progress.count("improving the policy", trainer.update - start, end - start, detail)
            self.check_stop("between policy updates")
        if trainer.update > start:
            self.ensure_checkpoint()

    def _tell(self, round_number: int, line: Mapping[str, float], note: Mapping[str, int]) -> None:
        trainer = self.trainer
        place = {
            "stage": "policy",
            "round": round_number,
            "update": trainer.update,
            "episodes": trainer.update * trainer.config.batch_size,
        }
        self.metrics.write({**place, **note, **line}, trainer.logged_samples)

    def _watch_cap(self, line: Mapping[str, float]) -> None:
        kl = line["policy/kl"]
        is_far = self.trainer.kl_cap_weight(kl) == 1.0
        self._kl_cap_watch = self._kl_cap_watch.after(kl, is_far=is_far)
        if self._kl_cap_watch.rollouts >= PATIENCE:
            cap, lowest = self.trainer.config.kl.cap, self._kl_cap_watch.lowest
            raise DivergedError(
                f"the policy's KL was {kl:.1f} nats, far beyond policy.kl.cap {cap}, and came no "
                f"lower than {lowest:.1f} in {PATIENCE} rollouts. Lower policy.lr, raise "
                f"policy.kl.coef, delete {self.folder} and run again; labels and reward models "
                "are kept."
            )

    def _checkpoint(self) -> None:
        trainer = self.trainer
        tensors = training_tensors(trainer.named_parameters, trainer.optimizer)
        state = {
            "kl_coef": trainer.kl_coef,
            "n_steps": trainer.n_steps,
            "patience": asdict(self._kl_cap_watch),
            "course": asdict(self.lineage),
        }
        save_checkpoint(self.folder, trainer.update, tensors, state, kept=self._kept)

    def _load_state(self, checkpoint: Checkpoint) -> None:
        trainer = self.trainer
        restore_training(checkpoint.tensors, trainer.named_parameters, trainer.optimizer)
        trainer.update = checkpoint.number
        trainer.n_steps = checkpoint.state["n_steps"]
        trainer.kl_coef = checkpoint.state["kl_coef"]
        # Earlier checkpoints know of neither: patience begins anew, and nothing was rolled back.
        self._kl_cap_watch = KLCapWatch(**checkpoint.state.get("patience", {}))
        self._set_course(PolicyLineage(**checkpoint.state.get("course", {})))

    def _set_course(self, lineage: PolicyLineage) -> None:
        self.lineage = lineage
        branch = lineage.branch
        self.trainer.seed = derive_seed(self._seed, "branch", branch) if branch else self._seed

    def _write(self, round_number: int, *, is_new: bool) -> None:
        folder = self.run / "policy" / f"round-{round_number}"
        if not is_new and folder.exists() and not verify_folder(folder, hashes=False):
            return
        trainer = self.trainer
        write_folder(
            folder,
            lambda place: save_policy(
                place, trainer.roles, trainer.value_head, trainer.sampler.tokenizer
            ),
        )
