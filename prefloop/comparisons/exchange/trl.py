"""TRL's preference format: JSONL of `prompt`, `chosen`, `rejected`.

A label becomes the pairs that it implies: k - 1 for the best of k samples. Who answered, when, and
in which order the samples were shown is lost; so are ties.
"""

from collections.abc import Sequence

from prefloop.comparisons.exchange.exporter import ExportedFile, LabeledComparison, preferred_pairs
from prefloop.comparisons.exchange.file_objects import FileObject
from prefloop.comparisons.exchange.importer import (
    ExchangeOptions,
    ImportedAnswer,
    ImportedRecords,
    ImportedSample,
)

NAME = "trl"
KEYS = ("prompt", "chosen", "rejected")


def read(row: FileObject, records: ImportedRecords) -> None:
    """Add the records of one pair."""
    chats = [key for key in KEYS if isinstance(row.fields.get(key), list)]
    if chats:
        row.wrong(chats[0], "is a conversation; write prompt, chosen and rejected as plain texts")
        return
    before = len(row.problems)
    prompt, chosen, rejected = (row.text(key) for key in KEYS)
    if len(row.problems) > before:
        return
    records.add_answer(
        records.add_prompt(row, prompt, source=NAME),
        [ImportedSample(text=chosen, policy=NAME), ImportedSample(text=rejected, policy=NAME)],
        ImportedAnswer(choice=0, labeler=NAME, is_order_known=False, is_labeler_known=False),
    )


def write(comparisons: Sequence[LabeledComparison], options: ExchangeOptions) -> ExportedFile:
    """Return the pairs that the labels imply."""
    exported = ExportedFile()
    for pair in preferred_pairs(comparisons, exported):
        exported.objects.append(
            {
                "prompt": pair.question.prompt.text,
                "chosen": pair.question.samples[pair.chosen].text,
                "rejected": pair.question.samples[pair.rejected].text,
            }
        )
    return exported
