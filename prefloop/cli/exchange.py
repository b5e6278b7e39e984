"""Labels in and out by file."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prefloop.cli.arguments import AsJson, RunFolder, run_file

if TYPE_CHECKING:
    from prefloop.comparisons.exchange.importer import ExchangeOptions
    from prefloop.settings.run import RunConfig


class LabelFormat(StrEnum):
    """The formats by name; `exchange.formats` knows what they mean."""

    raw = "raw"
    trl = "trl"
    hh = "hh"
    openai_2019 = "openai_2019"
    openai_2020 = "openai_2020"
    label_studio = "label_studio"
    argilla = "argilla"
    potato = "potato"


GuessedFormat = Annotated[
    LabelFormat | None,
    typer.Option(help="How the file is written; guessed from its first row otherwise."),
]
Source = Annotated[
    list[str] | None,
    typer.Option(help="Who judged: person, person:NAME, model:NAME or program:NAME."),
]
ValidationShare = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="Share of new prompts whose labels only measure the reward model; otherwise "
        "prompts.validation_share.",
    ),
]
SkipHeldOut = Annotated[
    bool, typer.Option("--skip-held-out", help="Leave out labels on held-out prompts.")
]


def import_labels(
    folder: RunFolder,
    file: Annotated[Path, typer.Argument(help="The file with labels.")],
    format: GuessedFormat = None,
    source: Source = None,
    validation_share: ValidationShare = None,
    skip_held_out: SkipHeldOut = False,
    as_json: AsJson = False,
) -> None:
    """Store the labels of a file, all of them or none.

    Example: `prefloop import my-run pairs.jsonl --source person`
    """
    from dataclasses import replace

    from prefloop.comparisons.exchange.formats import guess_format
    from prefloop.comparisons.exchange.stated_sources import stated_sources
    from prefloop.run.imported_labels import store_labels
    from prefloop.run_file import load_run_file
    from prefloop.run_paths import require_there

    config = load_run_file(run_file(folder))
    require_there(file)
    said = stated_sources(source or [], config)
    read_as = LabelFormat(guess_format(file)) if format is None else format
    share = config.prompts.validation_share if validation_share is None else validation_share
    options = replace(
        _options(config, read_as),
        validation_share=share,
        held_out_share=config.prompts.held_out_share,
        skips_held_out=skip_held_out,
        sources=said,
    )
    counts, warning = store_labels(config, folder, file, read_as.value, options)
    guessed = "" if format else f", read as {read_as.value}"
    _tell(counts, f"new from {file}{guessed}", as_json, {"format": read_as.value})
    if warning and not as_json:
        print(warning)


def export_labels(
    folder: RunFolder,
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    format: Annotated[
        LabelFormat, typer.Option(help="How the file is written; see the docs.")
    ] = LabelFormat.raw,
    force: Annotated[bool, typer.Option("--force", help="Replace any file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the run's comparisons and labels to a file. An earlier export is replaced by this one.

    Any other file, also an export that was changed since, is replaced with --force only.

    Example: `prefloop export my-run labels.jsonl --format raw`
    """
    from dataclasses import replace

    from prefloop.comparisons.exchange.formats import export_file
    from prefloop.comparisons.exchange.own_files import is_own
    from prefloop.comparisons.labelers.sources import label_sources
    from prefloop.run_file import load_run_file
    from prefloop.run_store import open_run_store

    config = load_run_file(run_file(folder))
    require_free(file, force=force or is_own(file))
    with open_run_store(config, folder, read_only=True) as store:
        options = replace(_options(config, format), told_sources=label_sources(store, config))
        counts = export_file(store, file, format.value, options=options)
    _tell(counts, f"in {file}", as_json)


def require_free(file: Path, *, force: bool) -> None:
    """Raise an InputError if something is at the place of a new file that may not be replaced."""
    from prefloop.errors import InputError

    if file.is_dir():
        raise InputError(f"{file} is a folder. Name a file in it, such as {file / 'labels.jsonl'}.")
    if file.exists() and not force:
        raise InputError(f"{file} exists already. Give another name, or --force to replace it.")


def _options(config: "RunConfig", format: LabelFormat) -> "ExchangeOptions":
    """Return the model's tokenizer for the format that holds token ids, and nothing otherwise."""
    from prefloop.comparisons.exchange.importer import ExchangeOptions

    if format is not LabelFormat.openai_2019:
        return ExchangeOptions()
    from prefloop.models.loading import load_tokenizer
    from prefloop.models.sources import resolve

    tokenizer = load_tokenizer(resolve(config.models.name))
    return ExchangeOptions(encode=tokenizer.encode, decode=lambda ids: tokenizer.decode(list(ids)))


def _tell(
    counts: dict[str, int], where: str, as_json: bool, more: dict[str, str] | None = None
) -> None:
    if as_json:
        print(json.dumps(counts | (more or {})))
        return
    print(", ".join(f"{n} {noun.replace('_', ' ')}" for noun, n in counts.items()), where)
