"""Head to head, with a judge whose verdicts can be checked by eye."""

import pytest

from prefloop.evaluation.win_rate import head_to_head, win_rate_figures
from prefloop.records import REFERENCE
from tests.unit.evaluation.worlds import WordCountJudge, prompt, sample

PROMPTS = {p.id: p for p in (prompt(0), prompt(1), prompt(2), prompt(3))}
OURS = [sample(0, "a b c d"), sample(1, "a"), sample(2, "a b"), sample(3, "a b c d e")]
THEIRS = [
    sample(2, "x y", model=REFERENCE),
    sample(0, "x", model=REFERENCE),
    sample(1, "x y z", model=REFERENCE),
]


def test_verdicts_are_paired_by_prompt_and_name_their_samples() -> None:
    verdicts = head_to_head(WordCountJudge(), PROMPTS, OURS, THEIRS)
    assert [(v.prompt_id, v.outcome) for v in verdicts] == [("p0", 1.0), ("p1", 0.0), ("p2", 0.5)]
    first = verdicts[0]
    assert (first.sample_id, first.baseline_sample_id) == (OURS[0].id, THEIRS[1].id)
    assert (first.score, first.baseline_score) == (1.0, -2.0)
    assert (first.judge, first.model, first.baseline) == ("word-count", OURS[0].model, REFERENCE)


def test_swapping_the_models_swaps_the_outcomes() -> None:
    there = head_to_head(WordCountJudge(), PROMPTS, OURS[:3], THEIRS)
    back = head_to_head(WordCountJudge(), PROMPTS, THEIRS, OURS[:3])
    assert {v.prompt_id: v.outcome for v in there} == {v.prompt_id: 1 - v.outcome for v in back}


def test_a_margin_makes_ties() -> None:
    verdicts = head_to_head(WordCountJudge(), PROMPTS, OURS, THEIRS, tie_margin=2.0)
    assert [v.outcome for v in verdicts] == [1.0, 0.5, 0.5]


def test_the_same_verdict_has_the_same_id() -> None:
    a, b = (head_to_head(WordCountJudge(), PROMPTS, OURS, THEIRS) for _ in "ab")
    assert a == b
    assert len({v.id for v in a}) == 3


def test_figures_count_and_name_their_rows() -> None:
    verdicts = head_to_head(WordCountJudge(), PROMPTS, OURS, THEIRS)
    got = win_rate_figures(verdicts)
    assert (got["wins"], got["ties"], got["losses"], got["n"]) == (1, 1, 1, 3)
    assert got["rate"]["value"] == 0.5
    assert got["decisive_rate"]["n"] == 2
    assert got["policy_positive"]["value"] == pytest.approx(1 / 3)
    assert got["reference_positive"]["value"] == 0.0
    assert got["verdict_ids"] == [v.id for v in verdicts]
    assert "clustered by prompt" in got["rate"]["how"]


def test_no_shared_prompt_gives_no_verdict() -> None:
    assert head_to_head(WordCountJudge(), PROMPTS, OURS[3:], THEIRS) == []
