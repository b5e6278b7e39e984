"""Scores of stored samples: computed once, kept, and never read when they are stale."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from prefloop.errors import InputError
from prefloop.records import Prompt, Sample
from prefloop.samples import scores as scores_module
from prefloop.samples.scores import score_samples
from prefloop.scorers.build import CheckedScorer, build_scorer, build_weighted
from prefloop.scorers.scorer import Scores
from prefloop.settings.section import Section
from prefloop.store.store import Store
from tests.tolerances import EXACT, FP64
from tests.unit.comparisons.builders import make_prompt, make_samples

PROMPT = make_prompt(text="He went home.")
PROMPTS = {PROMPT.id: PROMPT}
TEXTS = [f"{'word ' * n}end." for n in range(7)]
SAMPLES = make_samples(TEXTS, prompt=PROMPT)


class Counting:
    """Scores by characters, and remembers what it was asked."""

    name: ClassVar[str] = "counting"
    sources: ClassVar[frozenset[str]] = frozenset({"length"})
    description: ClassVar[str] = "a count of characters"

    class Settings(Section):
        scale: float = 1.0

    def __init__(self, settings: Settings, *, fails_at: str | None = None) -> None:
        self.scale = settings.scale
        self.fails_at = fails_at
        self.asked: list[str] = []
        self.content_hash = "weights 1"

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        assert list(prompts) == [PROMPT.text] * len(responses)
        if self.fails_at in responses:
            raise RuntimeError("the server is gone")
        self.asked += responses
        return self.scale * np.array([float(len(text)) for text in responses])


def counting(name: str = "mine", scale: float = 1.0, **more: str) -> tuple[CheckedScorer, Counting]:
    settings = Counting.Settings(scale=scale)
    scorer = Counting(settings, **more)
    return CheckedScorer(name, scorer, settings), scorer


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "prefloop.db") as opened:
        opened.add_all(prompts=[PROMPT], samples=SAMPLES)
        yield opened


def scored(store: Store, checked: CheckedScorer, samples: Sequence[Sample] = SAMPLES) -> Scores:
    prompts: dict[str, Prompt] = PROMPTS
    return score_samples(store, checked, prompts, samples)


def test_a_sample_is_scored_once(store: Store) -> None:
    checked, scorer = counting()
    expected = [float(len(text)) for text in TEXTS]
    np.testing.assert_allclose(scored(store, checked, SAMPLES[:4]), expected[:4], **EXACT)
    np.testing.assert_allclose(scored(store, checked), expected, **EXACT)
    again, other = counting()
    np.testing.assert_allclose(scored(store, again, SAMPLES[::-1]), expected[::-1], **EXACT)
    assert scorer.asked == TEXTS and other.asked == []


def test_a_sample_that_is_asked_for_twice_is_scored_once(store: Store) -> None:
    checked, scorer = counting()
    assert scored(store, checked, [SAMPLES[1], SAMPLES[0], SAMPLES[1]]).tolist() == [9, 4, 9]
    assert sorted(scorer.asked) == sorted(TEXTS[:2])


def test_no_samples_have_no_scores(store: Store) -> None:
    checked, _ = counting()
    assert scored(store, checked, []).shape == (0,)


def test_stale_scores_are_not_read(store: Store) -> None:
    """Other settings, other weights and another name are other scores."""
    first, _ = counting()
    scored(store, first)
    scaled, by_scale = counting(scale=2.0)
    np.testing.assert_allclose(scored(store, scaled), 2 * scored(store, first), **EXACT)
    retrained, by_weights = counting()
    by_weights.content_hash = "weights 2"
    scored(store, retrained)
    renamed, by_name = counting(name="other")
    scored(store, renamed)
    assert by_scale.asked == by_weights.asked == by_name.asked == TEXTS


def test_what_was_scored_before_a_failure_is_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scores_module, "BATCH", 2)
    failing, first = counting(fails_at=TEXTS[5])
    with pytest.raises(InputError, match=r"scorer 'mine' .*the server is gone"):
        scored(store, failing)
    checked, second = counting()
    scored(store, checked)
    assert first.asked == TEXTS[:4] and second.asked == TEXTS[4:]


def test_scores_that_are_none_are_not_kept(store: Store) -> None:
    checked, _ = counting(scale=float("nan"))
    with pytest.raises(InputError, match="'mine' returned nan"):
        scored(store, checked)
    assert store.scores.known("mine", checked.fingerprint, [s.id for s in SAMPLES]) == {}


def test_a_mix_is_kept_part_by_part(store: Store) -> None:
    mixed = build_weighted({"length": 2.0, "imagery": -0.5}, {})
    expected = mixed.score([PROMPT.text] * len(TEXTS), TEXTS)
    np.testing.assert_allclose(score_samples(store, mixed, PROMPTS, SAMPLES), expected, **FP64)
    length = build_scorer("length", {})
    known = store.scores.known("length", length.fingerprint, [s.id for s in SAMPLES])
    assert len(known) == len(SAMPLES)


def test_a_changed_function_is_scored_again(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    section = {"mine": {"kind": "function", "file": str(file)}}
    file.write_text("def score(prompts, responses):\n    return [1.0] * len(responses)\n")
    assert set(scored(store, build_scorer("mine", section))) == {1.0}
    file.write_text("def score(prompts, responses):\n    return [2.0] * len(responses)\n")
    assert set(scored(store, build_scorer("mine", section))) == {2.0}


class Counts:
    """Remembers how much was done of how much."""

    def __init__(self) -> None:
        self.counts: list[tuple[str, int, int]] = []

    def say(self, text: str) -> None:
        raise AssertionError(text)

    def count(self, what: str, done: int, total: int, detail: str = "") -> None:
        self.counts.append((what, done, total))


def test_progress_hears_of_what_is_computed_where_it_takes_several_batches(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress, (scorer, _) = Counts(), counting()
    score_samples(store, scorer, PROMPTS, SAMPLES[:2], progress)
    assert progress.counts == [], "one batch is done at once"
    monkeypatch.setattr(scores_module, "BATCH", 2)
    score_samples(store, scorer, PROMPTS, SAMPLES, progress)
    what = "samples scored by mine"
    assert progress.counts == [(what, 2, 5), (what, 4, 5), (what, 5, 5)], "two were known"
    score_samples(store, scorer, PROMPTS, SAMPLES, progress)
    assert len(progress.counts) == 3
