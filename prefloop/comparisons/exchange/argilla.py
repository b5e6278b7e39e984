"""Argilla's records with a ranking of their fields, or a choice among them.

As `records.to_json` writes them:

    {"id", "fields": {"prompt", "response1", "response2"},
     "responses": {"preference": [{"value": ["response2", "response1"], "user_id": "..."}]}}

A ranking is a list of names, the best first, or of `{"value", "rank"}`, where equal ranks tie; a
label is one name. Records of version 1 (`responses` is a list with `values` and `status`) and
flattened ones (`preference.responses`, `preference.responses.users`) are read as well. Suggestions
are not: a program made them. Source: docs.argilla.io, `argilla/records/_io`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefloop.comparisons.exchange.candidates import Candidates, find_candidates, is_tie
from prefloop.comparisons.exchange.file_objects import FileObject
from prefloop.comparisons.exchange.importer import ImportedAnswer, ImportedRecords, ImportedSample

NAME = "argilla"
FLAT = ".responses"
SUBMITTED = (None, "submitted")
KNOWN_STATUSES = ("draft", "discarded", "pending")
OTHER_STATUS = "not_submitted"
"""What counts any other: a word of the file is no name of a count."""


@dataclass(frozen=True)
class ArgillaResponse:
    """What one person answered to one question of a record."""

    question: str
    value: Any
    user: str
    status: str | None = None


def is_like(fields: Mapping[str, Any]) -> bool:
    """Whether a row is a record, nested or flattened."""
    return {"fields", "responses"} <= set(fields) or any(key.endswith(FLAT) for key in fields)


def read(row: FileObject, records: ImportedRecords) -> None:
    """Add the records of one Argilla record: an answer for each submitted response."""
    before = len(row.problems)
    responses = list(_responses(row))
    candidates = _candidates(row, responses)
    if candidates is None:
        row.wrong("fields", "hold no prompt with two texts; call them prompt, response1, response2")
        return
    comparing = [r for r in responses if _is_comparison(r.value, candidates)]
    questions = sorted({r.question for r in comparing})
    if len(questions) > 1:
        message = (
            f"compare in {len(questions)} questions, {', '.join(questions)}; export one of them"
        )
        row.wrong("responses", message)
    if len(row.problems) > before:
        return
    records.left_out["no_comparison"] += len(responses) - len(comparing)
    for response in comparing:
        if response.status not in SUBMITTED:
            is_known = response.status in KNOWN_STATUSES
            records.left_out[str(response.status) if is_known else OTHER_STATUS] += 1
            continue
        if not all(map(_is_number, _ranks(response.value))):
            row.wrong("responses", "rank with something that is no number; give 1, 2, ...")
            return
        prompt = records.add_prompt(row, candidates.prompt, source=NAME)
        texts = [ImportedSample(text=text, policy=NAME) for text in candidates.texts]
        choice, source = _choice(response.value, candidates), f"person:{response.user}"
        answer = ImportedAnswer(choice=choice, labeler=response.user, sources=(source,))
        records.add_answer(prompt, texts, answer)


def _candidates(row: FileObject, responses: Sequence[ArgillaResponse]) -> Candidates | None:
    """Return what was compared, in the order of the record and not in that of a ranking."""
    fields = row.fields if "fields" not in row.fields else row.inside("fields").fields
    ranked = {name for response in responses for name in _names(response.value)}
    named = [name for name in fields if name in ranked]
    return find_candidates(fields, without=("id", "status", "_server_id"), named=named)


def _responses(row: FileObject) -> Iterator[ArgillaResponse]:
    held = row.fields.get("responses")
    if isinstance(held, dict):
        for question in held:
            for each in row.inside("responses").each(question):
                yield ArgillaResponse(
                    question, each.fields.get("value"), _user(each), each.fields.get("status")
                )
    elif isinstance(held, list):
        for each in row.each("responses"):
            for question, answer in each.mapping("values").items():
                value = answer.get("value") if isinstance(answer, dict) else answer
                yield ArgillaResponse(question, value, _user(each), each.fields.get("status"))
    for key in [key for key in row.fields if key.endswith(FLAT)]:
        yield from _flat(row.fields, key)


def _flat(fields: dict[str, Any], key: str) -> Iterator[ArgillaResponse]:
    """Yield the responses under a flattened key, whose users and statuses stand beside it."""
    values, users, statuses = (
        found if isinstance(found := fields.get(name), list) else []
        for name in (key, f"{key}.users", f"{key}.status")
    )
    for i, value in enumerate(values):
        yield ArgillaResponse(
            key.removesuffix(FLAT),
            value,
            str(users[i]) if i < len(users) else NAME,
            statuses[i] if i < len(statuses) else None,
        )


def _user(response: FileObject) -> str:
    return str(response.fields.get("user_id") or NAME)


def _names(value: Any) -> list[str]:
    """Return what a value ranks or chooses, in its order."""
    if isinstance(value, str):
        return [value]
    items = value if isinstance(value, list) else []
    return [str(item.get("value")) if isinstance(item, dict) else str(item) for item in items]


def _is_comparison(value: Any, candidates: Candidates) -> bool:
    if isinstance(value, str):
        return candidates.index_of(value) is not None or is_tie(value)
    names = _names(value)
    return bool(names) and all(name in candidates.names for name in names)


def _ranks(value: Any) -> list[Any]:
    """Return the ranks that are written out; nothing where the order alone says them."""
    is_ranked = isinstance(value, list) and all(
        isinstance(item, dict) and "rank" in item for item in value
    )
    return [item["rank"] for item in value] if is_ranked else []


def _is_number(rank: Any) -> bool:
    return isinstance(rank, int | float) and not isinstance(rank, bool) and rank == rank


def _choice(value: Any, candidates: Candidates) -> int | None:
    """Return the best of a ranking or the chosen label; None if several share the first rank."""
    if ranks := _ranks(value):
        best = min(ranks)
        first = [str(item["value"]) for item in value if item["rank"] == best]
        return candidates.names.index(first[0]) if len(first) == 1 else None
    return candidates.index_of(_names(value)[0])
