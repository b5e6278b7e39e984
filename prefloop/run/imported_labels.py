"""Labels of a file, stored in a run: all of them or none."""

from collections.abc import Sequence
from pathlib import Path

from prefloop.comparisons.exchange.formats import import_file
from prefloop.comparisons.exchange.importer import UNKNOWN, ExchangeOptions
from prefloop.files import only_one_process
from prefloop.models.sources import resolve
from prefloop.records import Prompt
from prefloop.run.assemble import read_prompts
from prefloop.run_store import open_run_store
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store


def store_labels(
    config: RunConfig, folder: Path, file: Path, format: str, options: ExchangeOptions
) -> tuple[dict[str, int], str]:
    """Store the labels of a file; return what was counted, and what is to be said about them.

    InputError names every line that cannot be read; then nothing is stored.
    """
    with only_one_process(folder), open_run_store(config, folder) as store:
        # First the run's own prompts: they say which split a label belongs to.
        store.add_prompts(_prompts(config, store.prompts()))
        counts = import_file(store, file, format, options=options)
        return counts, _without_source(store)


def _prompts(config: RunConfig, stored: Sequence[Prompt]) -> list[Prompt]:
    base = resolve(config.models.name, for_chat=config.task.chat.on)
    return read_prompts(config, base, stored)[1].prompts


def _without_source(store: Store) -> str:
    """Say that nobody knows who judged, where that is so; else nothing."""
    found = store.imports.sources().values()
    n_unknown = sum(any(source.startswith(UNKNOWN) for source in sources) for sources in found)
    if not n_unknown:
        return ""
    return (
        f"Who judged is not known of {n_unknown} imported labels, so no judge is checked against "
        "them. Import again with --source person, model:NAME or program:NAME."
    )
