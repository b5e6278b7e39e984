"""The labels of Stiennon et al. 2020 (*Learning to summarize from human feedback*): JSONL.

    {"info": {"id", "post", "title", "subreddit"}, "summaries": [{"text", "policy", "note"}, ...],
     "choice": 0 or 1, "worker", "batch", "split", "extra": {"confidence"}}

prefloop adds `strength` and `reasons` to `extra` where an answer has them, and reads them there.

News have `article` instead of `post`. `batch` is stored as the version of the instructions.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

from prefloop.comparisons.exchange.exporter import (
    ExportedFile,
    LabeledComparison,
    PreferredPair,
    policy_name,
    preferred_pairs,
)
from prefloop.comparisons.exchange.file_objects import FileObject, check_texts
from prefloop.comparisons.exchange.importer import (
    ExchangeOptions,
    ImportedAnswer,
    ImportedRecords,
    ImportedSample,
)
from prefloop.label_types.answers import Strength

NAME = "openai_2020"
SPLITS: dict[str, Literal["train", "validation"]] = {
    "train": "train",
    "valid": "validation",
    "valid1": "validation",
    "valid2": "validation",
    "validation": "validation",
    "test": "validation",
}


def read(row: FileObject, records: ImportedRecords) -> None:
    """Add the records of one answer."""
    before = len(row.problems)
    info = row.inside("info")
    prompt = _prompt(info)
    check_texts(info, "id")
    summaries = row.each("summaries")
    samples = [
        ImportedSample(
            text=summary.text("text"), policy=summary.optional("policy", summary.text) or "unknown"
        )
        for summary in summaries
    ]
    if isinstance(row.fields.get("summaries"), list) and len(summaries) < 2:
        row.wrong("summaries", f"has {len(summaries)} of them; it takes two to choose")
    choice = row.index("choice", max(1, len(summaries)))
    worker = row.text("worker")
    batch = row.optional("batch", row.text) or ""
    split = None
    if row.fields.get("split") is not None:
        split = SPLITS.get(row.word("split", tuple(SPLITS)))
    notes = [summary.optional("note", summary.text) for summary in summaries]
    confidence, details = None, {}
    if row.fields.get("extra"):
        extra = row.inside("extra")
        confidence = extra.optional("confidence", extra.number)
        details = _said(extra)
    if len(row.problems) > before:
        return
    answer = ImportedAnswer(
        choice=choice,
        labeler=worker,
        sources=(f"person:{worker}",),
        instructions=batch,
        note="\n".join(note for note in notes if note),
        confidence=confidence,
        details=details,
    )
    source = f"{NAME}:{info.fields.get('id', '')}"
    records.add_answer(records.add_prompt(row, prompt, source=source, split=split), samples, answer)


def _said(extra: FileObject) -> dict[str, Any]:
    """Return strength and reasons, where the file has them."""
    said: dict[str, Any] = {}
    if extra.fields.get("strength") is not None:
        said["strength"] = extra.word("strength", get_args(Strength))
    if extra.fields.get("reasons"):
        said["reasons"] = list(extra.values("reasons", str))
    return said


def write(comparisons: Sequence[LabeledComparison], options: ExchangeOptions) -> ExportedFile:
    """Return the pairs that the labels imply, each in the order shown."""
    exported = ExportedFile()
    exported.objects += [_object(pair) for pair in preferred_pairs(comparisons, exported)]
    return exported


def _prompt(info: FileObject) -> str:
    """Return the post as 2020's query shows it, without the closing TL;DR."""
    title, subreddit = info.optional("title", info.text), info.optional("subreddit", info.text)
    is_news = info.fields.get("post") is None and info.fields.get("article") is not None
    body = info.text("article" if is_news else "post")
    parts = [f"SUBREDDIT: r/{subreddit}"] if subreddit else []
    if title:
        parts.append(f"TITLE: {title}")
    return "\n\n".join([*parts, f"POST: {body}" if parts else body])


def _object(pair: PreferredPair) -> dict[str, Any]:
    question, label = pair.question, pair.label
    is_training = question.comparison.split == "train"
    return {
        "info": {
            "id": question.prompt.id,
            "post": question.prompt.text,
            "title": "",
            "subreddit": "",
        },
        "summaries": [
            {
                "text": question.samples[sample_id].text,
                "policy": policy_name(question.samples[sample_id]),
                "note": label.note if sample_id == pair.chosen else "",
            }
            for sample_id in pair.shown
        ],
        "choice": pair.shown.index(pair.chosen),
        "worker": label.labeler,
        "batch": label.instructions,
        "split": "train" if is_training else "valid1",
        "extra": pair.said | ({} if label.confidence is None else {"confidence": label.confidence}),
    }
