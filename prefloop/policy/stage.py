"""The policy stage: updates up to the end of a round, with checkpoints on the way."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from prefloop.figures.text import update_text
from prefloop.metrics import MetricsLog
from prefloop.models.checkpoint import (
    Checkpoint,
    checkpoint_numbers,
    drop_if_next_step_diverges,
    forget_checkpoints_after,
    load_checkpoint,
    read_checkpoint,
    save_checkpoint,
)
from prefloop.models.optimizing import refuse_nan
from prefloop.policy.exports import PolicyExports
from prefloop.policy.kl_watch import KLCapWatch, read_kl_watch, watch_cap
from prefloop.policy.lineage import PolicyLineage, read_lineage
from prefloop.policy.provenance import policy_provenance
from prefloop.policy.trainer import PolicyTrainer
from prefloop.policy.watch import PolicyWatch, Unwatched
from prefloop.policy.weights import PolicyWeights
from prefloop.progress import Progress, StopCheck, never_stop
from prefloop.records import Prompt
from prefloop.seeding import derive_seed


class PolicyStage:
    """Trains the policy through the rounds of one run. Updates are counted over the whole run."""

    def __init__(
        self,
        trainer: PolicyTrainer,
        metrics: MetricsLog,
        *,
        run: Path,
        progress: Progress,
        check_stop: StopCheck = never_stop,
        kept: Collection[int] = (),
        named: Collection[str] = (),
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """`settings` are those of the whole run: what is saved records them."""
        self.trainer = trainer
        self.metrics = metrics
        self.run = run
        self.folder = run / "checkpoints" / "policy"
        self.progress, self.check_stop = progress, check_stop
        self.watch: PolicyWatch = Unwatched()
        self.before_update: Callable[[], None] = go_on
        self.lineage = PolicyLineage()
        self.exports = PolicyExports(run, trainer.export)
        self.weights = PolicyWeights(
            *(run, trainer.content),
            every=trainer.config.keep_every,
            named=named,
            describe=lambda name: policy_provenance(
                *(run, name, settings or {}, metrics.lines()),
                name_of_update=self.lineage.name_of_update,
                shares_queries=trainer.optimizer.shares_queries,
            ),
        )
        metrics.define(trainer.method.metrics)
        self._kept, self._seed = kept, trainer.seed
        self._kl_watch = KLCapWatch()

    @property
    def update(self) -> int:
        """Updates that were made."""
        return self.trainer.update

    @property
    def checkpoints(self) -> list[int]:
        """Updates that the policy can be rolled back to, oldest first."""
        return [number for number in checkpoint_numbers(self.folder) if number <= self.update]

    @property
    def rolled_back_by(self) -> str:
        """The id of the stop request after which it was last rolled back; empty if it never was."""
        return self.lineage.rolled_back_by

    @property
    def current_name(self) -> str:
        """The canonical model name of the policy as it is now."""
        return self.lineage.name_of_update(self.update)

    def name_of(self, round_number: int) -> str:
        """Return the canonical model name of a round's policy; InputError if it has none yet."""
        return self.lineage.name_of_round(round_number, made=self.update)

    def keep_weights(self) -> None:
        """Keep the current weights under their name, as whoever evaluates or samples them needs."""
        self.weights.keep(self.current_name)

    def restore(self) -> None:
        """Continue from the newest complete checkpoint, if there is one."""
        checkpoint = load_checkpoint(self.folder, self.progress.say)
        if checkpoint is not None:
            self._load_state(checkpoint)
            self.progress.say(f"The policy continues from update {checkpoint.number}.")
        self.weights.drop_later(self.lineage, self.update)
        self.metrics.forget_after("policy", self.update)

    def ensure_checkpoint(self) -> None:
        """Write a checkpoint of the current state, unless there is one."""
        if self.update not in self.checkpoints:
            self._checkpoint()

    def roll_back(self, update: int, *, request: str, label_cutoff: int) -> None:
        """Continue from the checkpoint of `update`, from which another branch begins.

        Interrupted at any point, it can be done again: the checkpoint holds the id of the stop
        request that it followed.
        """
        branch = self.lineage.branch
        self._load_state(read_checkpoint(self.folder, update))
        if self.lineage.rolled_back_by != request:
            forked = self.lineage.forked(update, above=branch)
            self._set_lineage(replace(forked, rolled_back_by=request, label_cutoff=label_cutoff))
            self._checkpoint()
        forget_checkpoints_after(self.folder, update)
        self._prune_weights()
        self.metrics.forget_after("policy", update)

    def train_round(self, round_number: int, end: int, prompts: Sequence[Prompt]) -> None:
        """Make updates until update `end`, then export the round's policy."""
        start = self.update
        ended = self.lineage.round_ends.get(str(round_number))
        if start < end or ended is None or ended > start:
            self._set_lineage(self.lineage.with_round(round_number, max(start, end)))
        self.train(round_number, end, prompts)
        if self.update > start or not self.exports.is_whole(round_number):
            self._export(round_number)

    def train(
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
        trainer, start = self.trainer, self.trainer.update
        if start < end:
            self.exports.forget_from(round_number)
        self.watch.begin(self.metrics.lines())
        while trainer.update < end and not is_over():
            self.before_update()
            # Without any checkpoint a later round would begin with the untuned model.
            with drop_if_next_step_diverges(
                self.folder, trainer.update, keep_only_checkpoint=round_number > 0
            ):
                line = self.metrics.timed(trainer.step)(trainer.prompts_of(trainer.update, prompts))
            self._write_line(round_number, line, note or {})
            self._claim_name()
            if (kl := line.get("policy/kl")) is not None:
                self._kl_watch = watch_cap(self._kl_watch, kl, trainer.config.kl, self.folder)
            every = trainer.config.checkpoint_every
            if trainer.update == end or (every and trainer.update % every == 0):
                self._checkpoint()
            elif self.weights.is_scheduled(self.current_name):
                self.weights.save(self.current_name)
            made = trainer.update - start, end - start
            self.progress.count("training the policy", *made, update_text(line))
            self.check_stop("between policy updates")
        if trainer.update > start:
            self.ensure_checkpoint()

    def _write_line(
        self, round_number: int, line: Mapping[str, float], note: Mapping[str, int]
    ) -> None:
        whole = _whole_line(self.trainer, round_number, line, note)
        whole |= self.watch.measure(whole, self.trainer.prompts, self.trainer.texts)
        self.metrics.write(whole, self.trainer.logged_samples)
        self.watch.report(whole)

    def _claim_name(self) -> None:
        """Begin a branch if the current name stands for other weights, which were evaluated."""
        name = self.current_name
        if self.weights.is_taken(name):
            above = self.weights.largest_branch()
            self._set_lineage(self.lineage.forked(self.update - 1, above=above))
            self.progress.say(
                f"{name} was made and evaluated before, with other weights; this one is "
                f"{self.current_name}."
            )

    def _checkpoint(self) -> None:
        """Write weights and checkpoint; weights come first, so that every checkpoint has some."""
        self.weights.save(self.current_name)
        training = self.trainer.state()
        state = {"lineage": self.lineage.state(), "kl_cap_watch": self._kl_watch.state()}
        state["watch"] = self.watch.state()
        save_checkpoint(
            self.folder,
            training.number,
            training.tensors,
            {**training.state, **state},
            kept=self._kept,
        )
        self._prune_weights()

    def _prune_weights(self) -> None:
        self.weights.prune([self.lineage.name_of_update(n) for n in self.checkpoints])

    def _load_state(self, checkpoint: Checkpoint) -> None:
        self.trainer.load_state(checkpoint)
        self._kl_watch = read_kl_watch(checkpoint.state)
        self.watch.load_state(checkpoint.state.get("watch", {}))
        self._set_lineage(read_lineage(checkpoint.state, self.metrics.lines()))

    def _set_lineage(self, lineage: PolicyLineage) -> None:
        self.lineage, branch = lineage, lineage.branch
        self.trainer.seed = derive_seed(self._seed, "branch", branch) if branch else self._seed

    def _export(self, round_number: int) -> None:
        """Write the round's policy as a model folder."""
        name = self.name_of(round_number)
        with nullcontext() if name == self.current_name else self.weights.loaded(name):
            self.exports.write(round_number, self.weights.folder(name))


def go_on() -> None:
    """Go on: what a stage does before an update that nobody waits for."""


def _whole_line(
    trainer: PolicyTrainer, round_number: int, line: Mapping[str, float], note: Mapping[str, int]
) -> dict[str, Any]:
    """Return an update's line with its place; DivergedError if a number is not finite."""
    for name, value in line.items():
        refuse_nan(value, name, "lower policy.lr")
    return {
        "stage": "policy",
        "method": trainer.method.name,
        "round": round_number,
        "update": trainer.update,
        "episodes": trainer.episodes,
        **note,
        **line,
    }
