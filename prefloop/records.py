"""What the stages hand to each other: text a person can read, with ids and provenance.

Text world and tensor world have different nouns. Here are prompts, samples and labels; their token
ids are called query and response and live in `batches.py`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Split = Literal["train", "validation", "held_out"]
Purpose = Literal["labels", "normalization", "evaluation", "frontier", "live"]
Answer = Literal["best", "tie", "all_bad", "skip", "flag"]

REFERENCE = "reference"
"""The model name of samples that come from the frozen starting point."""

HUMAN = "human"
"""The model name of the prompts' own answers, where an evaluation compares models with those."""


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A text that the model is asked to continue or to summarize.

    >>> Prompt(id="3f2a", text="Call me Ishmael.", source="Moby Dick", split="train").split
    'train'
    """

    id: str
    text: str
    """The query as a person reads it: after the task's rules, without prefix and suffix."""
    source: str
    split: Split
    reference: str | None = None
    """A human answer, where one is known (a summary); for ROUGE."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One response of one model to one prompt.

    `response_ids` are all tokens that were sampled; `text` is what labelers and the reward model
    see: cut after the first stop token at or after the earliest allowed index.
    """

    id: str
    prompt_id: str
    model: str
    """`reference`, or `policy/round-0`, ..."""
    round: int
    purpose: Purpose
    text: str
    response_ids: tuple[int, ...]
    is_ended: bool
    """Whether the stop rule was met; if not, its score is the task's penalty."""
    logprob: float
    """Sum of log pi(token) of the sampled tokens under the model that drew it, in nats; NaN where
    that is not known."""
    ref_logprob: float | None
    """The same under the reference, in nats: their difference is this sample's KL estimate. None
    where nobody asked for it."""

    @property
    def log_ratio(self) -> float | None:
        """log pi - log rho of the whole response, in nats: this sample's estimate of the KL.

        None where nobody asked for the reference's likelihood, or where the model's own is not
        known: people and best of n give none.
        """
        if self.ref_logprob is None or math.isnan(self.logprob):
            return None
        return self.logprob - self.ref_logprob


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A question: which of these samples is best?"""

    id: str
    prompt_id: str
    sample_ids: tuple[str, ...]
    round: int
    split: Split
    """`held_out`: its answers are verdicts, which nothing learns from."""
    selection_probability: float = 1.0
    """With what probability this question was chosen to be asked."""
    label_type: str | None = None
    """How it is answered: a name in `label_types/types.py`. None: the best of its samples."""


@dataclass(frozen=True, kw_only=True)
class Label:
    """An answer to a comparison. It names samples by id: never a side, never an index.

    >>> Label(id="u1", comparison_id="c1", labeler="ann", answer="best", chosen="s2",
    ...       shown=("s2", "s1"), seconds=4.2, instructions="1").chosen
    's2'
    """

    id: str
    """The client's UUID: sending the same answer twice stores it once."""
    comparison_id: str
    labeler: str
    answer: Answer
    chosen: str | None
    """The id of the best sample; None unless `answer` is `best`."""
    shown: tuple[str, ...]
    """Sample ids in the order they were on screen."""
    seconds: float
    """Time from showing the question to the answer."""
    instructions: str
    """Version of the instructions that were in force."""
    note: str = ""
    confidence: float | None = None
    """How sure somebody was, as earlier versions asked and other tools' files say; nothing reads
    it."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What an answer `best` says besides, as JSON: `strength`, `reasons`, and what the label type
    adds."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A judge's decision between the samples of two models for one held-out prompt."""

    id: str
    prompt_id: str
    model: str
    baseline: str
    """The name of the model that `model` is compared with: `reference`, or any other."""
    sample_id: str
    baseline_sample_id: str
    judge: str
    outcome: float
    """1 if the model's sample is preferred, 0 if the baseline's, 0.5 for a tie."""
    score: float | None = None
    """The judge's score of the model's sample; None if the judge compares without scores."""
    baseline_score: float | None = None


@dataclass(frozen=True, kw_only=True)
class LedgerHead:
    """An end of the ledger. Whoever keeps it can tell later whether anything before was changed."""

    n_events: int
    hash: str
    """Of the last event, in hex; 64 zeros if there is none."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of the append-only ledger; `hash` covers the line and the hash before it."""

    sequence: int
    kind: str
    payload: str
    """JSON with sorted keys."""
    created_at: str
    """UTC, ISO 8601."""
    hash: str
