import pytest

from prefloop.store.core.insertion import padded


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("", ""),
        ("a", "a"),
        ("ab", "ab"),
        ("abc", "abcc"),
        ("abcd", "abcd"),
        ("abcde", "abcdeeee"),
    ],
)
def test_the_last_value_is_repeated_up_to_a_power_of_two(values: str, expected: str) -> None:
    assert padded(list(values)) == list(expected)


def test_up_to_64_values_come_in_seven_lengths() -> None:
    lengths = {len(padded(["a"] * n)) for n in range(1, 65)}
    assert sorted(lengths) == [1, 2, 4, 8, 16, 32, 64]
