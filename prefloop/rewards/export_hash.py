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
from prefloop.records import Label, Prompt, Sample
from prefloop.samples.sampler import Sampler

Shares = Mapping[str, Mapping[tuple[int, ...], float]]
"""By comparison and by the ids of a text: the share of the answers that chose it."""

DECIMALS = 4
"""Of a share: far fewer than a tensor of the trainer holds."""


class ExportHashes(NamedTuple):
    """What was chosen according to the store, and according to the trainer's tensors."""

    in_store: str
    in_trainer: str
    n: int
    """Questions."""


def export_hashes(
    targets: Sequence[Target],
    batch: PreferenceBatch,
    labels: Sequence[Label],
    samples: Mapping[str, Sample],
    prompts: Mapping[str, Prompt],
    sampler: Sampler,
) -> ExportHashes:
    """Return both hashes of the questions whose every preference names one best sample.

    `targets` and `batch` are what the trainer gets, row by row; `labels` are those of the store.
    """
    unclear = {x.comparison_id for x in labels if x.answer in ("tie", "all_bad")}
    in_store = _in_store(targets, labels, samples, prompts, sampler)
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
) -> Shares:
    prompt_of = {t.comparison.id: prompts[t.comparison.prompt_id].text for t in targets}
    votes: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        if label.comparison_id in prompt_of and label.chosen is not None:
            votes[label.comparison_id].append(label.chosen)
    shares: dict[str, dict[tuple[int, ...], float]] = {}
    for name, chosen in votes.items():
        shares[name] = defaultdict(float)
        for sample_id in chosen:
            ids = sampler.sample_ids(prompt_of[name], samples[sample_id])
            shares[name][tuple(ids)] += 1.0 / len(chosen)
    return shares


def _in_trainer(targets: Sequence[Target], batch: PreferenceBatch) -> Shares:
    shares: dict[str, dict[tuple[int, ...], float]] = {}
    for target, texts, row in zip(targets, batch.sequences, batch.targets.tolist(), strict=True):
        found: dict[tuple[int, ...], float] = defaultdict(float)
        for ids, share in zip(texts, row, strict=False):
            found[ids] += share
        shares[target.comparison.id] = {ids: share for ids, share in found.items() if share > 0}
    return shares


def _hash(shares: Shares) -> str:
    lines = [
        f"{name} {' '.join(map(str, ids))} {round(share, DECIMALS)}"
        for name in sorted(shares)
        for ids, share in sorted(shares[name].items())
    ]
    return sha256("\n".join(lines).encode()).hexdigest()
