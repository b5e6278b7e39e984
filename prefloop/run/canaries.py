"""Canaries of a run: looked at where a turned sign would come in, and the cord that one pulls.

A canary that fails stops the run as people do, by a stop request, at the next safe point.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from prefloop.audits import canaries
from prefloop.audits.canaries import When
from prefloop.audits.probes import PROBES, GoldQuestion, gold_questions
from prefloop.audits.probing import (
    fitting,
    identity_at_start,
    log_probability_gaps,
    model_credit,
    probe,
    swap_accuracies,
)
from prefloop.figures.canary import CanaryFigures, CanaryResult
from prefloop.figures.record import to_json
from prefloop.files import write_if_changed
from prefloop.policy.stage import PolicyStage
from prefloop.records import Prompt
from prefloop.rewards.export_hash import ExportHashes
from prefloop.rewards.stage import RewardStage
from prefloop.run.monitor import RunMonitor
from prefloop.run_folder import CANARIES, read_canaries, read_trusts
from prefloop.settings.run import RunConfig

AT_START = "start check "
WHILE_RUNNING = "canary "
"""How the names begin of who asks to stop; the canary's name follows."""

NEW_QUESTIONS = 100
"""C9: questions of a round that the reward model before is asked: as many as C4 needs to refuse."""

SWAPPED = 16
"""C5: pairs that are scored both ways. An accuracy that is blind to sides errs on every one."""


class RunCanaries:
    """Looks at a run's canaries, keeps what each said last, and asks the run to stop."""

    def __init__(
        self,
        config: RunConfig,
        folder: Path,
        monitor: RunMonitor,
        policy: PolicyStage,
        rewards: RewardStage,
    ) -> None:
        self.config = config
        self.folder = folder
        self.monitor = monitor
        self.policy = policy
        self.rewards = rewards
        rewards.on_export = self.after_export

    def before_training(self, prompts: Sequence[Prompt]) -> None:
        """Look at the trainer before it makes an update, and stop here if a canary fails.

        `prompts` are those of the policy. Where this process goes on from a checkpoint, and where
        a new reward model came, this is a start as well.
        """
        if not self.config.audits.start_checks:
            return
        trainer, when = self.policy.trainer, self._now()
        check = identity_at_start(trainer, prompts)
        self._note(canaries.reward_identity(check, when), AT_START)
        if not self.is_off("C6"):
            of_update = trainer.prompts_of(trainer.update, prompts)
            kl, apart = log_probability_gaps(trainer, of_update)
            n_tokens = trainer.collector.sampler.task.response_tokens
            is_rounded = trainer.collector.roles.policy.runtime.is_rounded
            found = canaries.log_probabilities(kl, apart, n_tokens, when, is_rounded=is_rounded)
            self._note(found, AT_START)
        self._probe(AT_START)
        self.monitor.check_stop("between policy updates")

    def after_update(self, line: Mapping[str, Any]) -> None:
        """Look at an update's rewards, and every so often at what known texts are rewarded with."""
        is_turn = line["update"] % self.config.audits.probe_every == 0
        result = canaries.reward_identity(self.policy.trainer.reward_check, self._now())
        if is_turn or result.status == "fail" or not self._is_known(result):
            self._note(result, WHILE_RUNNING)
        if is_turn:
            self._probe(WHILE_RUNNING)

    def before_reward_model(self, round_number: int) -> None:
        """Compare the round's labels with the reward model before, and stop here if they are its
        mirror image: nothing has learned from them yet."""
        earlier = round_number - 1
        is_due = not self.rewards.is_trained(round_number) and earlier >= 0
        if not is_due or not self.rewards.is_trained(earlier) or self.is_off("C9"):
            return
        self.rewards.read_back(earlier)
        splits = ("train", "validation")
        gold = self._gold(splits=splits, round_number=round_number, limit=NEW_QUESTIONS)
        credit = model_credit(self.rewards.model, self.rewards.sampler, gold)
        when = When(round_number, self.policy.update)
        ids = [question.prompt.id for question in gold]
        self._note(canaries.agreement(credit, ids, when), WHILE_RUNNING)
        self.monitor.check_stop("between stages")

    def after_reward_model(self, round_number: int) -> None:
        """Look at a reward model that was just trained: its scale, and pairs that are swapped."""
        trust = next(t for t in read_trusts(self.folder) if t.round == round_number)
        when = When(round_number, self.policy.update)
        if self.config.rewards.normalize_after:
            self._note(canaries.normalization(trust.figures, when), WHILE_RUNNING)
        gold = self._gold(splits=("validation",), limit=SWAPPED)
        found = swap_accuracies(self.rewards.model, self.rewards.sampler, gold)
        self._note(canaries.swap(*found, when), WHILE_RUNNING)
        self.monitor.check_stop("between stages")

    def after_export(self, hashes: ExportHashes) -> None:
        """Compare what goes to the trainer with the store's labels.

        Validation questions come last and are few: where they are sound, what is written down is
        of those that were learned from.
        """
        result = canaries.export(hashes, self._now())
        if hashes.is_taught or result.status == "fail":
            self._note(result, WHILE_RUNNING)

    def release_switched_off(self) -> None:
        """Release a stop by a canary that the run does no longer look at.

        One to which somebody else has added a reason stays: that is for the owner to decide.
        """
        requests = self.monitor.store.stop_requests
        active = requests.active()
        if active is None or not self._is_switched_off(active.pulled_by):
            return
        if not all(map(self._is_switched_off, requests.added_by(active.id))):
            return
        checked = f"{active.pulled_by} is switched off in `audits`"
        requests.release(active.id, active.pulled_by, checked, "resume")
        self.monitor.say(f"{checked}: its stop is released.")

    def note_releases(self) -> None:
        """Write down who released the stop of a canary that failed: the doctor reads files only."""
        results = read_canaries(self.folder)
        if not any(r.status == "fail" and not r.released_by for r in results):
            return
        requests, released = self.monitor.store.stop_requests, {}
        for request in requests.all():  # the newest that a canary asked for is about its result
            for by in (request.pulled_by, *requests.added_by(request.id)):
                name = by.removeprefix(AT_START).removeprefix(WHILE_RUNNING)
                released[name] = request.released_by or ""
        self._write(
            r.model_copy(update={"released_by": released.get(r.name, "")})
            if r.status == "fail"
            else r
            for r in results
        )

    def forget_after(self, update: int) -> None:
        """Drop what canaries said of later updates: a roll back takes these back."""
        results = read_canaries(self.folder)
        if any(r.update > update for r in results):
            self._write(r for r in results if r.update <= update)
        self.note_releases()

    def _is_switched_off(self, by: str) -> bool:
        if by.startswith(AT_START):
            return not self.config.audits.start_checks or self.is_off(by.removeprefix(AT_START))
        return by.startswith(WHILE_RUNNING) and self.is_off(by.removeprefix(WHILE_RUNNING))

    def _probe(self, who: str) -> None:
        if self.is_off("C4"):
            return
        gold = self._gold(splits=("validation",), limit=PROBES)
        if gold:
            result = canaries.gold_and_bad_texts(probe(self.policy.trainer, gold), self._now())
        else:
            result = canaries.nothing_to_probe(self._now())
        self._note(result, who)

    def _gold(self, **which: Any) -> list[GoldQuestion]:
        """Return gold questions; where the policy follows no labels, none."""
        if not self.config.policy.uses_reward_model:
            return []
        strength = self.config.rewards.strength
        gold = gold_questions(self.monitor.store, strength=strength, **which)
        return fitting(self.rewards.model, self.rewards.sampler, gold)

    def _note(self, result: CanaryResult, who: str) -> None:
        """Write down what a canary said; one that failed asks the run to stop."""
        if self.is_off(result.name):
            return
        self.note_releases()
        results = {r.name: r for r in read_canaries(self.folder)} | {result.name: result}
        self._write(results.values())
        if result.status != "fail":
            return
        self.monitor.say(result.sentence)
        switch = f"audits.canaries_off='[{result.name}]'"
        if who == AT_START:
            switch = f"audits.start_checks=false, or with {switch}"
        self.monitor.store.stop_requests.pull(
            f"{who}{result.name}",
            f"{result.sentence} A release lets the run go on until the canary is looked at again. "
            f"To go on without it, start the run again with {switch}.",
        )

    def _write(self, results: Iterable[CanaryResult]) -> None:
        ordered = tuple(sorted(results, key=lambda result: result.name))
        path = self.folder / CANARIES
        path.parent.mkdir(exist_ok=True)
        write_if_changed(path, to_json(CanaryFigures(results=ordered)))

    def _is_known(self, result: CanaryResult) -> bool:
        """Whether the file says the same of this canary already, but for the update."""
        known = {(r.name, r.status, r.round) for r in read_canaries(self.folder)}
        return (result.name, result.status, result.round) in known

    def is_off(self, name: str) -> bool:
        """Whether the run does not look at a canary."""
        return name in self.config.audits.canaries_off

    def _now(self) -> When:
        return When(self.monitor.round, self.policy.update)
