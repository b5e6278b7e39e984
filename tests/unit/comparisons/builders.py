"""Questions, labels and hand-written sentences for these tests."""

import json
from collections.abc import Sequence
from pathlib import Path

from prefloop.comparisons.questions import Question
from prefloop.records import Answer, Comparison, Label, Prompt, Sample, Split

HANDWRITTEN = json.loads(Path(__file__).with_name("handwritten.json").read_text("utf-8"))


def make_prompt(number: int = 0, *, text: str = "He went home.", split: Split = "train") -> Prompt:
    return Prompt(id=f"p{number}", text=text, source="test", split=split)


def make_samples(texts: Sequence[str], *, prompt: Prompt, round: int = 0) -> list[Sample]:
    return [
        Sample(
            id=f"{prompt.id}-s{i}",
            prompt_id=prompt.id,
            model="reference",
            round=round,
            purpose="labels",
            text=text,
            response_ids=(1, 2),
            is_ended=True,
            logprob=-1.0,
            ref_logprob=-1.0,
        )
        for i, text in enumerate(texts)
    ]


def make_question(
    texts: Sequence[str], *, number: int = 0, round: int = 0, prompt_text: str = "He went home."
) -> Question:
    prompt = make_prompt(number, text=prompt_text)
    samples = tuple(make_samples(texts, prompt=prompt, round=round))
    comparison = Comparison(
        id=f"c{number}",
        prompt_id=prompt.id,
        sample_ids=tuple(s.id for s in samples),
        round=round,
        split="train",
    )
    return Question(comparison=comparison, prompt=prompt, samples=samples)


def make_label(
    comparison: Comparison, labeler: str, answer: Answer, chosen: str | None = None
) -> Label:
    return Label(
        id=f"{comparison.id}-{labeler}",
        comparison_id=comparison.id,
        labeler=labeler,
        answer=answer,
        chosen=chosen,
        shown=comparison.sample_ids,
        seconds=4.0,
        instructions="1",
    )
