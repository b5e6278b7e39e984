"""Trust figures: by hand, and on reward models that are known to be good, blind, or vain."""

import numpy as np
import pytest

from prefloop.figures.record import to_json
from prefloop.figures.trust import ValidationFigures
from prefloop.functional.calibration import expected_agreement
from prefloop.rewards.trust import validation_figures
from tests.known import known
from tests.tolerances import FP64, STATISTICAL

NAN = float("nan")


def test_accuracy_by_hand_with_ties_and_missing_samples() -> None:
    scores = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, NAN], [1.0, 1.0, 0.0], [5.0, 0.0, 0.0]])
    targets = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, NAN], [0.0, 1.0, 0.0], [0.5, 0.5, 0.0]])
    got = validation_figures(scores, targets, np.ones((4, 3)))
    # right, wrong, half a credit for two equal highest, and half of the votes.
    assert (got.n, got.n_tied, got.accuracy.n) == (4, 1, 4)
    np.testing.assert_allclose(got.accuracy.value, 2.0 / 4, **FP64)
    np.testing.assert_allclose(got.chance, (1 / 3 + 1 / 2 + 1 / 3 + 1 / 3) / 4, **FP64)
    assert got.ceiling is None


def _world(n: int = 4000, k: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return true scores, votes drawn from their softmax, and lengths that do not matter."""
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 1.5, (n, k))
    votes = np.eye(k)[(truth + rng.gumbel(size=(n, k))).argmax(axis=1)]
    return truth, votes, rng.integers(10, 30, (n, k)).astype(float)


def test_the_true_scores_are_calibrated_and_better_where_they_are_sure() -> None:
    truth, votes, lengths = _world()
    p = np.exp(truth) / np.exp(truth).sum(axis=1, keepdims=True)
    got = validation_figures(truth, votes, lengths, ceiling=expected_agreement(p))
    assert got.calibration.error < STATISTICAL["atol"]
    np.testing.assert_allclose(got.accuracy.value, p.max(axis=1).mean(), **STATISTICAL)
    by_margin = [row.accuracy.value for row in got.by_margin]
    assert by_margin == sorted(by_margin)
    assert got.score_length_correlation == pytest.approx(0.0, abs=0.05)


def test_an_overconfident_model_keeps_its_accuracy_and_loses_its_calibration() -> None:
    truth, votes, lengths = _world()
    fair, loud = (validation_figures(scale * truth, votes, lengths) for scale in (1.0, 4.0))
    assert loud.accuracy == fair.accuracy
    assert loud.calibration.error > fair.calibration.error + 0.05


def test_a_blind_model_is_at_chance_and_a_flipped_one_below_it() -> None:
    truth, votes, lengths = _world()
    blind = validation_figures(np.random.default_rng(1).normal(size=truth.shape), votes, lengths)
    assert known(blind.accuracy.low) < blind.chance < known(blind.accuracy.high)
    flipped = validation_figures(-truth, votes, lengths)
    assert known(flipped.accuracy.high) < flipped.chance


@pytest.mark.parametrize(("sign", "rule"), [(1, "longest"), (-1, "shortest")])
def test_a_length_shortcut_shows(sign: int, rule: str) -> None:
    _, _, lengths = _world()
    lengths = lengths + np.random.default_rng(2).random(lengths.shape)
    votes = np.eye(4)[(sign * lengths).argmax(axis=1)]
    got = validation_figures(sign * lengths, votes, lengths)
    assert got.length_only.rule == rule
    assert got.length_only.accuracy == got.accuracy
    np.testing.assert_allclose(known(got.score_length_correlation), sign, **FP64)
    assert {row.bucket for row in got.by_length} <= {
        "chosen is shorter",
        "about equal",
        "chosen is longer",
    }


def test_length_between_prompts_does_not_count() -> None:
    """Prompts with long answers and high scores throughout are no length bias."""
    rng = np.random.default_rng(3)
    level = rng.normal(0, 50, (2000, 1))
    scores, lengths = level + rng.normal(size=(2000, 4)), level + rng.normal(size=(2000, 4))
    got = validation_figures(scores, np.eye(4)[rng.integers(4, size=2000)], lengths)
    assert got.score_length_correlation == pytest.approx(0.0, abs=0.05)


def test_figures_survive_json() -> None:
    truth, votes, lengths = _world(50)
    truth[0, 3] = votes[0, 3] = lengths[0, 3] = NAN
    got = validation_figures(truth, votes, lengths, ceiling=0.6)
    assert ValidationFigures.model_validate_json(to_json(got)) == got


def test_only_ties_are_chance() -> None:
    got = validation_figures(np.zeros((2, 2)), np.full((2, 2), 0.5), np.ones((2, 2)))
    assert got.accuracy.value == got.chance == 0.5
    assert (got.n_tied, got.by_length) == (2, ())
    assert got.prefers_nothing
    split = validation_figures(np.eye(4)[:2], np.array([[0.5, 0.5, 0, 0]] * 2), np.ones((2, 4)))
    assert split.n_tied == 2 and not split.prefers_nothing, "labelers who differ prefer something"
    blind = validation_figures(np.zeros((2, 4)), np.eye(4)[:2], np.ones((2, 4)))
    assert blind.accuracy.value == blind.chance and not blind.prefers_nothing


def test_accuracy_and_ceiling_are_of_one_kind() -> None:
    """A model that is one more labeler reaches the ceiling; majorities alone would overstate it."""
    rng = np.random.default_rng(5)
    truth = rng.normal(0, 1.0, (6000, 4))
    raters = [(truth + rng.gumbel(size=truth.shape)).argmax(axis=1) for _ in range(3)]
    votes = np.stack([np.eye(4)[r] for r in raters])
    got = validation_figures(votes[2], votes[:2].mean(axis=0), np.ones(truth.shape))
    np.testing.assert_allclose(got.accuracy.value, (raters[0] == raters[1]).mean(), **STATISTICAL)
    agreed = raters[0] == raters[1]
    majority_only = (raters[2] == raters[0])[agreed].mean()
    assert majority_only > got.accuracy.value + 0.05
