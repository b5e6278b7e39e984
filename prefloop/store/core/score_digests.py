"""The ledger's events over scores: one per stored batch, with a hash of its scores.

    sha256(pair_first + ... + pair_last), each pair a JSON list of a sample's number and its score

The pairs are in the order of the numbers, which the event names: scores have none of their own.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.store.core.insertion import CHUNK, chunks
from prefloop.store.core.ledger import append
from prefloop.store.core.tables import samples, scores

SCORES_STORED = "scores_stored"
"""The kind of these events, which never changes."""


@dataclass(frozen=True, kw_only=True)
class ScoresDigest:
    """The scores of one batch: by which scorer, of which samples, and their hash."""

    scorer: str
    fingerprint: str
    samples: tuple[int, ...]
    """Numbers of the samples, rising."""
    sha256: str

    def payload(self) -> dict[str, Any]:
        """Return the content of the event."""
        return dict(vars(self)) | {"samples": list(self.samples)}


def append_scores_digest(
    connection: Connection, scorer: str, fingerprint: str, sample_ids: Sequence[str]
) -> None:
    """Append the event over the scores of these samples, which this transaction has stored."""
    if not sample_ids:
        return
    numbers: list[int] = []
    for chunk in chunks(sample_ids):
        query = sa.select(samples.c.number).where(samples.c.id.in_(chunk))
        numbers += connection.execute(query).scalars()
    digest = scores_digest(connection, scorer, fingerprint, sorted(numbers))
    append(connection, [(SCORES_STORED, digest.payload())])


def scores_digest(
    connection: Connection, scorer: str, fingerprint: str, numbers: Sequence[int]
) -> ScoresDigest:
    """Return the digest of a scorer's scores of these samples, as they are now."""
    found = hashlib.sha256()
    query = (
        sa.select(samples.c.number, scores.c.score)
        .join(samples, samples.c.id == scores.c.sample_id)
        .where(scores.c.scorer == scorer, scores.c.fingerprint == fingerprint)
        .order_by(samples.c.number)
    )
    for start in range(0, len(numbers), CHUNK):
        part = samples.c.number.in_(numbers[start : start + CHUNK])
        for pair in connection.execute(query.where(part)):
            found.update(json.dumps(list(pair)).encode() + b"\n")
    return ScoresDigest(
        scorer=scorer,
        fingerprint=fingerprint,
        samples=tuple(numbers),
        sha256=found.hexdigest(),
    )
