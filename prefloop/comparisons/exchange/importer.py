"""The records of a file, collected before any of them is stored.

Ids are made from content, so that importing a file twice stores it once. A log-probability, a time
and a token that the file does not contain stay unknown.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal, TypeVar

from prefloop.comparisons.exchange.file_objects import FileObject
from prefloop.prompts.splits import split_of
from prefloop.records import Comparison, Label, Prompt, Sample, Split
from prefloop.seeding import stable_id
from prefloop.text.normal_form import normal_form

IMPORTED = "imported/"
"""Prefix of the model name of samples that no model of this run drew."""

UNKNOWN = "imported:"
"""Prefix of the source of labels of which nobody says who judged."""

TrainedSplit = Literal["train", "validation"]

StoredRecord = TypeVar("StoredRecord", Prompt, Sample, Comparison, Label)


@dataclass(frozen=True, kw_only=True)
class ExchangeOptions:
    """What a file does not contain and a format needs."""

    encode: Callable[[str], Sequence[int]] | None = None
    decode: Callable[[Sequence[int]], str] | None = None
    pad_id: int = 50259
    """The padding token of 2019's fixed lengths."""
    validation_share: float = 0.0
    """Share of new prompts, by hash of their text, whose labels measure the reward model; where the
    file names a split, that is taken."""
    held_out_share: float = 0.0
    """What the run holds out by the same hash. No imported prompt is held out, but `validation` is
    then the split that the run itself would give it."""
    skips_held_out: bool = False
    """Leave out, and count, what is about held-out prompts of the run; otherwise it is refused."""
    sources: Callable[[str], tuple[str, ...]] | None = None
    """From a labeler's name to what the labels rest on, if whoever imports them says so."""
    told_sources: Callable[[Label], tuple[str, ...]] | None = None
    """From a label of the store to what it rests on, for formats that can tell it."""
    round: int = 0


def unknown_source(labeler: str) -> tuple[str, ...]:
    """Return the source of labels of which nobody says who judged.

    >>> unknown_source("trl")
    ('imported:trl',)
    """
    return (f"{UNKNOWN}{labeler}",)


@dataclass(frozen=True, kw_only=True)
class ImportedSample:
    """A sample as it stands in a file."""

    text: str
    policy: str
    response_ids: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ImportedAnswer:
    """An answer as it stands in a file: the choice of one sample."""

    choice: int | None
    """Index of the best sample; None for a tie."""
    labeler: str
    sources: tuple[str, ...] = ()
    """What it rests on, such as `person:W7`, if the file says who judged."""
    seconds: float = math.nan
    instructions: str = ""
    note: str = ""
    confidence: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    is_order_known: bool = True
    """Whether the file's order is the order on the labeler's screen."""
    is_labeler_known: bool = True


@dataclass(kw_only=True)
class ImportedRecords:
    """The records of a file, each once, and the problems of the file."""

    format: str
    options: ExchangeOptions
    stored: dict[str, Prompt] = field(default_factory=dict)
    """The prompts of the store, by id."""
    problems: list[str] = field(default_factory=list)
    prompts: dict[str, Prompt] = field(default_factory=dict)
    samples: dict[str, Sample] = field(default_factory=dict)
    comparisons: dict[str, Comparison] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    order: dict[str, int] = field(default_factory=dict)
    """Position of a label among all labels, where the file names it."""
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What each label rests on, by its id."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Answers that were left out, by reason."""
    _seen: Counter[str] = field(default_factory=Counter)
    _forms: dict[str, Prompt] = field(default_factory=dict)
    """The first prompt of each normal form."""

    def __post_init__(self) -> None:
        for prompt in self.stored.values():
            self._forms.setdefault(normal_form(prompt.text), prompt)

    def add(self, row: FileObject, known: dict[str, StoredRecord], record: StoredRecord) -> None:
        """Add a record; the same id with other content is a problem."""
        earlier = known.setdefault(record.id, record)
        if repr(earlier) != repr(record):
            noun = type(record).__name__.lower()
            row.wrong(f"{noun} {record.id}", "differs from the one of that id in an earlier line")

    def add_prompt(
        self, row: FileObject, text: str, *, source: str, split: TrainedSplit | None = None
    ) -> Prompt:
        """Return the prompt of this text, new or known; `split` is None if the file names none.

        A text that differs from a known one in case, spacing or Unicode form alone has its split.
        """
        name = stable_id("prompt", text)
        known = self.prompts.get(name) or self.stored.get(name)
        twin = self._forms.get(normal_form(text))
        if known is None and twin is not None:
            known = Prompt(id=name, text=text, source=source, split=twin.split)
            self.stored[name] = known
        if known is None and split is None and self._would_be_left_out(text):
            # The run may know it by its beginning alone, cut to `task.query_tokens_max`.
            known = Prompt(id=name, text=text, source=source, split="held_out")
            self.stored[name] = known
            return known
        if known is None:
            split = split or self._split(text)
            known = Prompt(id=name, text=text, source=source, split=split)
        elif self.is_skipped(name):
            return known
        elif known.split == "held_out" or split not in (None, known.split):
            row.wrong(
                "prompt",
                f"belongs to {split or 'training or validation'} here and to {known.split} before; "
                "one prompt cannot do both. Leave the line out"
                + (", or import with --skip-held-out" if known.split == "held_out" else ""),
            )
        self.prompts[name] = known
        self._forms.setdefault(normal_form(text), known)
        return known

    def add_answer(
        self, prompt: Prompt, samples: Sequence[ImportedSample], answer: ImportedAnswer
    ) -> None:
        """Add the samples, the comparison and the label of one answer."""
        if self.is_skipped(prompt.id):
            self.left_out["held_out"] += 1
            return
        ids = self._add_samples(prompt.id, samples)
        comparison_id = stable_id("comparison", self.format, *sorted(ids))
        if not answer.is_labeler_known:
            # A comparison of its own: a later label of the same labeler would replace the earlier.
            comparison_id = stable_id(comparison_id, self._count(comparison_id))
        # Ids are hashes: sorted by them, the chosen sample is as likely first as last.
        shown = tuple(ids) if answer.is_order_known else tuple(sorted(ids))
        self._add_comparison(comparison_id, prompt, shown)
        chosen = None if answer.choice is None else ids[answer.choice]
        key = stable_id("label", comparison_id, answer.labeler, chosen or "", *shown, answer.note)
        name = stable_id(key, self._count(key))
        self.add_source(name, answer.labeler, answer.sources)
        self.labels[name] = Label(
            id=name,
            comparison_id=comparison_id,
            labeler=answer.labeler,
            answer="tie" if chosen is None else "best",
            chosen=chosen,
            shown=shown,
            seconds=answer.seconds,
            instructions=answer.instructions,
            note=answer.note,
            confidence=answer.confidence,
            details=answer.details,
        )

    def add_source(self, label_id: str, labeler: str, said: tuple[str, ...]) -> None:
        """Keep what a label rests on: what the user says, or `said` by the file, or its labeler."""
        stated = self.options.sources
        self.sources[label_id] = (stated(labeler) if stated else said) or unknown_source(labeler)

    def is_skipped(self, prompt_id: str) -> bool:
        """Whether what is about this prompt is left out, because the run holds the prompt out."""
        known = self.stored.get(prompt_id)
        return self.options.skips_held_out and known is not None and known.split == "held_out"

    def sizes(self) -> tuple[int, int, int]:
        """Return how many prompts, samples and labels there are."""
        return len(self.prompts), len(self.samples), len(self.labels)

    def since(self, sizes: tuple[int, int, int]) -> Iterator[Prompt | Sample | Label]:
        """Yield the prompts, samples and labels that were added since there were so many."""
        n_prompts, n_samples, n_labels = sizes
        yield from islice(reversed(self.prompts.values()), len(self.prompts) - n_prompts)
        yield from islice(reversed(self.samples.values()), len(self.samples) - n_samples)
        yield from islice(reversed(self.labels.values()), len(self.labels) - n_labels)

    def labels_in_order(self) -> list[Label]:
        """Return the labels in the order that the file names, or in that of the file."""
        return sorted(self.labels.values(), key=lambda label: self.order.get(label.id, 0))

    def _split(self, text: str) -> TrainedSplit:
        """Return the split of a new prompt; where the run would hold it out, it is for training."""
        return "validation" if self._runs_split(text) == "validation" else "train"

    def _would_be_left_out(self, text: str) -> bool:
        return self.options.skips_held_out and self._runs_split(text) == "held_out"

    def _runs_split(self, text: str) -> Split:
        """Return the split that the run would give a prompt with this text."""
        return split_of(
            text,
            held_out_share=self.options.held_out_share,
            validation_share=self.options.validation_share,
        )

    def _add_comparison(self, name: str, prompt: Prompt, sample_ids: tuple[str, ...]) -> None:
        self.comparisons.setdefault(
            name,
            Comparison(
                id=name,
                prompt_id=prompt.id,
                sample_ids=sample_ids,
                round=self.options.round,
                split="train" if prompt.split == "train" else "validation",
            ),
        )

    def _add_samples(self, prompt_id: str, samples: Sequence[ImportedSample]) -> list[str]:
        duplicates: Counter[tuple[str, ...]] = Counter()
        ids = []
        for sample in samples:
            key = (sample.policy, sample.text, *map(str, sample.response_ids))
            name = stable_id("sample", prompt_id, *key, duplicates[key])
            duplicates[key] += 1
            ids.append(name)
            self.samples.setdefault(
                name,
                Sample(
                    id=name,
                    prompt_id=prompt_id,
                    model=IMPORTED + sample.policy,
                    round=self.options.round,
                    purpose="labels",
                    text=sample.text,
                    response_ids=sample.response_ids or self._encoded(sample.text),
                    is_ended=True,
                    logprob=math.nan,
                    ref_logprob=None,
                ),
            )
        return ids

    def _encoded(self, text: str) -> tuple[int, ...]:
        return tuple(self.options.encode(text)) if self.options.encode else ()

    def _count(self, key: str) -> int:
        self._seen[key] += 1
        return self._seen[key]
