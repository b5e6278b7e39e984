"""Which rounds of a run are finished, and which of its stages are to run."""

from dataclasses import dataclass
from pathlib import Path

from prefloop.run.contestants import Contestants
from prefloop.run.schedule import last_update
from prefloop.run.versions import PolicyUpdates
from prefloop.run_folder import export_folder
from prefloop.settings.comparisons import PEOPLE
from prefloop.settings.run import RunConfig

STAGES = ("prompts", "samples", "comparisons", "rewards", "policy", "evaluation")
"""The stages of a round in order, as the verbs of the command line name them."""


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """Which rounds of a run are finished, and how far this process is to go."""

    config: RunConfig
    folder: Path
    updates: PolicyUpdates
    contestants: Contestants
    until: str | None = None
    """The last stage to run; None: all of them."""

    def reaches(self, stage: str) -> bool:
        """Whether this process is to run the stage."""
        return self.until is None or STAGES.index(stage) <= STAGES.index(self.until)

    def first_unfinished(self) -> int | None:
        """Return the first round that is not finished; None if all are."""
        rounds = range(self.config.rounds)
        return next((r for r in rounds if not self.is_finished(r)), None)

    def is_finished(self, round_number: int) -> bool:
        """Whether the round's policy is trained and, if wanted, evaluated.

        Folders alone do not say so: after a damaged checkpoint the policy may be back in a round
        whose folder exists, and must not be trained under a later round's reward model.
        """
        is_trained = self.updates.stage.update >= self.last_update(round_number)
        folder = export_folder(self.folder, round_number)
        if not (is_trained and self.updates.has_ended(round_number) and folder.exists()):
            return False
        is_wanted = self.wants_evaluation(round_number)
        return not is_wanted or self.contestants.is_evaluated(round_number)

    def wants_evaluation(self, round_number: int) -> bool:
        """Whether the round's policy is to be evaluated, which needs its weights."""
        if round_number == self.config.rounds - 1:
            return True
        is_wanted = self.until == "evaluation" or self.config.evaluation.every_round
        return is_wanted and self.contestants.can_be_evaluated(round_number)

    def last_update(self, round_number: int) -> int:
        """Return the policy update, counted over the run, with which a round ends."""
        return last_update(self.config, round_number)

    def has_reward_model(self, round_number: int) -> bool:
        """Whether the round's reward model is trained; then nothing more is asked for it."""
        return (self.folder / "rewards" / f"round-{round_number}").exists()

    def asks_people(self, round_number: int) -> bool:
        """Whether the round's reward model is to learn from people, and has not yet."""
        config = self.config
        is_people = config.policy.uses_reward_model and config.comparisons.labelers == PEOPLE
        return is_people and not self.has_reward_model(round_number)
