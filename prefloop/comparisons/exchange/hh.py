"""Anthropic's HH dialogues: rows of `chosen` and `rejected`, which hold the prompt as well.

    {"chosen": "\\n\\nHuman: ...\\n\\nAssistant: ...", "rejected": "\\n\\nHuman: ..."}

Source: Bai et al. 2022 (arXiv:2204.05862). The last `Assistant:` that both share ends the prompt.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from prefloop.comparisons.exchange.dialogues import TURN
from prefloop.comparisons.exchange.exporter import ExportedFile, LabeledComparison, preferred_pairs
from prefloop.comparisons.exchange.file_objects import FileObject
from prefloop.comparisons.exchange.importer import ExchangeOptions, ImportedRecords
from prefloop.comparisons.exchange.trl import add_pair

NAME = "hh"
START = "\n\nHuman:"


def is_like(row: Mapping[str, Any]) -> bool:
    """Whether a row holds two dialogues and no prompt of its own."""
    texts = (row.get("chosen"), row.get("rejected"))
    return "prompt" not in row and all(isinstance(t, str) and t.startswith(START) for t in texts)


def read(row: FileObject, records: ImportedRecords) -> None:
    """Add the records of one pair of dialogues."""
    before = len(row.problems)
    for key in ("chosen", "rejected"):
        text = row.text(key)
        if text and TURN not in text:
            row.wrong(key, "holds no `Assistant:` turn; import plain pairs with --format trl")
    if len(row.problems) == before:
        add_pair(row, records, NAME)


def write(comparisons: Sequence[LabeledComparison], options: ExchangeOptions) -> ExportedFile:
    """Return the pairs that the labels imply, each text with its prompt before it."""
    exported = ExportedFile()
    for pair in preferred_pairs(comparisons, exported):
        prompt = pair.question.prompt.text
        if not prompt.startswith(START):
            prompt = f"{START} {prompt}{TURN}"
        chosen, rejected = (
            pair.question.samples[name].text for name in (pair.chosen, pair.rejected)
        )
        exported.objects.append({"chosen": prompt + chosen, "rejected": prompt + rejected})
    return exported
