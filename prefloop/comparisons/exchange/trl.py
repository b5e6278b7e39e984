"""TRL's preference format: rows of `prompt`, `chosen`, `rejected`.

Texts or conversations; without a prompt it is what both responses begin with, as in TRL. `margin`,
by how much the chosen one is better, is kept as the label's confidence. On export a label becomes
the pairs that it implies: k - 1 for the best of k samples. `strength` and `reasons` stand beside
them if the answer has them, which TRL leaves alone. Who answered, when, and in which order
the samples were shown is lost; so are ties.
"""

from collections.abc import Sequence

from prefloop.comparisons.exchange.dialogues import (
    Turn,
    prompt_text,
    read_turns,
    response_text,
    split_texts,
)
from prefloop.comparisons.exchange.exporter import ExportedFile, LabeledComparison, preferred_pairs
from prefloop.comparisons.exchange.file_objects import FileObject, finite
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
    add_pair(row, records, NAME)


def add_pair(row: FileObject, records: ImportedRecords, name: str) -> None:
    """Add the records of a row of `chosen` and `rejected`, in the format of this name."""
    before = len(row.problems)
    is_chat = any(isinstance(row.fields.get(key), list) for key in KEYS[1:])
    prompt, chosen, rejected = _conversations(row) if is_chat else _texts(row)
    margin = _margin(row)
    if len(row.problems) > before:
        return
    records.add_answer(
        records.add_prompt(row, prompt, source=f"{name}, {row.place}"),
        [ImportedSample(text=chosen, policy=name), ImportedSample(text=rejected, policy=name)],
        ImportedAnswer(
            choice=0,
            labeler=name,
            confidence=margin,
            is_order_known=False,
            is_labeler_known=False,
        ),
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
                **pair.said,
            }
        )
    return exported


def _texts(row: FileObject) -> tuple[str, str, str]:
    before = len(row.problems)
    chosen, rejected = row.text("chosen"), row.text("rejected")
    if row.fields.get("prompt") is not None:
        if isinstance(row.fields["prompt"], list):
            return prompt_text(read_turns(row, "prompt")), chosen, rejected
        return row.text("prompt"), chosen, rejected
    if len(row.problems) > before:
        return "", "", ""
    split = split_texts(chosen, rejected)
    if split is None:
        row.wrong("prompt", "is missing, and chosen and rejected share no beginning; give a prompt")
    return split or ("", "", "")


def _conversations(row: FileObject) -> tuple[str, str, str]:
    """Return prompt and responses of conversations, which may hold the prompt as well."""
    before = len(row.problems)
    chosen, rejected = read_turns(row, "chosen"), read_turns(row, "rejected")
    prompt = row.fields.get("prompt")
    asked = read_turns(row, "prompt") if isinstance(prompt, list) else []
    n_shared = _shared(chosen, rejected)
    if len(row.problems) > before:
        return "", "", ""
    asked = asked or chosen[:n_shared]
    if not asked and not isinstance(prompt, str):
        row.wrong("prompt", "is missing, and chosen and rejected share no message; give a prompt")
        return "", "", ""
    text = prompt_text(asked) if asked else row.text("prompt")
    is_dialogue = len(asked) > 1
    best = response_text(chosen[n_shared:], is_dialogue=is_dialogue)
    return text, best, response_text(rejected[n_shared:], is_dialogue=is_dialogue)


def _shared(chosen: Sequence[Turn], rejected: Sequence[Turn]) -> int:
    """Return with how many equal messages both begin; a last message is always a response."""
    n_shared = 0
    for one, other in zip(chosen[:-1], rejected[:-1], strict=False):
        if one != other:
            break
        n_shared += 1
    return n_shared


def _margin(row: FileObject) -> float | None:
    """Return the margin; tables in text hold it as a text."""
    value = row.fields.get("margin")
    if value in (None, ""):
        return None
    margin = finite(value)
    if isinstance(value, bool) or margin is None:
        row.wrong("margin", f"is {value!r}; give a number, or leave it out")
    return margin
