"""A few records that fit together."""

from dataclasses import replace

from prefloop.records import Comparison, Event, Label, Prompt, Sample, Verdict
from prefloop.store.core.row_digests import STORED
from prefloop.store.store import Store


def prompt(number: int = 0) -> Prompt:
    return Prompt(id=f"p{number}", text=f"Prompt {number} says ünï\n", source="here", split="train")


def sample(number: int, prompt_number: int = 0) -> Sample:
    return Sample(
        id=f"s{number}",
        prompt_id=f"p{prompt_number}",
        model="reference",
        round=0,
        purpose="labels",
        text=f" sample {number}.",
        response_ids=(number, 7, 13),
        is_ended=number % 2 == 0,
        logprob=-12.25 - number,
        ref_logprob=None if number % 3 else -11.1,
    )


def comparison(number: int = 0, k: int = 4) -> Comparison:
    """A comparison of k samples of its own prompt, not in the order in which they were stored."""
    ids = tuple(f"s{number * k + i}" for i in reversed(range(k)))
    return Comparison(
        id=f"c{number}",
        prompt_id=f"p{number}",
        sample_ids=ids,
        round=number % 2,
        split="train" if number % 3 else "validation",
        selection_probability=0.1,
    )


def label(number: int = 0, *, labeler: str = "ann", question: int = 0, k: int = 4) -> Label:
    ids = comparison(question, k).sample_ids
    return Label(
        id=f"l{number}",
        comparison_id=f"c{question}",
        labeler=labeler,
        answer="best",
        chosen=ids[number % k],
        shown=ids[::-1],
        seconds=4.2,
        instructions="3",
        note="näh",
        confidence=0.7,
    )


def tie(number: int, **keys: object) -> Label:
    return replace(label(number, **keys), answer="tie", chosen=None)  # type: ignore[arg-type]


def verdict(number: int = 0) -> Verdict:
    return Verdict(
        id=f"v{number}",
        prompt_id="p0",
        model="reference",
        baseline="reference",
        sample_id="s0",
        baseline_sample_id="s1",
        judge="lexicon",
        outcome=0.5,
        score=0.1,
        baseline_score=-2.5,
    )


N_FILLED = 3
"""Events that `fill` leaves: one over each batch of rows."""


def own_events(store: Store) -> list[Event]:
    """The events of the ledger but those over rows of other tables."""
    return [event for event in store.events() if event.kind not in STORED]


def fill(store: Store, n_questions: int = 3, k: int = 4) -> None:
    store.add_prompts([prompt(i) for i in range(n_questions)])
    store.add_samples([sample(i, i // k) for i in range(n_questions * k)])
    store.add_comparisons([comparison(i, k) for i in range(n_questions)])
