"""What a file holds, gathered as records before any of it is stored.

Ids are made from content, so that importing a file twice stores it once. A log-probability, a time
and a token that the file does not tell stay unknown; none is made up.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from prefloop.comparisons.exchange.file_objects import Line
from prefloop.records import Comparison, Label, Prompt, Sample
from prefloop.seeding import stable_id

IMPORTED = "imported/"
"""What the model's name begins with: these are nobody's samples of this run."""

Trained = Literal["train", "validation"]

Kept = TypeVar("Kept", Prompt, Sample, Comparison, Label)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a format cannot tell by itself."""

    encode: Callable[[str], Sequence[int]] | None = None
    decode: Callable[[Sequence[int]], str] | None = None
    pad_id: int = 50259
    """The token that fills up 2019's fixed lengths."""
    split: Trained = "train"
    """Where prompts belong that are new and whose file does not say."""
    round: int = 0


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A sample as a file tells it."""

    text: str
    policy: str
    response_ids: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Vote:
    """An answer as a file tells it: which of the drafts, who, and what was said besides."""

    choice: int
    labeler: str
    instructions: str = ""
    note: str = ""
    confidence: float | None = None
    is_order_known: bool = True
    """Whether the file's order is the order on the labeler's screen."""
    is_labeler_known: bool = True


@dataclass(kw_only=True)
class Intake:
    """The records of a file, each once, and what is wrong with the file."""

    format: str
    options: Options
    stored: dict[str, Prompt] = field(default_factory=dict)
    """The prompts that the store has already, by id."""
    problems: list[str] = field(default_factory=list)
    prompts: dict[str, Prompt] = field(default_factory=dict)
    samples: dict[str, Sample] = field(default_factory=dict)
    comparisons: dict[str, Comparison] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    order: dict[str, int] = field(default_factory=dict)
    """Position of a label among all, where the file tells it."""
    _seen: Counter[str] = field(default_factory=Counter)

    def keep(self, line: Line, known: dict[str, Kept], record: Kept) -> None:
        """Add a record; the same id with other content is a problem."""
        earlier = known.setdefault(record.id, record)
        if repr(earlier) != repr(record):
            noun = type(record).__name__.lower()
            line.wrong(f"{noun} {record.id}", "differs from the one of that id in an earlier line")

    def prompt(self, line: Line, text: str, *, source: str, split: Trained | None = None) -> Prompt:
        """Add a prompt of this text, or find the one there is; `split` is None if untold."""
        name = stable_id("prompt", text)
        known = self.prompts.get(name) or self.stored.get(name)
        if known is None:
            split = split or self.options.split
            known = Prompt(id=name, text=text, source=source, split=split)
        elif known.split == "held_out" or split not in (None, known.split):
            line.wrong(
                "prompt",
                f"belongs to {split or 'training or validation'} here and to {known.split} before; "
                "one prompt cannot do both. Leave the line out",
            )
        self.prompts[name] = known
        return known

    def answer(self, prompt: Prompt, drafts: Sequence[Draft], vote: Vote) -> None:
        """Add the samples, the comparison and the label of one answer."""
        ids = self._add_samples(prompt.id, drafts)
        comparison_id = stable_id("comparison", self.format, *sorted(ids))
        if not vote.is_labeler_known:
            # Two answers of unknown people are two questions, lest one replace the other.
            comparison_id = stable_id(comparison_id, self._count(comparison_id))
        # Sorting by id, which is a hash, makes no side the better one.
        shown = tuple(ids) if vote.is_order_known else tuple(sorted(ids))
        self.comparisons.setdefault(
            comparison_id,
            Comparison(
                id=comparison_id,
                prompt_id=prompt.id,
                sample_ids=shown,
                round=self.options.round,
                split="train" if prompt.split == "train" else "validation",
            ),
        )
        chosen = ids[vote.choice]
        key = stable_id("label", comparison_id, vote.labeler, chosen, *shown, vote.note)
        name = stable_id(key, self._count(key))
        self.labels[name] = Label(
            id=name,
            comparison_id=comparison_id,
            labeler=vote.labeler,
            answer="best",
            chosen=chosen,
            shown=shown,
            seconds=math.nan,
            instructions=vote.instructions,
            note=vote.note,
            confidence=vote.confidence,
        )

    def labels_in_order(self) -> list[Label]:
        """Return the labels in the order of the file, or in the one that it tells."""
        return sorted(self.labels.values(), key=lambda label: self.order.get(label.id, 0))

    def _add_samples(self, prompt_id: str, drafts: Sequence[Draft]) -> list[str]:
        twins: Counter[tuple[str, ...]] = Counter()
        ids = []
        for draft in drafts:
            key = (draft.policy, draft.text, *map(str, draft.response_ids))
            name = stable_id("sample", prompt_id, *key, twins[key])
            twins[key] += 1
            ids.append(name)
            self.samples.setdefault(
                name,
                Sample(
                    id=name,
                    prompt_id=prompt_id,
                    model=IMPORTED + draft.policy,
                    round=self.options.round,
                    purpose="labels",
                    text=draft.text,
                    response_ids=draft.response_ids or self._encoded(draft.text),
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
