"""Labels in and out by file."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prefloop.cli.arguments import AsJson, RunFolder, run_file

if TYPE_CHECKING:
    from prefloop.comparisons.exchange.importer import ExchangeOptions
    from prefloop.records import Prompt
    from prefloop.settings.run import RunConfig


class LabelFormat(StrEnum):
    """The formats by name; `exchange.formats` knows what they mean."""

    raw = "raw"
    trl = "trl"
    openai_2019 = "openai_2019"
    openai_2020 = "openai_2020"


Format = Annotated[LabelFormat, typer.Option(help="How the file is written; see the docs.")]


def import_labels(
    folder: RunFolder,
    file: Annotated[Path, typer.Argument(help="The file with labels.")],
    format: Format = LabelFormat.raw,
    as_json: AsJson = False,
) -> None:
    """Store the labels of a file, all of them or none.

    Example: `prefloop import my-run pairs.jsonl --format trl`
    """
    from prefloop.comparisons.exchange.formats import import_file
    from prefloop.errors import InputError
    from prefloop.files import only_one_process
    from prefloop.run_file import load_run_file
    from prefloop.store.store import Store

    config = load_run_file(run_file(folder))
    if not file.is_file():
        raise InputError(f"{file} does not exist (looked from {Path.cwd()}).")
    with only_one_process(folder), Store.open(config.store or folder / "prefloop.db") as store:
        # First the run's own prompts: they say which split a label belongs to.
        store.add_prompts(_prompts(config))
        counts = import_file(store, file, format.value, options=_options(config, format))
    _tell(counts, f"new from {file}", as_json)


def export_labels(
    folder: RunFolder,
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    format: Format = LabelFormat.raw,
    as_json: AsJson = False,
) -> None:
    """Write the run's comparisons and labels to a file.

    Example: `prefloop export my-run labels.jsonl --format raw`
    """
    from prefloop.comparisons.exchange.formats import export_file
    from prefloop.run_file import load_run_file
    from prefloop.store.store import Store

    config = load_run_file(run_file(folder))
    path = config.store or folder / "prefloop.db"
    with Store.open(path, read_only=True) as store:
        counts = export_file(store, file, format.value, options=_options(config, format))
    _tell(counts, f"in {file}", as_json)


def _prompts(config: "RunConfig") -> "list[Prompt]":
    from prefloop.models.loading import context_length, load_tokenizer
    from prefloop.models.sources import resolve
    from prefloop.prompts.loading import load_prompts

    base = resolve(config.models.name)
    context = context_length(base)
    return load_prompts(config.prompts, config.task, load_tokenizer(base), context=context)


def _options(config: "RunConfig", format: LabelFormat) -> "ExchangeOptions":
    """Return the model's tokenizer for the format that holds token ids, and nothing otherwise."""
    from prefloop.comparisons.exchange.importer import ExchangeOptions

    if format is not LabelFormat.openai_2019:
        return ExchangeOptions()
    from prefloop.models.loading import load_tokenizer
    from prefloop.models.sources import resolve

    tokenizer = load_tokenizer(resolve(config.models.name))
    return ExchangeOptions(encode=tokenizer.encode, decode=lambda ids: tokenizer.decode(list(ids)))


def _tell(counts: dict[str, int], where: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps(counts))
        return
    print(", ".join(f"{n} {noun.replace('_', ' ')}" for noun, n in counts.items()), where)
