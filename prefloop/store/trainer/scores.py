"""Scores of stored samples, kept by scorer and fingerprint so that nothing is scored twice.

A fingerprint stands for everything a score depends on: the scorer's settings, weights and code. A
scorer that changes has another fingerprint, so that no score of an earlier one is read for it.
"""

import math
from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from prefloop.store.core.database import Database
from prefloop.store.core.insertion import chunks, refuse, require_known
from prefloop.store.core.score_digests import append_scores_digest
from prefloop.store.core.tables import samples, scores

# Built once: building a question to the database takes longer than asking it.
_KNOWN = sa.select(scores.c.sample_id, scores.c.score).where(
    scores.c.scorer == sa.bindparam("scorer"),
    scores.c.fingerprint == sa.bindparam("fingerprint"),
    scores.c.sample_id.in_(sa.bindparam("sample_ids", expanding=True)),
)


class SampleScores:
    """What scorers gave to samples."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, scorer: str, fingerprint: str, sample_ids: Iterable[str]) -> dict[str, float]:
        """Return the stored scores of these samples, by sample id; the others are absent."""
        with self._database.reading() as connection:
            return _known(connection, scorer, fingerprint, sample_ids)

    def add(self, scorer: str, fingerprint: str, found: Mapping[str, float]) -> int:
        """Store scores by sample id; return how many are new. A score once stored stays."""
        problems = [
            f"the score of sample {sample_id} is {score}; give a finite number"
            for sample_id, score in found.items()
            if not math.isfinite(score)
        ]
        refuse(f"What the scorer {scorer} gave", problems)
        with self._database.writing() as connection:
            there = _known(connection, scorer, fingerprint, found)
            rows = [
                {
                    "scorer": scorer,
                    "fingerprint": fingerprint,
                    "sample_id": sample_id,
                    "score": float(score),
                }
                for sample_id, score in found.items()
                if sample_id not in there
            ]
            require_known(connection, samples, rows, "sample_id", "sample")
            if rows:
                connection.execute(sa.insert(scores), rows)
            new = [sample_id for sample_id in found if sample_id not in there]
            append_scores_digest(connection, scorer, fingerprint, new)
            return len(rows)


def _known(
    connection: sa.Connection, scorer: str, fingerprint: str, sample_ids: Iterable[str]
) -> dict[str, float]:
    known: dict[str, float] = {}
    for chunk in chunks(sample_ids):
        terms = {"scorer": scorer, "fingerprint": fingerprint, "sample_ids": chunk}
        known.update({row.sample_id: row.score for row in connection.execute(_KNOWN, terms)})
    return known
