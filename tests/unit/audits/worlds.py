"""Runs whose labelers go by known rules, made in moments."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from prefloop.audits.measures import MEASURES, measure_text
from prefloop.records import REFERENCE, Comparison, Label, Prompt, Sample
from prefloop.store.store import Store

WORDS = re.findall(
    r"\w+",
    "the road ran past an old mill and down to river where boat lay tied post while someone "
    "carried baskets from house clock in hall struck four before rain came over hill with sound "
    "of wheels on gravel nobody knew who had sent letter that stood against lamp so she read it",
)


@dataclass(frozen=True, kw_only=True)
class World:
    """What labelers do in a run."""

    n_questions: int = 200
    n_samples: int = 4
    labelers: Sequence[str] = tuple(f"labeler {i}" for i in range(8))
    weights: Mapping[str, float] = field(default_factory=dict)
    """Log-odds per unit of a measure of a text, or of `position`."""
    when_fast: Mapping[str, float] = field(default_factory=dict)
    """What is added to them in the fastest third."""
    copies: float = 0.4
    """Share of samples that copy a sentence of their prompt."""
    ties: float = 0.0
    answers_each: int = 1
    prompts: int | None = None
    """Different prompts; None: as many as questions."""
    is_timed: bool = True
    text: Callable[[np.random.Generator], str] | None = None
    source: str | None = None
    version_of: Callable[[int], str] = staticmethod(lambda number: "1")
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a world holds."""

    prompts: list[Prompt]
    samples: list[Sample]
    comparisons: list[Comparison]
    labels: list[Label]


def fill(store: Store, world: World) -> list[Label]:
    """Store the prompts, samples, questions and labels of a world; return the labels."""
    made = make(world)
    store.add_all(
        prompts=made.prompts,
        samples=made.samples,
        comparisons=made.comparisons,
        labels=made.labels,
    )
    return made.labels


def make(world: World) -> Made:
    """Return the prompts, samples, questions and labels of a world."""
    rng = np.random.default_rng(world.seed)
    n_prompts = world.prompts or world.n_questions
    prompts = [_prompt(rng, i, world) for i in range(n_prompts)]
    samples: list[Sample] = []
    comparisons: list[Comparison] = []
    labels: list[Label] = []
    for number in range(world.n_questions):
        prompt = prompts[number % n_prompts]
        shown = [_sample(rng, prompt, number, k, world) for k in range(world.n_samples)]
        samples += shown
        question = Comparison(
            id=f"c{number}",
            prompt_id=prompt.id,
            sample_ids=tuple(s.id for s in shown),
            round=0,
            split="train",
        )
        comparisons.append(question)
        who = rng.choice(len(world.labelers), size=world.answers_each, replace=False)
        labels += [_label(rng, prompt, shown, question, world.labelers[w], world) for w in who]
    return Made(prompts=prompts, samples=samples, comparisons=comparisons, labels=labels)


def sentence(rng: np.random.Generator, n: int) -> str:
    """Return a sentence of so many words."""
    return " ".join(rng.choice(WORDS, size=n)).capitalize() + "."


def _prompt(rng: np.random.Generator, number: int, world: World) -> Prompt:
    text = world.source or " ".join(sentence(rng, 12) for _ in range(4))
    return Prompt(id=f"p{number}", text=f"{text}", source=f"test {number}", split="train")


def _sample(
    rng: np.random.Generator, prompt: Prompt, question: int, place: int, world: World
) -> Sample:
    if world.text is not None:
        text = world.text(rng)
    elif rng.random() < world.copies:
        text = prompt.text.split(". ")[int(rng.integers(1, 4))].rstrip(".") + "."
    else:
        text = sentence(rng, int(rng.integers(5, 20)))
    return Sample(
        id=f"s{question}-{place}",
        prompt_id=prompt.id,
        model=REFERENCE,
        round=0,
        purpose="labels",
        text=text,
        response_ids=(1,),
        is_ended=True,
        logprob=-1.0,
        ref_logprob=-1.0,
    )


def _label(
    rng: np.random.Generator,
    prompt: Prompt,
    samples: Sequence[Sample],
    question: Comparison,
    labeler: str,
    world: World,
) -> Label:
    order = rng.permutation(len(samples))
    shown = [samples[int(i)] for i in order]
    is_fast = rng.random() < 1 / 3
    likes = np.zeros(len(shown))
    for name, weight in world.weights.items():
        weight += world.when_fast.get(name, 0.0) * is_fast
        likes += weight * np.array(
            [_figure(name, prompt, s, k, shown) for k, s in enumerate(shown)]
        )
    is_tie = rng.random() < world.ties
    best = shown[int(np.argmax(likes + rng.gumbel(size=len(shown))))]
    number = int(question.id.removeprefix("c"))
    return Label(
        id=f"{question.id} {labeler}",
        comparison_id=question.id,
        labeler=labeler,
        answer="tie" if is_tie else "best",
        chosen=None if is_tie else best.id,
        shown=tuple(s.id for s in shown),
        seconds=(rng.uniform(2, 4) if is_fast else rng.uniform(10, 30))
        if world.is_timed
        else float("nan"),
        instructions=world.version_of(number),
    )


def _figure(
    name: str, prompt: Prompt, sample: Sample, place: int, shown: Sequence[Sample]
) -> float:
    if name == "position":
        return 1.0 - place / (len(shown) - 1)
    return measure_text(prompt.text, sample.text)[MEASURES.index(name)]
