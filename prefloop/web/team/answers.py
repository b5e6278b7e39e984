"""Labelers' answers as owners see them, and as a file."""

import csv
import io
import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from prefloop.label_types.types import type_of
from prefloop.store.labeling.adjudications import Adjudication
from prefloop.store.labeling.answer_log import AnswerFilter, LoggedAnswer, LoggedQuestion
from prefloop.store.store import Store
from prefloop.web.services.services import Services
from prefloop.web.team.answer_messages import (
    AdjudicationOut,
    AnsweredQuestionOut,
    AnsweredSampleOut,
    AnswersOut,
    HoldOut,
    LabelerAnswerOut,
)

COLUMNS = (
    *("time", "labeler", "kind", "answer", "chosen", "chosen_text", "note", "instructions"),
    *("seconds", "is_right", "round", "question", "prompt", "samples", "shown", "details"),
    *("held", "decision", "decision_chosen", "decision_details", "decision_by"),
    *("decision_reason", "id"),
)
"""Of an exported answer. `samples`, `shown` and both `details` are JSON."""

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell begins that a spreadsheet would compute: OWASP, "CSV Injection"."""


def list_answers(
    services: Services, wanted: AnswerFilter, *, before: int | None, limit: int
) -> AnswersOut:
    """Return questions with answers that fit, before the one with this number, newest first."""
    found = services.store.answer_log.page(wanted, before=before, limit=limit + 1)
    shown, rest = found[:limit], found[limit:]
    return AnswersOut(
        view=wanted.view,
        questions=[question_out(each) for each in shown],
        before=shown[-1].cursor if rest else None,
    )


def question_out(found: LoggedQuestion) -> AnsweredQuestionOut:
    """Return a question with its answers as owners see it."""
    asked, hold = found.asked, found.hold
    return AnsweredQuestionOut(
        comparison=asked.comparison.id,
        number=asked.number,
        label_type=type_of(asked.comparison).name,
        round=asked.comparison.round,
        is_for_verdicts=found.is_for_verdicts,
        is_closed=found.is_closed,
        prompt=asked.prompt,
        samples=[AnsweredSampleOut(id=s.id, text=s.text) for s in asked.samples],
        votes=[sum(a.chosen == s.id for a in found.answers) for s in asked.samples],
        answers=[_answer(each) for each in found.answers],
        known=None if asked.gold is None else asked.gold.chosen,
        hold=None
        if hold is None
        else HoldOut(held_by=hold.held_by, reason=hold.reason, held_at=hold.held_at),
        adjudication=None if found.adjudication is None else adjudication_out(found.adjudication),
    )


def adjudication_out(made: Adjudication) -> AdjudicationOut:
    """Return an owner's verdict as owners see it."""
    return AdjudicationOut(
        id=made.id,
        answer=made.answer,
        chosen=made.chosen,
        details=dict(made.details),
        reason=made.reason,
        version=made.instructions,
        decided_by=made.decided_by,
        decided_at=made.decided_at,
    )


def _answer(answer: LoggedAnswer) -> LabelerAnswerOut:
    return LabelerAnswerOut(
        id=answer.id,
        labeler=answer.labeler,
        kind=answer.kind,
        answer=answer.answer,
        chosen=answer.chosen,
        details=dict(answer.details),
        shown=list(answer.shown),
        seconds=None if math.isnan(answer.seconds) else answer.seconds,
        version=answer.instructions,
        note=answer.note,
        is_right=answer.is_right,
        given_at=answer.given_at,
        fits=answer.fits,
    )


def exported_rows(store: Store, wanted: AnswerFilter) -> Iterator[dict[str, Any]]:
    """Yield a row per answer that fits, with COLUMNS, the question with the newest answer first."""
    for page in store.answer_log.pages(wanted):
        for question in page:
            yield from (_row(question, each) for each in question.answers if each.fits)


def as_csv(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of a CSV file that a spreadsheet opens without computing any cell."""
    yield _csv_line(COLUMNS)
    for row in rows:
        yield _csv_line([_cell(row[name]) for name in COLUMNS])


def as_jsonl(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of a JSONL file, with every text as it is."""
    for row in rows:
        yield json.dumps(row) + "\n"


def _csv_line(cells: Any) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _cell(value: Any) -> str:
    r"""Return a cell's text; an apostrophe in front keeps a formula a text.

    >>> _cell("=1+1"), _cell(" \t@x"), _cell(-1.5), _cell("a-b"), _cell(None)
    ("'=1+1", "' \t@x", '-1.5', 'a-b', '')
    """
    if not isinstance(value, str):
        return "" if value is None else json.dumps(value)
    text = value.replace("\0", "")
    is_formula = text.startswith(FORMULA_SIGNS) or text.lstrip().startswith(FORMULA_SIGNS)
    return f"'{text}" if is_formula else text


def _row(question: LoggedQuestion, answer: LoggedAnswer) -> dict[str, Any]:
    asked, decided = question.asked, question.adjudication
    texts = {sample.id: sample.text for sample in asked.samples}
    values = (
        datetime.fromtimestamp(answer.given_at, UTC).isoformat(timespec="seconds"),
        *(answer.labeler, answer.kind, answer.answer, answer.chosen),
        None if answer.chosen is None else texts[answer.chosen],
        *(answer.note, answer.instructions),
        None if math.isnan(answer.seconds) else answer.seconds,
        *(answer.is_right, asked.comparison.round, asked.comparison.id, asked.prompt),
        json.dumps(texts),
        *(json.dumps(list(answer.shown)), json.dumps(dict(answer.details))),
        question.hold is not None,
        *((None,) * 5 if decided is None else _decision(decided)),
        answer.id,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _decision(made: Adjudication) -> tuple[str | None, ...]:
    details = json.dumps(dict(made.details))
    return made.answer, made.chosen, details, made.decided_by, made.reason
