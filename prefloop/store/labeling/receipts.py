"""What becomes of an answer that was sent."""

from dataclasses import dataclass
from typing import Literal

ReceiptReason = Literal[
    "not_yours",
    "other_question",
    "unknown_version",
    "bad_text",
    "unfit",
    "answered",
    "changed",
    "id_in_use",
    "closed",
    "explained",
]
"""Why an answer is not stored. `unfit`: it is no answer to such a question. `explained`: the known
answer was shown."""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The outcome of a submission. `stored` and `same` mean: it is on the disk."""

    label_id: str
    outcome: Literal["stored", "same", "late", "conflict", "closed", "refused"]
    """`same`: this very answer was stored before. `late`: stored after its batch had closed, so it
    counts from the next round on. `conflict`: the id, or the answer to be replaced, is stored with
    other content. `closed`: an edit of an answer whose batch has closed. `refused`: not valid."""
    reason: ReceiptReason | None = None
    """Why it was not stored; the page has a sentence for each."""
    problems: str = ""
    """With `unfit`: what is wrong with the answer, in English."""
    is_right: bool | None = None
    """For training: whether the answer agrees with the known one."""
    explanation: str = ""
    """For training: why the known answer is right."""
    known: str | None = None
    """For training: the id of the sample that is known to be best."""
