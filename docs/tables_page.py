"""The reference page of the store's tables."""

from typing import Any

import sqlalchemy as sa

from docs.markdown import markdown_table
from prefloop.store.core.team_tables import people

TABLE_MEANINGS = {
    "prompts": "What the model is asked, each once, with the split its text's hash puts it in.",
    "samples": "What a model answered, token for token, and for what purpose it was drawn.",
    "comparisons": "Questions: which of these samples is best?",
    "comparison_samples": "Which samples a question shows, in the order of `position`.",
    "events": "The ledger: everything that happened to labels, each hashed with the one before.",
    "ledger_head": "Where the ledger ends, so that a ledger cut off at its end is noticed.",
    "labels": "Answers. A changed or withdrawn one stays, with the event that ended it.",
    "verdicts": "A judge's decision between the samples of two models for one prompt.",
    "scores": "What scorers gave to samples, by scorer and fingerprint.",
    "people": "Persons with an account. Labels are signed with `name`, so a name never changes.",
    "invites": "Codes with which a person logs in once. Only their hashes are stored.",
    "sessions": "Browsers that are logged in. Only the hash of a cookie's secret is stored.",
    "api_tokens": "Tokens with which programs label. Only their hashes are stored.",
    "instructions": "Every version of the instructions to labelers.",
    "batches": "Comparisons for people: of a round, or of verdicts (negative), and when open.",
    "batch_shares": "Who is given the questions of a batch; without rows, whoever is free.",
    "queue": "Comparisons for people: how many answers each should get, and how many it has.",
    "assignments": "Comparisons handed to labelers: the order shown, the lease, the answer.",
    "gold": "Comparisons whose best sample is known beyond doubt.",
    "quality_checks": "Answers that measure a labeler: to gold, training and retest questions.",
    "holds": "Questions that somebody flagged as harmful, and who released them. Each change "
    "is an event of the ledger.",
    "adjudications": "Owners' verdicts on questions. Each is an event of the ledger; training "
    "reads the one in force in place of the question's labels.",
    "exclusions": "Labelers whose answers do not count, why, and until when. Nothing is deleted.",
    "stop_requests": "Pulls of the cord: who stopped the run, why, and how it continued.",
    "tallies": "How many answers of each kind, by hour, labeler and version of the instructions.",
    "updates": "The latest lines of metrics, each with a few of the texts behind it.",
    "trainer": "The trainer's last heartbeat, and the address of the labeling page.",
}
"""One sentence per table of the store."""


def tables_page() -> str:
    """Return every table of the store with its columns."""
    lines = [
        "# Tables",
        "",
        "The labels' database: `prefloop.db` (SQLite) in the run folder, or PostgreSQL by URL.",
        "Read it with anything; write it only through prefloop, which keeps the ledger whole.",
    ]
    for table in people.metadata.sorted_tables:
        lines += ["", f"## {table.name}", "", TABLE_MEANINGS[table.name], ""]
        lines += markdown_table(
            ["Column", "Type", "May be null", "Points at", "Note"], [_column(c) for c in table.c]
        )
    return "\n".join(lines)


def _column(column: sa.Column[Any]) -> list[str]:
    name = f"**`{column.name}`**" if column.primary_key else f"`{column.name}`"
    targets = ", ".join(sorted(f"`{key.target_fullname}`" for key in column.foreign_keys))
    null = "yes" if column.nullable else "no"
    return [name, str(column.type).lower(), null, targets, column.comment or ""]
