"""The labels of Ziegler et al. 2019: a JSON array of token ids.

    {"query": [ids], "sample0": [ids], ..., "sample3": [ids], "best": 0 to 3}

Responses are padded to one length with token 50259. The order of the samples is taken for the order
shown. Source: openai/lm-human-preferences, `label_types.py` (best_of_4), `train_reward.py`.
"""

from collections.abc import Sequence

from prefloop.comparisons.exchange.exporter import ExportedFile, LabeledComparison
from prefloop.comparisons.exchange.file_objects import FileObject
from prefloop.comparisons.exchange.importer import (
    ExchangeOptions,
    ImportedAnswer,
    ImportedRecords,
    ImportedSample,
)
from prefloop.errors import InputError

NAME = "openai_2019"
K = 4
UNREADABLE = (KeyError, IndexError, ValueError, OverflowError)
"""What tokenizers raise for an unknown id."""


def read(row: FileObject, records: ImportedRecords) -> None:
    """Add the records of one answer."""
    before = len(row.problems)
    query = _text(row, "query", records.options)
    keys = [f"sample{i}" for i in range(K)]
    samples = [
        ImportedSample(
            text=_text(row, key, records.options),
            policy=NAME,
            response_ids=_ids(row, key, records.options),
        )
        for key in keys
    ]
    best = row.index("best", K)
    if len(row.problems) > before:
        return
    records.add_answer(
        records.add_prompt(row, query, source=NAME),
        samples,
        ImportedAnswer(
            choice=best, labeler=NAME, sources=(f"person:{NAME}",), is_labeler_known=False
        ),
    )


def write(comparisons: Sequence[LabeledComparison], options: ExchangeOptions) -> ExportedFile:
    """Return the choices among four samples, in the order shown, as token ids."""
    if options.encode is None:
        raise InputError(
            f"{NAME} holds token ids; name the model whose tokenizer encodes the texts."
        )
    exported = ExportedFile(is_array=True)
    for question in comparisons:
        for _, label in question.labels:
            if label.chosen is None:
                exported.counts[f"left_out_{label.answer}"] += 1
                continue
            if len(label.shown) != K:
                exported.counts["left_out_size"] += 1
                continue
            exported.counts["labels"] += 1
            row: dict[str, list[int] | int] = {"query": list(options.encode(question.prompt.text))}
            for i, sample_id in enumerate(label.shown):
                row[f"sample{i}"] = list(options.encode(question.samples[sample_id].text))
            exported.objects.append(row | {"best": label.shown.index(label.chosen)})
    _pad(exported.objects, options.pad_id)
    return exported


def _ids(row: FileObject, key: str, options: ExchangeOptions) -> tuple[int, ...]:
    """Return the ids without padding."""
    raw = row.fields.get(key)
    if not isinstance(raw, list):
        return ()
    start, end = 0, len(raw)
    while end > start and raw[end - 1] == options.pad_id:
        end -= 1
    while start < end and raw[start] == options.pad_id:
        start += 1
    return tuple(raw[start:end])


def _text(row: FileObject, key: str, options: ExchangeOptions) -> str:
    if options.decode is None:
        raise InputError(f"{NAME} holds token ids; name the model whose tokenizer made them.")
    before = len(row.problems)
    row.values(key, int)
    if len(row.problems) > before:
        return ""
    try:
        text = options.decode(_ids(row, key, options))
        return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    except UNREADABLE as error:
        row.wrong(key, f"holds ids that this tokenizer does not know ({error}); name another model")
        return ""


def _pad(rows: list[dict[str, list[int]]], pad_id: int) -> None:
    """Give all queries one length, and all samples one; the schema has fixed shapes."""
    query_length = max((len(row["query"]) for row in rows), default=0)
    keys = [f"sample{i}" for i in range(K)]
    sample_length = max((len(row[key]) for row in rows for key in keys), default=0)
    for row in rows:
        # Queries are padded on the left, so that the response follows at once.
        row["query"] = [pad_id] * (query_length - len(row["query"])) + row["query"]
        for key in keys:
            row[key] = row[key] + [pad_id] * (sample_length - len(row[key]))
