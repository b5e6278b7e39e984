"""Too many tries are refused for a while, and only those of the one who made them."""

import pytest

from prefloop.web.services.rate_limits import MOST_KEYS, LoginLimits, RateLimit


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_so_many_tries_and_no_more_until_the_time_is_over(clock: Clock) -> None:
    limit = RateLimit(3, 60, clock)
    assert [limit.take("a") for _ in range(3)] == [None] * 3
    clock.now += 20
    assert limit.take("a") == pytest.approx(40)
    assert limit.take("b") is None, "somebody else is not to blame"
    clock.now += 41
    assert limit.take("a") is None


def test_waiting_it_out_is_not_made_longer_by_trying(clock: Clock) -> None:
    limit = RateLimit(1, 60, clock)
    limit.take("a")
    for _ in range(10):
        clock.now += 5
        assert limit.take("a") is not None
    clock.now += 11
    assert limit.take("a") is None


def test_a_try_that_is_given_back_does_not_count(clock: Clock) -> None:
    limit = RateLimit(1, 60, clock)
    for _ in range(5):
        assert limit.take("a") is None
        limit.give_back("a")


def test_a_flood_of_strangers_does_not_fill_the_memory(clock: Clock) -> None:
    limit = RateLimit(2, 60, clock)
    for number in range(3 * MOST_KEYS):
        clock.now += 0.001
        limit.take(str(number))
    assert len(limit._taken) <= MOST_KEYS
    assert limit.take(str(3 * MOST_KEYS - 1)) is None
    assert limit.take(str(3 * MOST_KEYS - 1)) is not None, "the newest are remembered"


def test_one_persons_tries_from_one_address_are_counted(clock: Clock) -> None:
    limits = LoginLimits(clock)
    assert [limits.take("1.1.1.1", "Ann") is None for _ in range(6)] == [True] * 5 + [False]
    assert limits.take("1.1.1.1", "ANN") is not None, "a name in capitals is the same name"
    assert limits.take("1.1.1.1", "\uff21nn") is not None, "and so is one in wide letters"
    assert limits.take("1.1.1.1", "bob") is None, "a colleague at the same address is not to blame"
    assert limits.take("2.2.2.2", "ann") is None, "nor is the person who bears the name"


def test_one_network_of_ipv6_is_one_address(clock: Clock) -> None:
    limits = LoginLimits(clock)
    tries = [limits.take(f"2001:db8:1:2::{n:x}", "ann") is None for n in range(6)]
    assert tries == [True] * 5 + [False]
    assert limits.take("2001:db8:1:3::1", "ann") is None


def test_a_guesser_with_many_names_or_many_addresses_meets_a_wider_limit(clock: Clock) -> None:
    limits = LoginLimits(clock)
    names = [limits.take("1.1.1.1", f"person {n}") is None for n in range(31)]
    assert names == [True] * 30 + [False]
    addresses = [limits.take(f"2.2.{n}.1", "ann") is None for n in range(31)]
    assert addresses == [True] * 30 + [False]


def test_a_flood_of_guesses_keeps_nobody_out_who_has_logged_in_before(clock: Clock) -> None:
    limits = LoginLimits(clock)
    limits.succeed("9.9.9.9", "ann")
    for n in range(100):
        limits.take(f"2.2.{n}.1", "ann")
        limits.take("9.9.9.9", f"person {n}")
    assert limits.take("9.9.9.9", "ann") is None
    assert limits.take("9.9.9.9", "bob") is not None, "at that address the limit holds for others"


def test_a_refused_try_uses_up_nothing_of_the_other_limits(clock: Clock) -> None:
    limits = LoginLimits(clock)
    for _ in range(70):
        limits.take("1.1.1.1", "ann")
    assert limits.take("1.1.1.1", "bob") is None
    assert limits.take("2.2.2.2", "ann") is None, "one stranger locks nobody else out"


def test_a_team_behind_one_address_logs_in_at_once(clock: Clock) -> None:
    limits = LoginLimits(clock)
    for number in range(50):
        assert limits.take("1.1.1.1", f"person {number}") is None
        limits.succeed("1.1.1.1", f"person {number}")
