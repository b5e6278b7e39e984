"""Labels as training data: comparisons turned into ids, targets and a fixed order."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from prefloop.batches import PreferenceBatch
from prefloop.comparisons.targets import Target
from prefloop.errors import InputError, listing
from prefloop.label_types.types import type_of
from prefloop.models.runtime import Runtime
from prefloop.records import Prompt, Sample
from prefloop.samples.sampler import Sampler
from prefloop.seeding import numpy_stream


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
        targets=torch.tensor(values, dtype=runtime.dtype, device=runtime.device),
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
    )


def epoch_order(n: int, seed: int, round_number: int, epoch: int) -> list[int]:
    """Return the order of one pass; a function of counters, so a resumed run repeats it."""
    stream = numpy_stream(seed, "reward order", round_number, epoch)
    return [int(i) for i in stream.permutation(n)]


def check_ids(batch: PreferenceBatch, vocabulary: int, context: int) -> None:
    """Refuse labels that were made with another tokenizer or do not fit the model."""
    problems = []
    ids = {i for group in batch.sequences for sequence in group for i in sequence}
    if ids and max(ids) >= vocabulary:
        problems.append(
            f"token id {max(ids)} lies outside the model's vocabulary of {vocabulary}: the samples "
            "were drawn with another tokenizer. Label samples of this model, or name that model."
        )
    longest = max(len(sequence) for group in batch.sequences for sequence in group)
    if longest > context:
        problems.append(
            f"a query with its response is {longest} tokens, the model reads {context}: lower "
            "task.query_tokens_max or task.response_tokens"
        )
    if problems:
        raise InputError(listing("the labeled samples", problems))
