"""The labels of Stiennon et al. 2020 (*Learning to summarize from human feedback*): JSONL.

    {"info": {"id", "post", "title", "subreddit"}, "summaries": [{"text", "policy", "note"}, ...],
     "choice": 0 or 1, "worker", "batch", "split", "extra": {"confidence"}}

News have `article` instead of `post`. `batch` is kept as the version of the instructions.
"""

from collections.abc import Sequence
from typing import Any, Literal

from prefloop.comparisons.exchange.exporter import Outgo, Question, choices, pairs, policy_name
from prefloop.comparisons.exchange.file_objects import Line
from prefloop.comparisons.exchange.importer import Draft, Intake, Options, Vote
from prefloop.records import Label

NAME = "openai_2020"
SPLITS: dict[str, Literal["train", "validation"]] = {
    "train": "train",
    "valid": "validation",
    "valid1": "validation",
    "valid2": "validation",
    "validation": "validation",
    "test": "validation",
}


def read(line: Line, intake: Intake) -> None:
    """Gather the records of one answer."""
    before = len(line.problems)
    info = line.inside("info")
    prompt = _prompt(info)
    summaries = line.each("summaries")
    drafts = [
        Draft(text=summary.text("text"), policy=summary.text_or_none("policy") or "unknown")
        for summary in summaries
    ]
    if isinstance(line.fields.get("summaries"), list) and len(summaries) < 2:
        line.wrong("summaries", f"has {len(summaries)} of them; it takes two to choose")
    choice = line.index("choice", max(1, len(summaries)))
    worker = line.text("worker")
    batch = line.text_or_none("batch") or ""
    split = None
    if line.fields.get("split") is not None:
        split = SPLITS.get(line.word("split", tuple(SPLITS)))
    notes = [summary.text_or_none("note") for summary in summaries]
    confidence = None
    if line.fields.get("extra"):
        confidence = line.inside("extra").number_or_none("confidence")
    if len(line.problems) > before:
        return
    vote = Vote(
        choice=choice,
        labeler=worker,
        instructions=batch,
        note="\n".join(note for note in notes if note),
        confidence=confidence,
    )
    source = f"{NAME}:{info.fields.get('id', '')}"
    intake.answer(intake.prompt(line, prompt, source=source, split=split), drafts, vote)


def write(questions: Sequence[Question], options: Options) -> Outgo:
    """Return the pairs of every answer that chose; two summaries in each, as in 2020."""
    outgo = Outgo()
    for question, label, chosen in choices(questions, outgo):
        outgo.counts["labels"] += 1
        for pair in pairs(label, chosen):
            outgo.objects.append(_object(question, label, chosen, pair))
    return outgo


def _prompt(info: Line) -> str:
    """The post as 2020's query shows it, without the closing TL;DR."""
    title, subreddit = info.text_or_none("title"), info.text_or_none("subreddit")
    is_news = info.fields.get("post") is None and info.fields.get("article") is not None
    body = info.text("article" if is_news else "post")
    parts = [f"SUBREDDIT: r/{subreddit}"] if subreddit else []
    if title:
        parts.append(f"TITLE: {title}")
    return "\n\n".join([*parts, f"POST: {body}" if parts else body])


def _object(question: Question, label: Label, chosen: str, pair: tuple[str, str]) -> dict[str, Any]:
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
                "note": label.note if sample_id == chosen else "",
            }
            for sample_id in pair
        ],
        "choice": pair.index(chosen),
        "worker": label.labeler,
        "batch": label.instructions,
        "split": "train" if is_training else "valid1",
        "extra": {} if label.confidence is None else {"confidence": label.confidence},
    }
