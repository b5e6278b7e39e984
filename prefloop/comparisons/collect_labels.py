"""Collecting labels: comparisons answered by labelers that are programs."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from prefloop.comparisons.labelers.labeler import Labeler
from prefloop.comparisons.questions import Question, questions_of
from prefloop.errors import InputError, PrefloopError, SettingsError
from prefloop.label_types.answers import PREFERENCES
from prefloop.progress import BeforeMaking, StopCheck, make_freely, never_stop
from prefloop.records import Comparison, Label
from prefloop.registry import plug_in_error
from prefloop.seeding import numpy_stream
from prefloop.store.store import Store

BATCH = 50
"""Labels per transaction; an interruption loses at most so many."""


def collect_labels(
    labelers: Mapping[str, Labeler],
    comparisons: Sequence[Comparison],
    store: Store,
    *,
    overlap: int,
    seed: int,
    progress: Callable[[int, int], None],
    check_stop: StopCheck = never_stop,
    before_making: BeforeMaking = make_freely,
) -> int:
    """Have every comparison answered by `overlap` labelers; return how many labels are new.

    Labels that are stored are not asked for again: an interrupted call that is repeated leaves the
    labels that one call would have left.
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
    if missing:
        before_making()
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
    """Yield each missing answer's comparison and labeler, who depends on the comparison alone."""
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
    return [
        _answer(name, labelers[name], question)
        for question, (_, name) in zip(questions, batch, strict=True)
    ]


def _answer(name: str, labeler: Labeler, question: Question) -> Label:
    """Return the labeler's answer, under its own name; InputError if it gives anything else."""
    try:
        label = labeler.answer(question)
    except PrefloopError:
        raise
    except Exception as error:
        raise InputError(plug_in_error(f"labeler {name!r}", type(labeler), error)) from error
    if not isinstance(label, Label):
        raise InputError(
            f"labeler {name!r} returned {type(label).__name__}; answer() must return a Label."
        )
    if label.labeler != name:
        raise InputError(
            f"labeler {name!r} signs as {label.labeler!r}; set Label.labeler to {name!r}, the name "
            "under which it is registered."
        )
    return label
