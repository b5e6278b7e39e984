"""What was chosen, as one hash from the store's labels and one from what the trainer learns from.

The two ways share no code but the encoding of a sample: an index, an order or a side that is turned
between store and tensor makes other hashes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from prefloop.batches import PreferenceBatch
from prefloop.comparisons.targets import Target
from prefloop.label_types.types import type_of
from prefloop.models.runtime import to_numpy
from prefloop.records import Label, Prompt, Sample
from prefloop.samples.sampler import Sampler
from prefloop.settings.rewards import StrengthConfig

Shares = Mapping[str, Mapping[tuple[int, ...], float]]
"""By comparison and by the ids of a text: the share of the answers that chose it."""

DECIMALS = 4
"""Of a share: far fewer than a tensor of the trainer holds."""

OFF_THE_EDGE = 3.1e-6
"""Added before a share is rounded: 0.00625 lies on an edge, where float32 and float64 part."""


class ExportHashes(NamedTuple):
    """What was chosen according to the store, and according to the trainer's tensors."""

    in_store: str
    in_trainer: str
    n: int
    """Questions, or what else is counted."""
    what: str = "question"
    is_taught: bool = True
    """Whether anything learns from them; validation questions only measure."""


def export_hashes(
    targets: Sequence[Target],
    batch: PreferenceBatch,
    labels: Sequence[Label],
    samples: Mapping[str, Sample],
    prompts: Mapping[str, Prompt],
    sampler: Sampler,
    strength: StrengthConfig,
) -> ExportHashes:
    """Return both hashes of the questions whose every preference names one best sample.

    `targets` and `batch` are what the trainer gets, row by row; `labels` are those of the store.
    """
    unclear = {x.comparison_id for x in labels if x.answer in ("tie", "all_bad")}
    in_store = _in_store(targets, labels, samples, prompts, sampler, strength)
    in_store = {name: shares for name, shares in in_store.items() if name not in unclear}
    in_trainer = _in_trainer(targets, batch)
    in_trainer = {name: shares for name, shares in in_trainer.items() if name not in unclear}
    return ExportHashes(_hash(in_store), _hash(in_trainer), len(in_store))


def _in_store(
    targets: Sequence[Target],
    labels: Sequence[Label],
    samples: Mapping[str, Sample],
    prompts: Mapping[str, Prompt],
    sampler: Sampler,
    strength: StrengthConfig,
) -> Shares:
    asked = {t.comparison.id: t.comparison for t in targets}
    votes: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        if label.comparison_id in asked and label.chosen is not None:
            votes[label.comparison_id].append(label)
    shares: dict[str, dict[tuple[int, ...], float]] = {}
    for name, given in votes.items():
        prompt, shown = prompts[asked[name].prompt_id].text, asked[name].sample_ids
        ids_of = {i: tuple(sampler.sample_ids(prompt, samples[i])) for i in shown}
        shares[name] = defaultdict(float)
        for vote in given:
            counts = strength.share(vote.details.get("strength"))
            for sample_id in shown:
                whole = counts * (sample_id == vote.chosen) + (1.0 - counts) / len(shown)
                shares[name][ids_of[sample_id]] += whole / len(given)
    return {name: _above_zero(found) for name, found in shares.items()}


def _in_trainer(targets: Sequence[Target], batch: PreferenceBatch) -> Shares:
    shares: dict[str, dict[tuple[int, ...], float]] = {}
    rows = to_numpy(batch.targets)
    for target, texts, row in zip(targets, batch.sequences, rows, strict=True):
        # What is behind a comparison's own samples and sets is padding.
        k = len(target.comparison.sample_ids)
        own = row[:k] if row.ndim == 1 else row[:k, : 1 << k]
        first = type_of(target.comparison).best_probabilities(own).tolist()
        found: dict[tuple[int, ...], float] = defaultdict(float)
        for ids, share in zip(texts, first, strict=False):
            found[ids] += share
        shares[target.comparison.id] = _above_zero(found)
    return shares


def _above_zero(shares: Mapping[tuple[int, ...], float]) -> dict[tuple[int, ...], float]:
    return {ids: share for ids, share in shares.items() if share > 0}


def _hash(shares: Shares) -> str:
    lines = [
        f"{name} {' '.join(map(str, ids))} {round(share + OFF_THE_EDGE, DECIMALS)}"
        for name in sorted(shares)
        for ids, share in sorted(shares[name].items())
    ]
    return sha256("\n".join(lines).encode()).hexdigest()
