"""A run of a folder by whoever starts it, the command line or Python: alone, as it was begun."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from prefloop.files import only_one_process
from prefloop.models.processes import Processes
from prefloop.progress import Progress
from prefloop.run import loop
from prefloop.run.kept_settings import keep_settings, with_method_options
from prefloop.run.update_calls import OnUpdate
from prefloop.settings.run import RunConfig


def carry_out(
    config: RunConfig,
    folder: Path,
    progress: Progress,
    *,
    until: str | None = None,
    again: Sequence[str] | None = None,
    beside: AbstractContextManager[None] | None = None,
    on_update: OnUpdate | None = None,
    processes: Processes | None = None,
) -> Path:
    """Run the loop, alone in the folder and with settings that fit what is there.

    With `again`, these models are judged instead, whatever is left to do; without a name, those
    that have figures. `beside` is open while the run goes on, such as the labeling page. Returns
    the path of the report. SettingsError if the settings contradict what the run has made.
    """
    config = with_method_options(config)
    with only_one_process(folder):
        settings = keep_settings(config, folder, progress.say)
        before = settings.write
        with beside or nullcontext():
            if again is None:
                report = loop.run(
                    *(config, folder, progress),
                    until=until,
                    before_making=before,
                    on_update=on_update,
                    processes=processes,
                )
            else:
                report = loop.evaluate_again(config, folder, progress, again, before_making=before)
        settings.tell_unused()
        return report
