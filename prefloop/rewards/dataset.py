"""Labels as training data: comparisons turned into ids, targets and a fixed order."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from prefloop.batches import PreferenceBatch
from prefloop.comparisons.targets import Target
from prefloop.errors import InputError
from prefloop.figures.text import count, counted
from prefloop.label_types.types import type_of
from prefloop.models.runtime import FULL_PRECISION, Runtime
from prefloop.records import Prompt, Sample
from prefloop.samples.sampler import Sampler
from prefloop.seeding import numpy_stream

SHOWN = 5
"""Comparisons that a message names; of the others it gives the number."""


def preference_batch(
    targets: Sequence[Target],
    samples: Mapping[str, Sample],
    prompts: Mapping[str, Prompt],
    sampler: Sampler,
    runtime: Runtime,
) -> PreferenceBatch:
    """Return the comparisons as ids: each query with its responses, as they were sampled."""
    loss = _common_loss(targets)
    sequences = []
    for target in targets:
        text = prompts[target.comparison.prompt_id].text
        group = [samples[key] for key in target.comparison.sample_ids]
        sequences.append(tuple(tuple(sampler.sample_ids(text, s)) for s in group))
    present = padded([[1.0] * len(group) for group in sequences]) > 0
    values = padded([target.values for target in targets])
    return PreferenceBatch(
        sequences=tuple(sequences),
        targets=torch.tensor(values, dtype=FULL_PRECISION, device=runtime.device),
        present=torch.tensor(present, dtype=torch.bool, device=runtime.device),
        loss=loss,
    )


def padded(rows: Sequence[Sequence[Any]]) -> NDArray[np.float64]:
    """Return rows of different sizes as one array, with 0 where a row is shorter.

    >>> padded([(1.0, 2.0), (3.0,)]).tolist()
    [[1.0, 2.0], [3.0, 0.0]]
    """
    arrays = [np.asarray(row, dtype=np.float64) for row in rows]
    whole = np.zeros((len(arrays), *np.max([array.shape for array in arrays], axis=0)))
    for place, array in zip(whole, arrays, strict=True):
        place[tuple(map(slice, array.shape))] = array
    return whole


def _common_loss(targets: Sequence[Target]) -> str:
    """Return the name of the loss of all targets; InputError if there are several."""
    by_loss: dict[str, set[str]] = {}
    for target in targets:
        label_type = type_of(target.comparison)
        by_loss.setdefault(label_type.loss, set()).add(label_type.name)
    if len(by_loss) > 1:
        kinds = "; ".join(f"{', '.join(sorted(names))}" for names in by_loss.values())
        raise InputError(
            f"the labels are of types with different losses ({kinds}), and one reward model has "
            "one loss. Import labels of the other types into a run of their own."
        )
    return next(iter(by_loss))


def select_comparisons(batch: PreferenceBatch, indices: Sequence[int]) -> PreferenceBatch:
    """Return some comparisons of a batch."""
    return PreferenceBatch(
        sequences=tuple(batch.sequences[i] for i in indices),
        targets=batch.targets[list(indices)],
        present=batch.present[list(indices)],
        loss=batch.loss,
        counts=None if batch.counts is None else batch.counts[:, list(indices)],
    )


def with_bootstrap(
    batch: PreferenceBatch, members: int, seed: int, round_number: int
) -> PreferenceBatch:
    """Return the comparisons with how often each member of an ensemble sees them.

    The number is drawn from Poisson(1), which is what drawing them with replacement tends to: a
    member misses 37 in 100. Heads on one network that saw different draws are the bootstrapped
    network of Osband et al. 2016, arXiv:1602.04621; Poisson draws for training in one pass are
    those of Oza and Russell 2001 (online bagging). A head alone sees every comparison once.
    """
    if members == 1:
        return batch
    stream = numpy_stream(seed, "reward bootstrap", round_number)
    counts = stream.poisson(1.0, size=(members, len(batch.sequences)))
    own = torch.tensor(counts, dtype=torch.long, device=batch.targets.device)
    return replace(batch, counts=own)


def without_too_long(
    targets: Sequence[Target],
    batch: PreferenceBatch,
    limit: int,
    prompts: Mapping[str, Prompt],
) -> tuple[list[Target], PreferenceBatch, str]:
    """Leave out comparisons with a text beyond the `limit` of tokens that the model reads.

    Return the others, as targets and as ids, and a message that names what is left out; "" if
    nothing is.
    """
    lengths = [max(map(len, group)) for group in batch.sequences]
    fitting = [i for i, length in enumerate(lengths) if length <= limit]
    if len(fitting) == len(lengths):
        return list(targets), batch, ""
    named = [
        f"{t.comparison.id} ({prompts[t.comparison.prompt_id].source}) has {count(n)}"
        for t, n in zip(targets, lengths, strict=True)
        if n > limit
    ]
    more = f"; and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    message = (
        f"{len(named)} of {counted(len(targets), 'labeled comparison')} left out of the reward "
        f"model's training: a prompt with its response has more tokens than the {limit} that the "
        f"model reads. Comparison {'; '.join(named[:SHOWN])}{more}. Shorten or leave out such "
        "texts before they are imported, or choose a model with a longer context."
    )
    return [targets[i] for i in fitting], select_comparisons(batch, fitting), message


def epoch_order(n: int, seed: int, round_number: int, epoch: int) -> list[int]:
    """Return the order of one pass; a function of counters, so a resumed run repeats it."""
    stream = numpy_stream(seed, "reward order", round_number, epoch)
    return [int(i) for i in stream.permutation(n)]


def check_ids(batch: PreferenceBatch, vocabulary: int) -> None:
    """Refuse labels of samples that were made with another tokenizer."""
    ids = {i for group in batch.sequences for sequence in group for i in sequence}
    outside = [i for i in (min(ids, default=0), max(ids, default=0)) if not 0 <= i < vocabulary]
    if outside:
        raise InputError(
            f"the labeled samples hold token id {outside[0]}, which lies outside the model's "
            f"vocabulary of {vocabulary}: they were drawn with another tokenizer. Label samples of "
            "this model, or name that model."
        )
