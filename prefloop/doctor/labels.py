"""Checks of the labels: are there any, and do they choose?"""

from pathlib import Path

from prefloop.doctor.finding import Finding
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store

DECIDED = 0.5
"""A smaller share of answers that choose is told as a warning."""


def check_labels(config: RunConfig, folder: Path) -> list[Finding]:
    """Whether there are labels, and how many of them choose a sample."""
    with Store.open(config.store or folder / "prefloop.db", read_only=True) as store:
        n_questions = len(store.comparisons())
        labels = store.labels()
    check = "labels choose"
    if not n_questions:
        told = "No question has been asked yet."
        return [Finding(stage="comparisons", check=check, status="later", told=told)]
    best = sum(label.answer == "best" for label in labels)
    told = f"{n_questions} questions have {len(labels)} labels; {best} choose a sample."
    is_poor = best < DECIDED * len(labels) or not labels
    action = "See why labelers skip, tie or flag; make the question clearer." if is_poor else ""
    if not labels:
        action = "Go on with `prefloop run`, or import labels."
    status = "warn" if is_poor else "ok"
    return [
        Finding(stage="comparisons", check=check, status=status, told=told, action=action)  # type: ignore[arg-type]
    ]
