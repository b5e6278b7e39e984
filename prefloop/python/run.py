"""`prefloop.Run`: a run folder as a Python object."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefloop.access import why_closed
from prefloop.errors import InputError
from prefloop.launch import read_launch, refuse_several
from prefloop.progress import StopRequested
from prefloop.python.made_run import MadeRun
from prefloop.python.notebook import prepare_notebook
from prefloop.python.run_files import (
    OF_RUN,
    Labels,
    Prompts,
    given_run,
    parse_sections,
    refuse_other_run,
    refuse_others_file,
    unchanged_if_refused,
    write_run_file,
)
from prefloop.python.showing import shown_progress
from prefloop.python.shown import ShownRunFigures
from prefloop.run_file import load_run_file
from prefloop.run_paths import RUN_FILE
from prefloop.scorers.function import handed_over
from prefloop.scorers.items import ScoringFunction

if TYPE_CHECKING:
    from prefloop.run.update_calls import OnUpdate


class Run(MadeRun):
    """One run: a model, prompts and a reward, and the folder in which all that is made lies.

    The folder is an ordinary run folder: `prefloop report`, `doctor`, `show` and `samples try` work
    on it, and the same lines of Python, run again, continue it where it stopped.

    Args:
        folder: The run folder; made if it is not there. Without one it is a temporary folder.
            With a folder alone, the run that lies there is opened.
        model: `smollm2`, `builtin:tiny`, a name on the Hugging Face hub, or a folder.
        prompts: Texts in a list, an array or a column; a file of them, `builtin:fiction`, or the
            settings of that section, such as `{"source": "prompts.csv", "limit": 500}`.
        reward: What the policy is trained towards: a function `(prompts, responses) -> numbers`
            with one number per response, higher is better; the name of a scorer, such as
            `sentiment`; or `reward_model`, which learns from labels and is the default.
        labels: What the reward model learns from: a file in any format that `prefloop import`
            reads, or rows of `prompt`, `chosen` and `rejected`. Then nobody is asked, and the
            prompts are those of the labels unless some are given.
        quiet: Show no progress.
        **sections: Sections of a run file, such as `policy={"method": "rloo"}` or `seed=2`.
            The task is `custom` unless one is named.

    Raises:
        SettingsError: A setting is unknown or contradicts another or what the run in the folder
            has made, or the folder holds a run file that somebody else wrote. Nothing in the
            folder is changed then.
        InputError: A prompt or a label is no text, a file is not there, the reward function takes
            other arguments, or labels stand beside a reward that does not learn from them.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        model: str | os.PathLike[str] | None = None,
        prompts: Prompts | None = None,
        reward: str | ScoringFunction | None = None,
        labels: Labels | None = None,
        quiet: bool = False,
        **sections: Any,
    ) -> None:
        """Write the run file, or open the run that is there; no model is loaded yet."""
        prepare_notebook()
        is_new = sections or any(given is not None for given in (model, prompts, reward, labels))
        if not is_new:
            _require_run(folder)
        place = Path(tempfile.mkdtemp(prefix="prefloop-") if folder is None else folder)
        self._labels: Path | None = None
        if not is_new:
            super().__init__(place, load_run_file(place / RUN_FILE), {}, quiet=quiet)
            return
        refuse_others_file(place, OF_RUN)
        with unchanged_if_refused(place):
            given = given_run(
                place, model=model, prompts=prompts, reward=reward, labels=labels, sections=sections
            )
            config = parse_sections(given.sections, place)
            refuse_other_run(config, place)
            write_run_file(given.sections, place, OF_RUN)
        self._labels = given.labels
        super().__init__(place, config, given.functions, quiet=quiet)

    def train(
        self, *, until: str | None = None, on_update: "OnUpdate | None" = None
    ) -> ShownRunFigures:
        """Run every stage that is left: samples, labels, reward model, policy, evaluation, report.

        A run that was stopped continues from its newest checkpoint; one that is finished makes
        nothing.

        Args:
            until: The last stage to run: `prompts`, `samples`, `comparisons`, `rewards`, `policy`
                or `evaluation`. Without it all of them run.
            on_update: A function that is called after every update of the reward model and of the
                policy with its `MetricsLine`: `stage`, `round`, `update` (counted from 1) and
                `values` by the names in docs/reference/metrics.md. Returns it True, or raises it
                `prefloop.StopRequested`, the run writes a checkpoint and ends there.

        Returns:
            What the run measured, up to here; a notebook shows verdict and curves.

        Raises:
            InputError: The reward function raised, or returned no number for a response, which is
                named; what was trained before is kept. Or the prompts do not suffice.
            SettingsError: The settings contradict what the run has made.
        """
        from prefloop.python.given_labels import import_given
        from prefloop.run.carry_out import carry_out
        from prefloop.run.rounds import STAGES

        refuse_several(read_launch(os.environ).size, "prefloop.Run.train")
        if until is not None and until not in STAGES:
            raise InputError(f"until is {until!r}; write one of {', '.join(STAGES)}.")
        with shown_progress(quiet=self._quiet) as progress, handed_over(self._functions):
            if self._labels is not None:
                import_given(self.config, self.folder, self._labels, progress.say)
            try:
                carry_out(self.config, self.folder, progress, until=until, on_update=on_update)
            except StopRequested as stop:
                progress.say(f"The run ends here ({stop}). Call train() again to continue it.")
        return self.figures


def _require_run(folder: str | os.PathLike[str] | None) -> None:
    """Raise an InputError if no run lies in a folder, or none is named."""
    makes = "give what makes a run: model, prompts, and reward or labels"
    if folder is None:
        raise InputError(f"Nothing was given. Name the folder of a run that is there, or {makes}.")
    file = Path(folder) / RUN_FILE
    if why_closed(file) is None and not file.is_file():
        raise InputError(f"{file} does not exist. Name the folder of a run, or {makes}.")
