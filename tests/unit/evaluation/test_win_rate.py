"""Head to head, with judges whose verdicts can be checked by eye."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from prefloop.evaluation.judges.build import CheckedJudge
from prefloop.evaluation.judges.scorer_judge import ScorerJudge
from prefloop.evaluation.win_rate import head_to_head, win_rate_figures
from prefloop.progress import StopPoint
from prefloop.records import REFERENCE, Sample, Verdict
from prefloop.scorers.build import CheckedScorer
from prefloop.store.store import Store
from tests.unit.evaluation.worlds import (
    FirstLetter,
    WordCount,
    prompt,
    sample,
    word_count_judge,
)

PROMPTS = {p.id: p for p in (prompt(0), prompt(1), prompt(2), prompt(3))}
OURS = [sample(0, "a b c d"), sample(1, "a"), sample(2, "a b"), sample(3, "a b c d e")]
THEIRS = [
    sample(2, "x y", model=REFERENCE),
    sample(0, "x", model=REFERENCE),
    sample(1, "x y z", model=REFERENCE),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "prefloop.db") as opened:
        opened.add_prompts(list(PROMPTS.values()))
        opened.add_samples(OURS + THEIRS)
        yield opened


def _verdicts(
    store: Store, ours: list[Sample] = OURS, theirs: list[Sample] = THEIRS, tie_margin: float = 0.0
) -> list[Verdict]:
    return head_to_head(store, word_count_judge(tie_margin), PROMPTS, ours, theirs)


def test_verdicts_are_paired_by_prompt_and_name_their_samples(store: Store) -> None:
    verdicts = _verdicts(store)
    assert [(v.prompt_id, v.outcome) for v in verdicts] == [("p0", 1.0), ("p1", 0.0), ("p2", 0.5)]
    first = verdicts[0]
    assert (first.sample_id, first.baseline_sample_id) == (OURS[0].id, THEIRS[1].id)
    assert (first.model, first.baseline) == ("policy/update-8", "reference")
    assert (first.score, first.baseline_score) == (1.0, -2.0)
    assert first.judge == "words"
    assert store.verdicts(model="policy/update-8", baseline="reference", judge="words") == verdicts


def test_swapping_the_models_swaps_the_outcomes(store: Store) -> None:
    there = _verdicts(store, OURS[:3], THEIRS)
    back = _verdicts(store, THEIRS, OURS[:3])
    assert {v.prompt_id: v.outcome for v in there} == {v.prompt_id: 1 - v.outcome for v in back}


def test_a_margin_makes_ties_and_other_verdicts(store: Store) -> None:
    assert [v.outcome for v in _verdicts(store)] == [1.0, 0.0, 0.5]
    assert [v.outcome for v in _verdicts(store, tie_margin=2.0)] == [1.0, 0.5, 0.5]


def test_nothing_is_scored_twice(store: Store) -> None:
    scorer = WordCount()
    judge = CheckedJudge("words", ScorerJudge(CheckedScorer("words", scorer)))
    first = head_to_head(store, judge, PROMPTS, OURS, THEIRS)
    assert scorer.n_scored == 6
    assert head_to_head(store, judge, PROMPTS, OURS, THEIRS) == first
    assert scorer.n_scored == 6
    assert len(store.verdicts()) == 3


def test_a_judge_without_scores_is_asked_once_about_each_pair(store: Store) -> None:
    reader = FirstLetter()
    judge = CheckedJudge("letters", reader)
    verdicts = head_to_head(store, judge, PROMPTS, OURS[:1], THEIRS)
    assert reader.n_asked == 1
    verdicts = head_to_head(store, judge, PROMPTS, OURS, THEIRS)
    assert reader.n_asked == 3, "the first one was stored"
    assert [v.outcome for v in verdicts] == [1.0, 1.0, 1.0]
    assert {(v.score, v.baseline_score) for v in verdicts} == {(None, None)}
    figures = win_rate_figures(verdicts, description=judge.description)
    assert (figures.score, figures.positive, figures.baseline_score) == (None, None, None)
    assert figures.rate.value == 1.0


def test_figures_count_and_name_their_rows(store: Store) -> None:
    verdicts = _verdicts(store)
    got = win_rate_figures(verdicts, description="a count of words", shared_sources=["x"])
    assert (got.wins, got.ties, got.losses, got.n) == (1, 1, 1, 3)
    assert got.rate.value == 0.5
    assert got.decisive_rate is not None and got.decisive_rate.n == 2
    assert got.positive is not None and got.positive.value == pytest.approx(1 / 3)
    assert got.baseline_positive is not None and got.baseline_positive.value == 0.0
    assert got.verdict_ids == tuple(v.id for v in verdicts)
    assert "clustered by prompt" in got.rate.how
    assert (got.judge, got.shared_sources) == ("words", ("x",))


def test_no_shared_prompt_gives_no_verdict(store: Store) -> None:
    assert _verdicts(store, OURS[3:]) == []


def test_a_stop_between_batches_keeps_what_was_judged(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefloop.evaluation.win_rate.PAIRS_AT_ONCE", 2)
    points: list[StopPoint] = []

    def stop_at_the_second(point: StopPoint) -> None:
        points.append(point)
        if len(points) == 2:
            raise KeyboardInterrupt

    reader = FirstLetter()
    judge = CheckedJudge("letters", reader)
    with pytest.raises(KeyboardInterrupt):
        head_to_head(store, judge, PROMPTS, OURS, THEIRS, stop_at_the_second)
    assert points == ["during evaluation"] * 2
    assert len(store.verdicts()) == reader.n_asked == 2
    head_to_head(store, judge, PROMPTS, OURS, THEIRS)
    assert reader.n_asked == 3
