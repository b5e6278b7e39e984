"""How long answers took, by the database's clock.

    worked = now - max(handed out, the labeler's last answer),   at least 0, at most the lease

Questions are fetched ahead, so the times from hand-out to answer overlap; each second counts once,
for the answer that came next. So nobody works longer than the clock runs, whatever their browser
says: what it measures is kept beside, for audits. A pause counts up to a lease. An answer that was
kept in a browser without a connection counts when it arrives.

When the clock is set forward, the next answer of each labeler counts at most a lease too much; when
it is set back, what was handed out before counts nothing.
"""

from collections.abc import Sequence

from prefloop.store.labeling.submissions import SubmissionValidator
from prefloop.teamwork import Submission


def worked_seconds(
    validator: SubmissionValidator, now: float, accepted: Sequence[Submission]
) -> dict[str, float]:
    """Return the seconds of each accepted submission, by the label's id, in the order they came."""
    last_answer_at: dict[str, float] = {}
    found: dict[str, float] = {}
    for submission in accepted:
        row, labeler = validator.assignment(submission), submission.label.labeler
        last = last_answer_at.get(labeler, row.last_answer_at)
        last_answer_at[labeler] = now
        since = row.handed_at if last is None else max(row.handed_at, last)
        lease_seconds = row.leased_until - row.leased_at
        found[submission.label.id] = min(max(now - since, 0.0), lease_seconds)
    return found
