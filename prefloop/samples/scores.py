"""Scores of stored samples: what is missing is computed, kept, and read from then on."""

from collections.abc import Mapping, Sequence

import numpy as np

from prefloop.progress import Progress
from prefloop.records import Prompt, Sample
from prefloop.scorers.build import CheckedScorer, WeightedScorer
from prefloop.scorers.scorer import Scores
from prefloop.store.store import Store

BATCH = 128
"""Samples scored between two writes: what an interrupted run has to score again at most."""


def score_samples(
    store: Store,
    scorer: CheckedScorer | WeightedScorer,
    prompts: Mapping[str, Prompt],
    samples: Sequence[Sample],
    progress: Progress | None = None,
) -> Scores:
    """Return one score per stored sample, in order; each is computed once and then read.

    `prompts` are found by the samples' `prompt_id`. Scores are kept under the scorer's name and
    fingerprint, so those that were made with other settings, weights or code are not read.
    `progress` hears of every 128 that are computed, where there are more.
    """
    if isinstance(scorer, WeightedScorer):
        parts = [
            w * score_samples(store, part, prompts, samples, progress) for w, part in scorer.parts
        ]
        return np.sum(parts, axis=0) if parts else np.zeros(len(samples))
    fingerprint = scorer.fingerprint
    known = store.scores.known(scorer.name, fingerprint, [sample.id for sample in samples])
    missing = list({s.id: s for s in samples if s.id not in known}.values())
    for start in range(0, len(missing), BATCH):
        batch = missing[start : start + BATCH]
        texts = [prompts[sample.prompt_id].text for sample in batch]
        scores = scorer.score(texts, [sample.text for sample in batch])
        fresh = {s.id: float(score) for s, score in zip(batch, scores, strict=True)}
        store.scores.add(scorer.name, fingerprint, fresh)
        known |= fresh
        if progress is not None and len(missing) > BATCH:
            done = min(start + BATCH, len(missing))
            progress.count(f"samples scored by {scorer.name}", done, len(missing))
    return np.array([known[sample.id] for sample in samples], dtype=np.float64)
