"""Comparisons made from samples."""

import pytest

from prefloop.comparisons.selection.builder import make_comparisons
from prefloop.errors import InputError
from prefloop.records import Prompt, Sample
from tests.unit.comparisons.builders import make_prompt, make_samples

WORDS = ("one", "one two", "one two three", "one two three four")


def material(n: int) -> tuple[dict[str, Prompt], list[Sample]]:
    prompts = [make_prompt(i) for i in range(n)]
    return {p.id: p for p in prompts}, [s for p in prompts for s in make_samples(WORDS, prompt=p)]


def test_one_question_per_prompt_with_stable_ids() -> None:
    prompts, samples = material(3)
    first = make_comparisons(samples, prompts, round=0, per_prompt=3)
    assert [c.prompt_id for c in first] == ["p0", "p1", "p2"]
    assert first[0].sample_ids == ("p0-s0", "p0-s1", "p0-s2")
    assert first == make_comparisons(samples, prompts, round=0, per_prompt=3)
    other = make_comparisons(samples, prompts, round=1, per_prompt=3)
    assert not {c.id for c in first} & {c.id for c in other}


def test_the_split_follows_the_prompt() -> None:
    prompts = {p.id: p for p in (make_prompt(0), make_prompt(1, split="validation"))}
    samples = [s for p in prompts.values() for s in make_samples(WORDS, prompt=p)]
    asked = make_comparisons(samples, prompts, round=0, per_prompt=4)
    assert [c.split for c in asked] == ["train", "validation"]


def test_held_out_prompts_are_refused() -> None:
    prompt = make_prompt(0, split="held_out")
    with pytest.raises(InputError, match="p0 is held out"):
        make_comparisons(make_samples(WORDS, prompt=prompt), {"p0": prompt}, round=0, per_prompt=4)


def test_the_same_text_is_not_shown_twice() -> None:
    prompt = make_prompt(0)
    texts = ["He left.", " he  LEFT.\n", "He stayed.", "He left."]
    (asked,) = make_comparisons(
        make_samples(texts, prompt=prompt), {"p0": prompt}, round=0, per_prompt=4
    )
    assert asked.sample_ids == ("p0-s0", "p0-s2")


def test_a_duplicate_makes_room_for_the_next_text() -> None:
    prompt = make_prompt(0)
    samples = make_samples(["a", "A", "b", "c"], prompt=prompt)
    (asked,) = make_comparisons(samples, {"p0": prompt}, round=0, per_prompt=3)
    assert asked.sample_ids == ("p0-s0", "p0-s2", "p0-s3")


def test_with_one_text_there_is_no_question() -> None:
    prompt = make_prompt(0)
    samples = make_samples(["Same.", "same."], prompt=prompt)
    assert make_comparisons(samples, {"p0": prompt}, round=0, per_prompt=4) == []
