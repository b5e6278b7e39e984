"""The spread of an ensemble: by hand, and with the mistakes that it is made with."""

import pytest
import torch

from prefloop.functional.ensemble import centering_shifts, member_spread
from tests.tolerances import EXACT, FP32
from tests.wrong_twins.ensemble_twins import divided_by_members, spread_over_responses

MEMBERS = torch.tensor([[0.0, 2.0], [1.0, 1.0], [-3.0, 1.0]])
BY_HAND = torch.tensor([2.0**0.5, 0.0, 8.0**0.5])


def test_spread_by_hand() -> None:
    torch.testing.assert_close(member_spread(MEMBERS), BY_HAND, **FP32)
    with pytest.raises(ValueError, match="2 members or more"):
        member_spread(MEMBERS[:, :1])


@pytest.mark.parametrize("twin", [divided_by_members, spread_over_responses])
def test_a_wrong_spread_is_seen(twin: object) -> None:
    found = twin(MEMBERS)  # type: ignore[operator]
    assert found.shape != BY_HAND.shape or not torch.allclose(found, BY_HAND)


def test_a_level_is_no_disagreement() -> None:
    shifts = centering_shifts(MEMBERS, 2.0)
    centered = 2.0 * MEMBERS + torch.tensor(shifts)
    torch.testing.assert_close(centered.mean(dim=0), torch.zeros(2), **FP32)
    moved = MEMBERS + torch.tensor([5.0, -4.0])
    again = 2.0 * moved + torch.tensor(centering_shifts(moved, 2.0))
    torch.testing.assert_close(member_spread(again), member_spread(centered), **FP32)
    assert not torch.allclose(member_spread(moved), member_spread(MEMBERS))
    torch.testing.assert_close(member_spread(moved - moved), torch.zeros(3), **EXACT)
