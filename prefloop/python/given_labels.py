"""Labels that `prefloop.Run` was given, stored in the run before anything learns from them."""

from collections.abc import Callable
from pathlib import Path

from prefloop.comparisons.exchange.formats import guess_format
from prefloop.comparisons.exchange.importer import ExchangeOptions
from prefloop.run.imported_labels import store_labels
from prefloop.settings.run import RunConfig


def import_given(config: RunConfig, folder: Path, file: Path, say: Callable[[str], None]) -> None:
    """Store the labels of a file and say how many were new; those of an earlier start are not.

    Labels on prompts that the run holds out for its judges are left out, and counted.
    """
    options = ExchangeOptions(
        validation_share=config.prompts.validation_share,
        held_out_share=config.prompts.held_out_share,
        skips_held_out=True,
    )
    counts, warning = store_labels(config, folder, file, guess_format(file), options)
    if counts["labels"]:
        new = ", ".join(f"{n} {noun.replace('_', ' ')}" for noun, n in counts.items())
        say("\n".join(filter(None, [f"{new} new from {file}", warning])))
