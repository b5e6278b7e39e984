"""Labels as arrays: what was shown, chosen, and when."""

import numpy as np

from prefloop.audits.answers import answer_table
from prefloop.records import Answer, Comparison, Label

COMPARISONS = {
    "c1": Comparison(id="c1", prompt_id="p1", sample_ids=("a", "b", "c"), round=0, split="train"),
    "c2": Comparison(id="c2", prompt_id="p2", sample_ids=("d", "e"), round=0, split="train"),
}


def label(
    comparison: str,
    labeler: str,
    chosen: str | None,
    shown: tuple[str, ...],
    *,
    answer: Answer = "best",
    seconds: float = 5.0,
) -> Label:
    return Label(
        id=f"{comparison} {labeler}",
        comparison_id=comparison,
        labeler=labeler,
        answer=answer,
        chosen=chosen,
        shown=shown,
        seconds=seconds,
        instructions="1",
    )


def test_a_row_for_each_sample_that_was_chosen_from() -> None:
    table = answer_table(
        [
            label("c1", "ann", "b", ("c", "b", "a")),
            label("c2", "bob", None, ("d", "e"), answer="tie"),
            label("c2", "ann", None, ("d", "e"), answer="skip"),
        ],
        COMPARISONS,
    )
    assert table.sample_ids == ("a", "b", "c", "d", "e")
    assert table.targets.tolist() == [0, 1, 0, 0.5, 0.5]
    assert table.place.tolist() == [0, 0.5, 1, 1, 0]
    assert table.starts.tolist() == [0, 3]
    assert table.is_choice.tolist() == [True, False]
    assert table.chance == 1 / 3


def test_answers_on_one_prompt_are_in_one_fold() -> None:
    many = {
        f"c{i}": Comparison(
            id=f"c{i}", prompt_id=f"p{i % 20}", sample_ids=("a", "b"), round=0, split="train"
        )
        for i in range(100)
    }
    table = answer_table([label(c, "ann", "a", ("a", "b")) for c in many], many)
    folds = table.folds()
    by_prompt = [set(folds[table.prompt == p].tolist()) for p in range(20)]
    assert all(len(found) == 1 for found in by_prompt)
    assert np.bincount(folds).tolist() == [20] * 5


def test_the_fastest_third_is_each_labelers_own() -> None:
    seconds = [1.0, 2, 3, 10, 20, 30, float("nan")]
    who = ["ann"] * 3 + ["bob"] * 4
    answers = [
        label("c1", f"{name}", "a", ("a", "b", "c"), seconds=s)
        for name, s in zip(who, seconds, strict=True)
    ]
    fast = answer_table(answers, COMPARISONS).fastest()
    assert fast.tolist() == [True, False, False, True, False, False, False]


def test_answers_that_took_equally_long_are_not_fast() -> None:
    answers = [label("c1", "ann", "a", ("a", "b", "c"), seconds=s) for s in [2.0] * 6]
    assert not answer_table(answers, COMPARISONS).fastest().any()
    answers = [label("c1", "ann", "a", ("a", "b", "c"), seconds=s) for s in (2.0, 1, 2, 2, 2, 9)]
    assert answer_table(answers, COMPARISONS).fastest().tolist() == [False, True] + [False] * 4


def test_no_answer_is_no_table() -> None:
    table = answer_table([], {})
    assert table.chance is None and len(table.starts) == 0
