"""Questions handed out and answered, in few words."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from prefloop.records import Label
from prefloop.store.labeling.receipts import Receipt
from prefloop.store.store import Store
from prefloop.teamwork import Assignment, ClaimPolicy, Gold, Submission
from tests.unit.store.records_for_tests import comparison

WORK_ONLY = ClaimPolicy(gold_share=0.0, retest_share=0.0)
ALWAYS_GOLD = ClaimPolicy(gold_share=1.0, retest_share=0.0)
ALWAYS_REPEAT = ClaimPolicy(gold_share=0.0, retest_share=1.0)
VERSION = "3"

_numbers = itertools.count()


def ask(store: Store, wanted: int = 1, round: int = 0) -> list[str]:
    """Publish instructions, and ask all comparisons of that many people; return their ids."""
    store.instructions.publish(VERSION, "Which is best?", "Read all of them.", False, "owner")
    ids = [each.id for each in store.comparisons()]
    store.queue.open_batch(round, [(name, wanted) for name in ids])
    return ids


def give(
    store: Store,
    labeler: str = "ann",
    n: int = 1,
    *,
    policy: ClaimPolicy = WORK_ONLY,
    seed: int = 0,
) -> list[Assignment]:
    """Hand questions to a labeler."""
    return store.queue.claim(labeler, n=n, rng=random.Random(seed), policy=policy)


def answer(
    view: Assignment, name: str | None = None, *, place: int = 0, **changes: Any
) -> Submission:
    """Return an answer to a view: the sample at a place on the screen is best."""
    shown = tuple(sample.id for sample in view.samples)
    submission_changes = {
        key: changes.pop(key) for key in ("replaces", "timing", "is_harmful") if key in changes
    }
    label = Label(
        id=name or f"answer-{next(_numbers)}",
        comparison_id=view.comparison_id,
        labeler=view.labeler,
        answer="best",
        chosen=shown[place],
        shown=shown,
        seconds=4.5,
        instructions=VERSION,
    )
    if changes.get("answer", "best") != "best":
        changes["chosen"] = None
    return Submission(label=replace(label, **changes), assignment_id=view.id, **submission_changes)


def send(store: Store, *submissions: Submission) -> list[str]:
    """Submit answers; return the outcomes."""
    return [receipt.outcome for receipt in receipts(store, *submissions)]


def receipts(store: Store, *submissions: Submission) -> list[Receipt]:
    """Submit answers; return the receipts."""
    return store.answers.submit(submissions)


def make_gold(store: Store, questions: Sequence[int], *, is_training: bool = False) -> None:
    """Make gold of questions, with the first sample as the known answer."""
    for number in questions:
        store.gold.add(
            Gold(
                comparison_id=f"c{number}",
                chosen=known(number),
                explanation="It is the one that ends." if is_training else "",
                is_training=is_training,
                created_by="owner",
            )
        )


def known(question: int) -> str:
    """Return the known answer of a gold question."""
    return comparison(question).sample_ids[0]


def place_of(view: Assignment, sample_id: str) -> int:
    """Return where a sample stands on the screen."""
    return [sample.id for sample in view.samples].index(sample_id)
