"""The reward model's loss and accuracy."""

import math

import pytest
import torch

from prefloop.functional.preference_loss import best_of_k_accuracy, best_of_k_loss
from tests.tolerances import FP32, FP64

GENERATOR = torch.Generator().manual_seed(9)
SCORES = torch.randn(6, 4, generator=GENERATOR, dtype=torch.float64)
TARGETS = torch.rand(6, 4, generator=GENERATOR, dtype=torch.float64).softmax(1)


def test_two_responses_give_the_bradley_terry_loss() -> None:
    scores = SCORES[:, :2]
    chosen_first = torch.tensor([[1.0, 0.0]], dtype=torch.float64).expand(6, 2)
    expected = -torch.nn.functional.logsigmoid(scores[:, 0] - scores[:, 1]).mean()
    torch.testing.assert_close(best_of_k_loss(scores, chosen_first), expected, **FP64)


def test_hard_targets_give_torchs_cross_entropy() -> None:
    best = torch.tensor([0, 3, 1, 1, 2, 0])
    targets = torch.nn.functional.one_hot(best, 4).double()
    expected = torch.nn.functional.cross_entropy(SCORES, best)
    torch.testing.assert_close(best_of_k_loss(SCORES, targets), expected, **FP64)


@pytest.mark.parametrize("k", [2, 4, 8])
def test_equal_scores_cost_log_k_and_earn_one_in_k(k: int) -> None:
    targets = torch.eye(k)
    assert best_of_k_loss(torch.zeros(k, k), targets).item() == pytest.approx(math.log(k))
    credit = best_of_k_accuracy(torch.zeros(k, k), targets)
    torch.testing.assert_close(credit, torch.full((k,), 1 / k), **FP32)


def test_absent_response_changes_neither_loss_nor_gradient() -> None:
    narrow = SCORES[:, :3].clone().requires_grad_()
    targets = TARGETS[:, :3] / TARGETS[:, :3].sum(1, keepdim=True)
    best_of_k_loss(narrow, targets).backward()
    wide = torch.cat([SCORES[:, :3], torch.full((6, 1), torch.nan)], 1).requires_grad_()
    present = torch.tensor([[True, True, True, False]]).expand(6, 4)
    padded = torch.cat([targets, torch.zeros(6, 1)], 1)
    loss = best_of_k_loss(wide, padded, present)
    loss.backward()
    torch.testing.assert_close(loss, best_of_k_loss(SCORES[:, :3], targets), **FP64)
    assert wide.grad is not None and narrow.grad is not None
    torch.testing.assert_close(wide.grad[:, :3], narrow.grad, **FP64)
    assert wide.grad[:, 3].tolist() == [0.0] * 6


def test_gradient_is_softmax_minus_target() -> None:
    scores = SCORES.clone().requires_grad_()
    best_of_k_loss(scores, TARGETS).backward()
    torch.testing.assert_close(scores.grad, (SCORES.softmax(1) - TARGETS) / 6, **FP64)


def test_microbatches_add_up_to_the_minibatch() -> None:
    whole = best_of_k_loss(SCORES, TARGETS)
    parts = [
        best_of_k_loss(SCORES[i : i + 2], TARGETS[i : i + 2], denominator=6) for i in (0, 2, 4)
    ]
    torch.testing.assert_close(sum(parts), whole, **FP64)


def test_loss_is_least_where_the_softmax_meets_the_targets() -> None:
    best = best_of_k_loss(TARGETS.log(), TARGETS)
    entropy = -(TARGETS * TARGETS.log()).sum(1).mean()
    torch.testing.assert_close(best, entropy, **FP64)
    assert best < best_of_k_loss(SCORES, TARGETS)


@pytest.mark.parametrize(
    ("targets", "present", "words"),
    [
        ([[0.5, 0.6]], [[True, True]], "sum to 1"),
        ([[1.5, -0.5]], [[True, True]], "sum to 1"),
        ([[0.5, 0.45]], [[True, True]], "sum to 1"),
        ([[0.5, 0.501]], [[True, True]], "sum to 1"),
        ([[0.5, 0.5]], [[True, False]], "not present"),
        ([[0.0, 0.0]], [[False, False]], "no response"),
    ],
)
def test_targets_that_are_no_probabilities_are_refused(
    targets: list[list[float]], present: list[list[bool]], words: str
) -> None:
    scores = torch.zeros(1, 2)
    for function in (best_of_k_loss, best_of_k_accuracy):
        with pytest.raises(ValueError, match=words):
            function(scores, torch.tensor(targets), torch.tensor(present))


def test_labels_drawn_from_known_scores_give_those_scores_back() -> None:
    """Up to a constant, which the loss cannot see."""
    truth = torch.tensor([1.0, 0.0, -0.5, 0.3], dtype=torch.float64)
    learned = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    targets = truth.softmax(0).expand(1, 4)
    optimizer = torch.optim.LBFGS(
        [learned], max_iter=100, tolerance_grad=1e-12, tolerance_change=1e-16
    )

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = best_of_k_loss(learned.expand(1, 4), targets)
        loss.backward()
        return loss

    optimizer.step(closure)
    result = learned.detach() - learned.detach().mean()
    torch.testing.assert_close(result, truth - truth.mean(), **FP32)
