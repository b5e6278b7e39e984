"""Rises of shares against published tables."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from prefloop.functional.rising_shares import rise_p_values, share_divergence
from tests.tolerances import FP64


def check_rises(rise: Callable[..., Any]) -> None:
    """Fisher 1935: a lady names 3 of the 4 cups with milk first, and 1 of the others; his twins'
    convictions, 10 of 13 against 2 of 17. R's `fisher.test` prints 0.2429 and 0.0004652; by hand
    (16 + 1) / 70, and (66 * 816 + 12 * 153 + 18) of the 119,759,850 ways to draw 13 of 30.
    """
    tea = rise(np.array([3]), 4, np.array([1]), 4)
    twins = rise(np.array([10]), 13, np.array([2]), 17)
    np.testing.assert_allclose(tea, [17 / 70], **FP64)
    np.testing.assert_allclose(twins, [55710 / 119759850], **FP64)


def check_divergence(divergence: Callable[..., Any]) -> None:
    """By hand: 4 of 4 against 1 of 4 are the shares 0.9 and 0.3, so 0.9 ln 3 - 0.1 ln 7 nats; a
    rare word that 3 of 10 answers have (3.5 / 11 against 0.5 / 11) moved further than a common one
    that rose by as many, from 5 of 10 to 8."""
    (moved,) = divergence(np.array([4]), 4, np.array([1]), 4)
    np.testing.assert_allclose(moved, 0.9 * 1.0986122886681098 - 0.1 * 1.9459101490553132, **FP64)
    rare, common = divergence(np.array([3, 8]), 10, np.array([0, 5]), 10)
    assert rare > common
    assert divergence(np.array([2]), 8, np.array([2]), 8)[0] == 0.0


def test_the_divergence_of_shares() -> None:
    check_divergence(share_divergence)


def test_published_tables() -> None:
    check_rises(rise_p_values)


def test_many_words_at_once_are_each_of_them_alone() -> None:
    now, before = np.array([3, 0, 1, 3, 4]), np.array([1, 2, 0, 1, 0])
    alone = [rise_p_values(now[[i]], 4, before[[i]], 8)[0] for i in range(5)]
    np.testing.assert_array_equal(rise_p_values(now, 4, before, 8), alone)
    assert rise_p_values(now[:0], 4, before[:0], 8).shape == (0,)


def test_a_word_in_no_answer_has_not_risen() -> None:
    assert rise_p_values(np.array([0]), 5, np.array([3]), 5)[0] == 1.0


@pytest.mark.parametrize(("n", "n_earlier"), [(0, 3), (3, 0)])
def test_without_answers_there_is_no_share(n: int, n_earlier: int) -> None:
    for formula in (rise_p_values, share_divergence):
        with pytest.raises(ValueError, match="both sides need answers"):
            formula(np.array([0]), n, np.array([0]), n_earlier)


def test_chance_is_rarely_called_a_rise() -> None:
    """At 5 % at most 5 % of 4,000 words that did not rise; exact tests are below."""
    stream = np.random.default_rng(3)
    now, before = stream.binomial(64, 0.1, 4000), stream.binomial(200, 0.1, 4000)
    assert 0.01 < (rise_p_values(now, 64, before, 200) <= 0.05).mean() <= 0.05
