"""Named streams: the same name gives the same numbers, another name others."""

import hashlib

from prefloop.seeding import derive_seed, numpy_stream, stable_fraction, stable_id


def test_a_seed_is_the_first_63_bits_of_the_names_hash() -> None:
    digest = hashlib.sha256(b"7/samples/3").hexdigest()
    assert derive_seed(7, "samples", 3) == int(digest[:16], 16) // 2
    assert 0 <= derive_seed(7, "samples", 3) < 2**63


def test_every_part_of_a_name_counts() -> None:
    names: list[tuple[int, *tuple[str | int, ...]]]
    names = [(1, "a", 0), (2, "a", 0), (1, "b", 0), (1, "a", 1), (1, "a"), (1, "a", 0, 0)]
    assert len({derive_seed(*name) for name in names}) == len(names)


def test_a_stream_does_not_depend_on_what_was_drawn_elsewhere() -> None:
    one = numpy_stream(1, "x").integers(1 << 30, size=5).tolist()
    numpy_stream(1, "y").integers(1 << 30, size=99)
    assert numpy_stream(1, "x").integers(1 << 30, size=5).tolist() == one
    assert numpy_stream(1, "y").integers(1 << 30, size=5).tolist() != one


def test_fractions_are_spread_evenly() -> None:
    fractions = [stable_fraction(f"prompt {i}") for i in range(4000)]
    assert all(0 <= f < 1 for f in fractions)
    assert abs(sum(f < 0.1 for f in fractions) / 4000 - 0.1) < 4 * (0.09 / 4000) ** 0.5


def test_parts_of_an_id_do_not_run_together() -> None:
    assert stable_id("ab", "c") != stable_id("a", "bc") != stable_id("abc")
    assert len(stable_id(1, 2)) == 16
