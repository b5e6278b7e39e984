"""Questions made from samples, and their answers gathered into the store."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from prefloop.comparisons.labelers.labeler import Labeler
from prefloop.comparisons.questions import questions_of
from prefloop.errors import InputError, SettingsError, listing
from prefloop.label_types.answers import PREFERENCES
from prefloop.progress import StopCheck, never_stop
from prefloop.records import Comparison, Label, Prompt, Sample
from prefloop.seeding import numpy_stream, stable_id
from prefloop.store.store import Store

BATCH = 50
"""Labels per transaction: what an interruption can cost at most."""


def make_comparisons(
    samples: Sequence[Sample], prompts: Mapping[str, Prompt], *, round: int, per_prompt: int
) -> list[Comparison]:
    """Return one question per prompt, about its first `per_prompt` samples that read differently.

    Texts that differ only in case and white space are one text; with fewer than two there is
    nothing to ask. The same samples give the same ids in every run.
    """
    by_prompt: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_prompt[sample.prompt_id].append(sample)
    _refuse_held_out([prompts[prompt_id] for prompt_id in by_prompt])
    questions = []
    for prompt_id, group in by_prompt.items():
        ids = [sample.id for sample in _distinct(group)[:per_prompt]]
        if len(ids) >= 2:
            questions.append(
                Comparison(
                    id=stable_id("comparison", round, prompt_id, *ids),
                    prompt_id=prompt_id,
                    sample_ids=tuple(ids),
                    round=round,
                    split="validation" if prompts[prompt_id].split == "validation" else "train",
                )
            )
    return questions


def collect_labels(
    labelers: Mapping[str, Labeler],
    comparisons: Sequence[Comparison],
    store: Store,
    *,
    overlap: int,
    seed: int,
    progress: Callable[[int, int], None],
    check_stop: StopCheck = never_stop,
) -> int:
    """Have every comparison answered by `overlap` labelers; return how many labels are new.

    What the store already has is not asked again, so an interrupted call is taken up by the next
    one, and together they leave the labels that one call would have left.
    """
    if overlap > len(labelers):
        raise SettingsError(
            f"comparisons.overlap is {overlap}, but only {len(labelers)} labelers answer. Lower "
            "comparisons.overlap and validation_overlap, or raise comparisons.synthetic.labelers."
        )
    total = len(comparisons) * overlap
    missing = list(_missing(overlap, comparisons, store, list(labelers), seed))
    done = total - len(missing)
    progress(done, total)
    for start in range(0, len(missing), BATCH):
        batch = _answers(missing[start : start + BATCH], store, labelers)
        store.add_labels(batch)
        done += len(batch)
        progress(done, total)
        check_stop("between label batches")
    return len(missing)


def _missing(
    overlap: int, comparisons: Sequence[Comparison], store: Store, names: Sequence[str], seed: int
) -> Iterator[tuple[Comparison, str]]:
    """Yield who should still answer what; who is asked depends on the comparison alone."""
    answers: dict[str, list[Label]] = defaultdict(list)
    for label in store.labels():
        answers[label.comparison_id].append(label)
    for comparison in comparisons:
        given = answers[comparison.id]
        asked = {label.labeler for label in given}
        wanted = overlap - sum(label.answer in PREFERENCES for label in given)
        order = numpy_stream(seed, "assignment", comparison.id).permutation(len(names))
        free = [name for i in order if (name := names[int(i)]) not in asked]
        yield from ((comparison, name) for name in free[: max(0, wanted)])


def _answers(
    batch: Sequence[tuple[Comparison, str]], store: Store, labelers: Mapping[str, Labeler]
) -> list[Label]:
    samples = store.samples_by_id([key for c, _ in batch for key in c.sample_ids])
    prompts = {prompt.id: prompt for prompt in store.prompts()}
    questions = questions_of([comparison for comparison, _ in batch], prompts, samples)
    labels = [
        labelers[name].answer(question)
        for question, (_, name) in zip(questions, batch, strict=True)
    ]
    wrong = [
        f"labeler {name!r} signs as {label.labeler!r}; let it answer under the name it is called by"
        for label, (_, name) in zip(labels, batch, strict=True)
        if label.labeler != name
    ]
    if wrong:
        raise InputError(listing("comparisons.labelers", sorted(set(wrong))))
    return labels


def _distinct(samples: Sequence[Sample]) -> list[Sample]:
    """Keep the first of each text; case and white space do not count."""
    first: dict[str, Sample] = {}
    for sample in samples:
        first.setdefault(" ".join(sample.text.casefold().split()), sample)
    return list(first.values())


def _refuse_held_out(prompts: Sequence[Prompt]) -> None:
    problems = [
        f"prompt {prompt.id} is held out: labels on it would spoil the evaluation"
        for prompt in prompts
        if prompt.split == "held_out"
    ]
    if problems:
        raise InputError(listing("the samples to be compared", problems))
