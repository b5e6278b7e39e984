"""Labels as training data: comparisons turned into ids, targets and a fixed order."""

from collections.abc import Mapping, Sequence

import torch

from prefloop.batches import PreferenceBatch
from prefloop.comparisons.targets import Target
from prefloop.errors import InputError, listing
from prefloop.models.runtime import CPU, Runtime
from prefloop.records import Prompt, Sample
from prefloop.samples.sampler import Sampler
from prefloop.seeding import numpy_stream


def preference_batch(
    targets: Sequence[Target],
    samples: Mapping[str, Sample],
    prompts: Mapping[str, Prompt],
    sampler: Sampler,
    runtime: Runtime = CPU,
) -> PreferenceBatch:
    """Return the comparisons as ids: each query with its responses, as they were sampled."""
    widest = max(len(t.probabilities) for t in targets)
    probabilities, present = [], []
    sequences = []
    for target in targets:
        text = prompts[target.comparison.prompt_id].text
        group = [samples[key] for key in target.comparison.sample_ids]
        sequences.append(tuple(tuple(sampler.sample_ids(text, s)) for s in group))
        n_absent = widest - len(group)
        probabilities.append([*target.probabilities, *[0.0] * n_absent])
        present.append([True] * len(group) + [False] * n_absent)
    return PreferenceBatch(
        sequences=tuple(sequences),
        targets=torch.tensor(probabilities, dtype=runtime.dtype, device=runtime.device),
        present=torch.tensor(present, dtype=torch.bool, device=runtime.device),
    )


def select_comparisons(batch: PreferenceBatch, indices: Sequence[int]) -> PreferenceBatch:
    """Return some comparisons of a batch."""
    return PreferenceBatch(
        sequences=tuple(batch.sequences[i] for i in indices),
        targets=batch.targets[list(indices)],
        present=batch.present[list(indices)],
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
