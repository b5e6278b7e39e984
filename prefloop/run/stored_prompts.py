"""Whether a run's prompts are stored already: then `prefloop prompts` has nothing to do."""

from pathlib import Path

from prefloop.models.sources import resolve
from prefloop.run.assemble import read_prompts
from prefloop.run.kept_settings import is_unchanged
from prefloop.run_store import open_run_store, store_place
from prefloop.settings.run import RunConfig


def are_prompts_stored(config: RunConfig, folder: Path) -> bool:
    """Whether every prompt of the run file is in the store, under the settings of the run.

    Nothing is written, and nothing is made where there is no store yet.
    """
    place = store_place(config, folder)
    is_there = "://" in str(place) or Path(place).is_file()
    if not is_there or not is_unchanged(config, folder):
        return False
    wanted = read_prompts(config, resolve(config.models.name, for_chat=config.task.chat.on))[
        1
    ].prompts
    with open_run_store(config, folder, read_only=True) as store:
        stored = {prompt.id: prompt for prompt in store.prompts()}
    return all(stored.get(prompt.id) == prompt for prompt in wanted)
