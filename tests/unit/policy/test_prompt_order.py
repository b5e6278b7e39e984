"""An update repeats a prompt only where there are fewer prompts than it needs."""

from collections import Counter

import pytest

from prefloop.policy.prompt_order import PromptOrder


@pytest.mark.parametrize(
    ("n_prompts", "per_update"), [(80, 64), (65, 64), (64, 64), (100, 7), (7, 1), (130, 64)]
)
def test_no_prompt_stands_twice_in_an_update(n_prompts: int, per_update: int) -> None:
    order = PromptOrder(per_update)
    for update in range(40):
        assert len(set(order.of_update(update, n_prompts, seed=1))) == per_update


@pytest.mark.parametrize(
    ("n_prompts", "per_update"), [(20, 64), (63, 64), (1, 8), (5, 64), (40, 64), (33, 64)]
)
def test_with_few_prompts_none_stands_there_more_often_than_it_must(
    n_prompts: int, per_update: int
) -> None:
    order = PromptOrder(per_update)
    for update in range(40):
        counts = Counter(order.of_update(update, n_prompts, seed=1))
        assert max(counts.values()) == -(-per_update // n_prompts)
        assert len(counts) == n_prompts


@pytest.mark.parametrize(("n_prompts", "per_update"), [(80, 64), (20, 64), (33, 8)])
def test_every_prompt_is_used_once_before_any_is_used_twice(
    n_prompts: int, per_update: int
) -> None:
    order = PromptOrder(per_update)
    seen = [place for update in range(30) for place in order.of_update(update, n_prompts, seed=2)]
    whole = len(seen) // n_prompts * n_prompts
    for start in range(0, whole, n_prompts):
        assert set(seen[start : start + n_prompts]) == set(range(n_prompts))


def test_an_update_is_the_same_whether_or_not_the_earlier_ones_were_asked_for() -> None:
    """So a resumed run sees the prompts that the uninterrupted one would have seen."""
    straight, resumed = PromptOrder(64), PromptOrder(64)
    expected = [straight.of_update(update, 80, seed=3) for update in range(12)]
    assert resumed.of_update(11, 80, seed=3) == expected[11]
    assert resumed.of_update(4, 80, seed=3) == expected[4]
    assert resumed.of_update(4, 80, seed=4) != expected[4]
    assert resumed.of_update(4, 81, seed=3) != expected[4]


def test_every_prompt_comes_up_in_every_part_of_a_pass() -> None:
    """What an update around the end of a pass holds is put off, but not always the same prompts."""
    order = PromptOrder(64)
    lasts = Counter(
        place for update in range(0, 500, 5) for place in order.of_update(update, 80, seed=5)[-16:]
    )
    assert set(lasts) == set(range(80))
    assert max(lasts.values()) < 60
