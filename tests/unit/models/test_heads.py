"""The value head starts at nothing, the score head at unit scale (details 8 and 11)."""

import pytest
import torch

from prefloop.models.heads import ScoreHead, ValueHead
from prefloop.models.runtime import CPU
from tests.tolerances import EXACT, FP32

WIDTH = 4096
HIDDEN = torch.randn(7, WIDTH, generator=torch.Generator().manual_seed(1))


def test_every_value_is_exactly_zero_at_the_start() -> None:
    values = ValueHead(WIDTH, runtime=CPU).values(HIDDEN)
    torch.testing.assert_close(values, torch.zeros(7), **EXACT)


def test_score_weights_have_the_spread_of_2019() -> None:
    weight = ScoreHead(WIDTH, seed=1, runtime=CPU).weight
    assert weight.std().item() * (WIDTH + 1) ** 0.5 == pytest.approx(1.0, rel=0.05)
    assert weight.mean().item() * (WIDTH + 1) ** 0.5 == pytest.approx(0.0, abs=0.05)


def test_without_the_root_the_spread_would_be_another() -> None:
    weight = ScoreHead(WIDTH, seed=1, runtime=CPU).weight
    assert weight.std().item() * (WIDTH + 1) > 10


def test_a_reset_head_depends_on_its_seed_alone() -> None:
    head, other = ScoreHead(WIDTH, seed=1, runtime=CPU), ScoreHead(WIDTH, seed=2, runtime=CPU)
    assert not torch.equal(head.weight, other.weight)
    other.rescale(3.0, [1.0])
    other.reset(1)
    torch.testing.assert_close(other.scores(HIDDEN), head.scores(HIDDEN), **EXACT)


def test_rescaling_twice_is_one_affine_map() -> None:
    head = ScoreHead(WIDTH, seed=1, runtime=CPU)
    before = head.scores(HIDDEN).detach()
    head.rescale(2.0, [-1.0])
    head.rescale(0.5, [3.0])
    after = head.scores(HIDDEN)
    torch.testing.assert_close(after, 0.5 * (2.0 * before - 1.0) + 3.0, **FP32)
