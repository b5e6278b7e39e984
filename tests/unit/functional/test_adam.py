"""tensorflow_eps turns torch's Adam into the Adam of 2019."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from prefloop.functional.adam import tensorflow_eps
from tests.tolerances import FP64

LR, EPS, BETA1, BETA2, STEPS = 1e-2, 1e-5, 0.9, 0.999, 20


def gradients() -> NDArray[np.float64]:
    """Small ones, where epsilon matters, and large ones."""
    scale = np.array([1e-6, 1e-5, 1e-3, 1.0])
    return np.random.default_rng(3).normal(0, 1, (STEPS, 4)) * scale


def tensorflow_adam(grads: NDArray[np.float64]) -> NDArray[np.float64]:
    """tf.train.AdamOptimizer as its documentation states it: epsilon-hat outside the correction."""
    theta, m, v = np.zeros(4), np.zeros(4), np.zeros(4)
    path = []
    for t, g in enumerate(grads, start=1):
        lr_t = LR * np.sqrt(1 - BETA2**t) / (1 - BETA1**t)
        m = BETA1 * m + (1 - BETA1) * g
        v = BETA2 * v + (1 - BETA2) * g * g
        theta = theta - lr_t * m / (np.sqrt(v) + EPS)
        path.append(theta)
    return np.array(path)


def torch_adam(grads: NDArray[np.float64], *, is_corrected: bool) -> torch.Tensor:
    theta = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([theta], lr=LR, betas=(BETA1, BETA2), eps=EPS, fused=True)
    path = []
    for t, g in enumerate(grads, start=1):
        if is_corrected:
            optimizer.param_groups[0]["eps"] = tensorflow_eps(t, eps=EPS)
        theta.grad = torch.tensor(g)
        optimizer.step()
        path.append(theta.detach().clone())
    return torch.stack(path)


def test_torch_with_this_eps_walks_tensorflows_path() -> None:
    grads = gradients()
    expected = torch.tensor(tensorflow_adam(grads))
    torch.testing.assert_close(torch_adam(grads, is_corrected=True), expected, **FP64)


def test_torch_without_it_steps_much_further_where_gradients_are_small() -> None:
    grads = gradients()
    plain = torch_adam(grads, is_corrected=False)[0].abs()
    expected = np.abs(tensorflow_adam(grads)[0])
    ratio = plain.numpy() / expected
    assert ratio[0] > 20
    assert ratio[3] == pytest.approx(1.0, abs=1e-3)


def test_eps_falls_to_the_one_asked_for() -> None:
    path = [tensorflow_eps(t, eps=1e-5) for t in (1, 10, 100, 1000, 20_000)]
    assert path == sorted(path, reverse=True)
    assert path[0] == pytest.approx(3.1622776601683794e-4)
    assert path[-1] == pytest.approx(1e-5)


def test_steps_count_from_one() -> None:
    with pytest.raises(ValueError, match="from 1"):
        tensorflow_eps(0, eps=1e-5)
