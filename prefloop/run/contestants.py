"""Which models an evaluation compares with its baseline, and which of them have figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from prefloop.errors import InputError
from prefloop.figures.evaluation import WIN_RATE_OF
from prefloop.figures.reading import read_evaluation
from prefloop.files import read_text
from prefloop.models.named import OF_ROUND, NamedModels
from prefloop.records import HUMAN, REFERENCE
from prefloop.run.versions import PolicyUpdates
from prefloop.run_folder import evaluation_path
from prefloop.settings.evaluation import EvaluationConfig


@dataclass(frozen=True, kw_only=True)
class Contestants:
    """The models that are evaluated, under their canonical names."""

    config: EvaluationConfig
    models: NamedModels
    updates: PolicyUpdates
    folder: Path
    last_round: int
    n_held_out: int
    """Held-out prompts that there are."""
    n_human_answers: int = 0
    """Held-out prompts with an answer of their own."""
    last_update: Callable[[int], int]
    """From a round to the update with which it is to end."""
    fingerprint_of_judge: Callable[[str], str]
    """From a judge's name to the hash of what its verdicts depend on today."""

    def of_round(self, round_number: int) -> Mapping[str, int | None]:
        """Return the models that are evaluated after a round, each with the round that it ended.

        Besides the round's policy these are, after the last round, `evaluation.models`.
        """
        found: dict[str, int | None] = {self.updates.name_of(round_number): round_number}
        if round_number == self.last_round:
            for name in map(self.models.canonical, self.config.models):
                rounds = self.updates.rounds_of(name)
                found.setdefault(name, rounds[-1] if rounds else None)
        return found

    @property
    def baseline(self) -> str:
        """The canonical name of what all models are compared with."""
        return self.models.canonical(self.config.baseline)

    def is_evaluated(self, round_number: int) -> bool:
        """Whether all models of a round have figures by all judges, as they are set today, on as
        many prompts as are wanted."""
        return all(
            self._has_figures(name) or (ended is not None and self._has_figures_of_round(ended))
            for name, ended in self.of_round(round_number).items()
        )

    def can_be_evaluated(self, round_number: int) -> bool:
        """Whether there are weights of a round's policy, and a baseline that is another model.

        A policy of a later round is not there yet.
        """
        name, baseline = self.updates.name_of(round_number), self.config.baseline
        of_round = OF_ROUND.fullmatch(baseline)
        if of_round is not None and int(of_round[1]) >= round_number:
            return False
        if self.models.is_policy(baseline) and not self.updates.has_weights(self.baseline):
            return False
        return name != self.baseline and self.updates.has_weights(name)

    def refuse_missing(self) -> None:
        """Refuse models and a baseline that cannot be evaluated, before the run does its work.

        InputError for a folder without a model, for another vocabulary, for an update of the policy
        that is past and was not kept, for an update or a round that this run will not reach, for
        human answers that there are not, for the last policy as a baseline of its own, and for a
        model that is the baseline under another name.
        """
        named = dict.fromkeys(self.config.models, "evaluation.models names")
        if self.config.baseline == HUMAN:
            self._require_human_answers()
        elif self.config.baseline != REFERENCE:
            self._refuse_itself(self.config.baseline)
            named[self.config.baseline] = "evaluation.baseline is"
        self._refuse_twins()
        for name, setting in named.items():
            of_round = OF_ROUND.fullmatch(name)
            is_beyond = of_round is not None and int(of_round[1]) > self.last_round
            if not self.models.is_policy(name):
                self.models.check_folder(name)
            elif (is_beyond or self.updates.is_beyond(name)) and not self.updates.has_weights(name):
                raise InputError(
                    f"{setting} {name}, which this run will not reach: it ends with "
                    f"round {self.last_round} and update {self.updates.last_update}. Take it out, "
                    "or raise rounds and policy.episodes."
                )
            elif self.updates.is_past(name) and not self.updates.has_weights(name):
                raise self.models.missing(name)

    def _require_human_answers(self) -> None:
        if self.n_human_answers == 0:
            raise InputError(
                f"evaluation.baseline is {HUMAN}, and none of {self.n_held_out} held-out prompts "
                "has an answer of its own. Give prompts with a `reference`, or another baseline."
            )

    def _refuse_itself(self, name: str) -> None:
        """Refuse the policy that the run ends with: nothing is left to compare it with."""
        of_round = OF_ROUND.fullmatch(name)
        is_last_round = of_round is not None and int(of_round[1]) == self.last_round
        if is_last_round or name == f"policy/update-{self.updates.last_update}":
            raise InputError(
                f"evaluation.baseline is {name}, the policy with which this run ends and which is "
                "compared with it. Name an earlier one."
            )

    def _refuse_twins(self) -> None:
        """Refuse a model that is the baseline under another name, before there are its weights."""
        baseline = self._expected(self.config.baseline)
        for name in self.config.models:
            if self._expected(name) == baseline:
                raise InputError(
                    f"evaluation.models names {name}, which is evaluation.baseline "
                    f"{self.config.baseline} under another name: both are {baseline}. Take it out; "
                    "a model cannot be compared with itself."
                )

    def _expected(self, name: str) -> str:
        """Return the canonical name that a name has, or will have once its round has ended."""
        of_round = OF_ROUND.fullmatch(name)
        if of_round is None:
            is_folder = not self.models.is_policy(name) and Path(name).is_dir()
            return str(Path(name).resolve()) if is_folder else name
        number = int(of_round[1])
        if self.updates.has_ended(number):
            return self.updates.name_of(number)
        return f"policy/update-{self.last_update(number)}"

    def _has_figures(self, name: str) -> bool:
        return self._is_complete(evaluation_path(self.folder, name))

    def _has_figures_of_round(self, round_number: int) -> bool:
        """Whether there is a complete file of version 0.1, which named figures by rounds.

        It is deleted before the round's policy is trained further.
        """
        return self._is_complete(self.folder / "evaluation" / f"round-{round_number}.json")

    def _is_complete(self, path: Path) -> bool:
        """Whether a file has figures by all judges of today on as many prompts as are wanted.

        Files of version 0.1 do not say how their judges were set: they count as today's.
        """
        if not path.is_file():
            return False
        figures = read_evaluation(read_text(path), str(path))
        judges = tuple(self.config.judges)
        # The verdict is the first judge's: another one, once it is first, gives it from then on.
        is_headline_kept = figures.judges is None or figures.judges[:1] == judges[:1] or not judges
        if figures.baseline != self.baseline or not is_headline_kept:
            return False
        n_prompts = len(figures.rows.model_samples)
        if n_prompts < min(self.config.prompts, self.n_held_out):
            return False
        made = {found.judge: found.fingerprint for found in figures.win_rates}
        return all(
            WIN_RATE_OF + name in figures.missing
            or (name in made and made[name] in ("", self.fingerprint_of_judge(name)))
            for name in self.config.judges
        )
