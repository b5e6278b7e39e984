"""What can be done with a run that lies in its folder: sample, score, compare, save."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from prefloop.errors import InputError
from prefloop.figures.text import counted
from prefloop.python.given_texts import listed, refuse_wrong_texts
from prefloop.python.run_files import function_entry, function_name
from prefloop.python.showing import shown_progress
from prefloop.python.shown import (
    Responses,
    ShownEvaluationFigures,
    ShownRunFigures,
    TextPairs,
    run_html,
)
from prefloop.run_file import load_run_file
from prefloop.run_folder import read_run_folder, report_path
from prefloop.run_paths import RUN_FILE
from prefloop.scorers.function import function_hash, handed_over
from prefloop.scorers.items import ScoringFunction, refuse_other_arguments
from prefloop.settings.run import RunConfig


class MadeRun:
    """A run folder, and the functions that its run file names and does not hold."""

    def __init__(
        self,
        folder: Path,
        config: RunConfig,
        functions: Mapping[str, ScoringFunction],
        *,
        quiet: bool,
    ) -> None:
        self.folder = folder
        self.config = config
        self._functions = dict(functions)
        self._quiet = quiet

    def __repr__(self) -> str:
        """Say which run it is, and how far."""
        updates = self.figures.n_updates
        return f"<prefloop.Run {str(self.folder)!r}: {updates} updates of the policy>"

    def _repr_html_(self) -> str:
        return run_html(self.figures, self.report)

    @property
    def figures(self) -> ShownRunFigures:
        """What the run measured so far: `metrics`, evaluations, audits, as typed records. A
        notebook shows the verdict, and the curves of score and KL."""
        return ShownRunFigures.of(read_run_folder(self.folder))

    @property
    def report(self) -> Path:
        """The path of the report: one HTML file, written at the end of `train` and `compare`."""
        return report_path(self.folder)

    def sample(
        self, prompts: str | Iterable[str], *, n: int = 1, model: str | None = None, seed: int = 0
    ) -> Responses:
        """Draw responses by the task's rules. Nothing is written.

        Args:
            prompts: One prompt, or several, which are drawn together.
            n: Responses to each.
            model: `reference` for the untuned model, or a policy such as `policy/update-40`; the
                newest policy otherwise.
            seed: Another seed gives other responses; the same gives the same to the same prompts.

        Returns:
            For each prompt its `n` responses, a list of lists; a notebook shows them beside the
            prompts.

        Raises:
            InputError: There is no policy yet, or none of that name, or a prompt is empty.
        """
        from prefloop.records import REFERENCE
        from prefloop.run.trial import draw_responses, known_policy

        texts = [prompts] if isinstance(prompts, str) else listed("prompts", prompts)
        refuse_wrong_texts("prompts", texts)
        if n < 1:
            raise InputError(f"n is {n}; draw one response or more.")
        name = model if model == REFERENCE else known_policy(self.folder, model)
        with shown_progress(quiet=self._quiet) as progress, handed_over(self._functions):
            drawn = draw_responses(
                *(self.config, self.folder, texts), model=name, n=n, seed=seed, say=progress.say
            )
        return Responses(texts, drawn, name)

    def pairs(self, n: int = 5) -> TextPairs:
        """Return random held-out prompts with the response before and after, of the evaluation.

        Args:
            n: How many; always the same ones, drawn with the run's seed and never picked.

        Returns:
            A list of `prompt`, `before`, `after`; a notebook shows them side by side.

        Raises:
            InputError: No policy has been evaluated yet, or `n` is below 1.
        """
        if n < 1:
            raise InputError(f"n is {n}; ask for one pair or more.")
        from prefloop.python.results import text_pairs

        return text_pairs(self.config, self.folder, n)

    def score(self, prompts: Iterable[str], responses: Iterable[str]) -> list[float]:
        """Score texts by what the policy is trained towards: the newest reward model, or a scorer.

        Args:
            prompts: N prompts.
            responses: A response to each.

        Returns:
            N numbers; those of a reward model in standard deviations of the reference's samples.

        Raises:
            InputError: There is no reward model yet, the lists differ in length, or hold what is no
                text.
        """
        from prefloop.rewards.own_texts import scorer_of

        prompts, responses = listed("prompts", prompts), listed("responses", responses)
        if len(prompts) != len(responses):
            raise InputError(
                f"There are {counted(len(prompts), 'prompt')} and "
                f"{counted(len(responses), 'response')}: give a prompt for each response."
            )
        for name, texts in (("prompts", prompts), ("responses", responses)):
            refuse_wrong_texts(name, texts, may_be_empty=True)
        with handed_over(self._functions):
            scorer = scorer_of(self.config, self.folder, None)
            return [float(score) for score in scorer.score(prompts, responses)]

    def compare(
        self, judge: str | ScoringFunction, *, model: str | None = None
    ) -> ShownEvaluationFigures:
        """Have a judge compare the policy with the reference on held-out prompts.

        Args:
            judge: A scorer or judge by its name, or a function `(prompts, responses) -> numbers`;
                the response with the higher number wins. It may not rest on what the reward rests
                on. One that was asked before, and has changed since, judges everything again.
            model: The policy to judge; the newest otherwise.

        Returns:
            The figures, with the judge's `verdict` as a sentence and `win_rates` with their
            intervals. They are kept in the run folder, where the verdict stays that of the first
            judge, and the report shows them.

        Raises:
            InputError: There is no policy yet.
            SettingsError: The judge is not known, or is not independent of the reward.
        """
        from prefloop.python.results import as_judged_by, evaluation_of
        from prefloop.run.carry_out import carry_out
        from prefloop.run.trial import known_policy

        name = known_policy(self.folder, model)
        judged = self._judged_by(judge)
        with shown_progress(quiet=self._quiet) as progress, handed_over(self._functions):
            carry_out(judged, self.folder, progress, again=[name])
        asked = judge if isinstance(judge, str) else function_name(judge)
        return ShownEvaluationFigures.of(as_judged_by(evaluation_of(self.figures, name), asked))

    def save(self, folder: str | Path, *, what: str = "policy") -> Path:
        """Copy the newest policy, or reward model, as a Hugging Face folder.

        Args:
            folder: Where to; it must not exist yet.
            what: `policy` or `reward_model`.

        Returns:
            The folder, which `transformers` loads without prefloop.

        Raises:
            InputError: There is none yet, `what` is neither, or something lies at `folder`.
        """
        from prefloop.python.results import save_model

        return save_model(self.folder, Path(folder), what)

    def _judged_by(self, judge: str | ScoringFunction) -> RunConfig:
        """Return the run with one more judge; SettingsError if it cannot be one."""
        name = judge if isinstance(judge, str) else function_name(judge)
        changes = []
        if not isinstance(judge, str):
            refuse_other_arguments(judge, name)
            self._take_judge(name, judge)
            changes.append(f"scorers.{name}={json.dumps(function_entry(name))}")
        judges = list(dict.fromkeys([*self.config.evaluation.judges, name]))
        changes.append(f"evaluation.judges={json.dumps(judges)}")
        return load_run_file(self.folder / RUN_FILE, changes)

    def _take_judge(self, name: str, judge: ScoringFunction) -> None:
        """Keep a function for the run file's name of it; InputError if the reward has that name.

        A cell of a notebook that is run again makes a new function of the same lines, which is the
        same judge.
        """
        known = self._functions.get(name)
        if known is not None and function_hash(known) != function_hash(judge):
            if name == self.config.policy.reward:
                raise InputError(f"Two functions are called {name}. Give one of them another name.")
            with shown_progress(quiet=self._quiet) as progress:
                progress.say(f"The function {name} has changed: what it judged is judged again.")
        self._functions[name] = judge
