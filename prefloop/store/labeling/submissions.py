"""What becomes of each answer that comes in.

A group of submissions is judged in order against what is stored; one that is taken counts for those
after it. Everything that is needed is read beforehand, in a few statements for the whole group.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from prefloop.records import Label
from prefloop.store.core.insertion import rows_where
from prefloop.store.core.rows import Columns, Row, label_payload, label_row
from prefloop.store.core.team_tables import gold
from prefloop.store.labeling.answers_there import HandedOut, answers_there, is_same, views_there
from prefloop.store.labeling.labels import LABEL, label_problems
from prefloop.store.labeling.quality_checks import check_line
from prefloop.teamwork import AssignmentKind, QualityCheck, Receipt, Submission

Line = tuple[str, dict[str, Any]]
Place = tuple[str, str, AssignmentKind]
"""Comparison, labeler and kind: one answer at most is live there."""

NOT_YOURS = "This question is not one of yours."
OTHER_QUESTION = "The answer does not fit the question that was shown. Reload the page."
UNKNOWN_VERSION = "There is no such version of the instructions. Reload the page."
BAD_TEXT = "The note holds a character that cannot be stored. Leave it out."
ANSWERED = "You have answered this question already, in another window perhaps."
CHANGED = "Your answer has changed meanwhile, in another window perhaps. Look at it again."
TAKEN_ID = "Another answer was stored under this id."
CLOSED = "The batch is closed: this answer stays as it is."
TRAINING = "You have seen the known answer to this question: yours stays as it is."
LATE = "Saved. Its batch had closed meanwhile, so it counts from the next round on."


class Judge:
    """Decides about submissions, one after the other; `lines` are what the ledger is to hold."""

    def __init__(
        self, connection: Connection, submissions: Sequence[Submission], versions: set[str]
    ) -> None:
        """Read what is needed; `versions` are those of the instructions."""
        self.lines: list[Line] = []
        self.taken: list[Submission] = []
        self._views = views_there(connection, submissions)
        self._answer_ids = {view.id: view.answer_id for view in self._views.values()}
        self._stored = answers_there(connection, submissions)
        self._live = {
            _place(row): name for name, row in self._stored.items() if row["ended_by"] is None
        }
        self.live_labels = {
            (comparison_id, labeler): name
            for (comparison_id, labeler, kind), name in self._live.items()
            if kind == "work"
        }
        self._versions = versions
        self._gold: dict[str, Columns] = {}
        if any(view.kind != "work" for view in self._views.values()):
            self._gold = _gold(connection, self._views)

    def receipt(self, submission: Submission) -> Receipt:
        """Return what becomes of a submission, and take it if it is to be stored."""
        label, view = submission.label, self._views.get(submission.view_id)
        if view is None or view.labeler != label.labeler:
            return Receipt(label_id=label.id, outcome="refused", told=NOT_YOURS)
        if not label.comparison_id:
            return self._by_place(submission, view)
        stored = self._stored.get(label.id)
        if stored is not None:
            if not is_same(label, stored):
                return Receipt(label_id=label.id, outcome="conflict", told=TAKEN_ID)
            return self._explained(Receipt(label_id=label.id, outcome="same"), label, view)
        problems = self._problems(submission, view)
        if problems:
            return Receipt(label_id=label.id, outcome="refused", told=" ".join(problems))
        place = (label.comparison_id, label.labeler, view.kind)
        refusal = self._refusal(submission, view, self._live.get(place))
        if refusal is not None:
            return refusal
        is_late = self._is_late(view)
        self._take(submission, view, place)
        receipt = Receipt(
            label_id=label.id, outcome="late" if is_late else "stored", told=LATE if is_late else ""
        )
        return self._explained(receipt, label, view)

    def _by_place(self, submission: Submission, view: HandedOut) -> Receipt:
        """Return the receipt of an answer that names samples by their places in the view."""
        label = submission.label
        names = {place_name(i): name for i, name in enumerate(json.loads(view.shown))}
        problems = [] if label.shown == tuple(names) else [OTHER_QUESTION]
        # Problems are told in the labeler's words: a sample's id would say where it comes from.
        problems = problems or label_problems(label, label.shown)
        if problems:
            return Receipt(label_id=label.id, outcome="refused", told=" ".join(problems))
        label = replace(
            label,
            comparison_id=view.comparison_id,
            shown=tuple(names.values()),
            chosen=None if label.chosen is None else names[label.chosen],
        )
        receipt = self.receipt(replace(submission, label=label))
        places = {name: place for place, name in names.items()}
        return replace(receipt, known=places.get(receipt.known or ""))

    def is_first(self, submission: Submission) -> bool:
        """Whether it is the first answer to its view; one taken back was an answer too."""
        return submission.replaces is None and not self._views[submission.view_id].is_tallied

    def _problems(self, submission: Submission, view: HandedOut) -> list[str]:
        label = submission.label
        if label.comparison_id != view.comparison_id or json.dumps(label.shown) != view.shown:
            return [OTHER_QUESTION]
        if label.instructions not in self._versions:
            return [UNKNOWN_VERSION]
        if not all(map(_is_storable, (label.id, label.note, submission.timing.device))):
            return [BAD_TEXT]
        return label_problems(label, label.shown)

    def _refusal(self, submission: Submission, view: HandedOut, live: str | None) -> Receipt | None:
        label, replaces = submission.label, submission.replaces
        if replaces is None:
            if self._answer_ids[view.id] is None and live is None:
                return None
            return Receipt(label_id=label.id, outcome="conflict", told=ANSWERED)
        if live != replaces or self._answer_ids[view.id] not in (None, replaces):
            return Receipt(label_id=label.id, outcome="conflict", told=CHANGED)
        told = self._closed(view)
        return None if told is None else Receipt(label_id=label.id, outcome="closed", told=told)

    def _closed(self, view: HandedOut) -> str | None:
        """Say why an answer may change no more; None if it may."""
        if view.kind == "training":
            return TRAINING
        return CLOSED if self._is_late(view) else None

    def _is_late(self, view: HandedOut) -> bool:
        if view.kind == "work":
            return view.frozen_at is not None
        return bool(view.is_of_a_frozen_batch)

    def _take(self, submission: Submission, view: HandedOut, place: Place) -> None:
        label, kind = submission.label, view.kind
        row = label_row(label) | {"kind": kind, "ended_by": None}
        if kind == "work":
            self.lines.append((LABEL, label_payload(label)))
        else:
            check = _check(label, kind, self._is_right(label, view))
            self.lines.append(
                check_line(
                    check,
                    note=label.note,
                    confidence=label.confidence,
                    replaces=submission.replaces,
                )
            )
        self._stored[label.id] = row
        self._live[place] = label.id
        self._answer_ids[view.id] = label.id
        self.taken.append(submission)

    def _is_right(self, label: Label, view: HandedOut) -> bool | None:
        if label.answer in ("skip", "flag"):
            return None
        if view.kind != "repeat":
            known = self._gold.get(label.comparison_id)
            return None if known is None else label.chosen == known["chosen"]
        first = self._live.get((label.comparison_id, label.labeler, "work"))
        if first is None:
            return None
        answer = self._stored[first]
        return (label.answer, label.chosen) == (answer["answer"], answer["chosen"])

    def _explained(self, receipt: Receipt, label: Label, view: HandedOut) -> Receipt:
        known = self._gold.get(label.comparison_id)
        if view.kind != "training" or known is None:
            return receipt
        return Receipt(
            label_id=receipt.label_id,
            outcome=receipt.outcome,
            told=receipt.told,
            is_right=self._is_right(label, view),
            explanation=known["explanation"],
            known=known["chosen"],
        )


def place_name(index: int) -> str:
    """Return what the sample at an index is called where its id must not be told."""
    return str(index + 1)


def _place(row: Row) -> Place:
    return row["comparison_id"], row["labeler"], row["kind"]


def _gold(connection: Connection, known_views: dict[str, HandedOut]) -> dict[str, Columns]:
    """The known answers: those in use, else the last that were."""
    ids = [view.comparison_id for view in known_views.values()]
    rows = rows_where(connection, gold, "comparison_id", ids)
    in_order = sorted(rows, key=lambda row: (row["ended_by"] is None, row["sequence"]))
    return {row["comparison_id"]: row for row in in_order}


def _is_storable(text: str) -> bool:
    """Whether a text is free of what databases refuse: the null character, halves of others."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _check(label: Label, kind: AssignmentKind, is_right: bool | None) -> QualityCheck:
    return QualityCheck(
        id=label.id,
        comparison_id=label.comparison_id,
        labeler=label.labeler,
        kind=kind,
        answer=label.answer,
        chosen=label.chosen,
        shown=label.shown,
        seconds=label.seconds,
        instructions=label.instructions,
        is_right=is_right,
    )
