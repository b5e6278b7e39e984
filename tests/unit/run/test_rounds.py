"""How many labels each round asks for."""

from dataclasses import astuple

import pytest

from prefloop.run.rounds import labels_due, questions_in
from prefloop.run_file import parse_run
from prefloop.settings.comparisons import ComparisonsConfig


def due(rounds: int, labels: int, initial: int | None = None) -> list[int]:
    """Return the labels that there should be after each round."""
    raw = {
        "rounds": rounds,
        "comparisons": {"labels": labels, "initial_labels": initial},
        "policy": {"episodes": 64 * rounds},
    }
    comparisons = parse_run(raw, "run.yaml").comparisons
    return [labels_due(comparisons, r, rounds) for r in range(-1, rounds)]


@pytest.mark.parametrize("rounds", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("labels", [20, 600, 601])
@pytest.mark.parametrize("initial", [None, 1, 5, 10_000])
def test_rounds_ask_for_all_labels_and_never_for_less_than_none(
    rounds: int, labels: int, initial: int | None
) -> None:
    counts = due(rounds, labels, initial)
    assert counts[0] == 0
    assert counts[-1] == labels
    assert counts == sorted(counts)
    assert counts[1] >= min(labels, initial or 1)


def test_many_labels_early_and_few_near_the_end() -> None:
    """N(f) = initial + (total - initial) (1 - (1 - f)^2) at f = 0, 1/4, 1/2, 3/4, 1, by hand."""
    assert due(5, 600) == [0, 150, 347, 488, 572, 600]
    assert due(5, 600, 40) == [0, 40, 285, 460, 565, 600]
    assert due(2, 600) == [0, 300, 600]
    assert due(1, 600, 40) == [0, 600]


def test_a_round_asks_for_what_is_due_with_its_overlap() -> None:
    comparisons = {"labels": 600, "overlap": 2, "validation_labels": 101, "validation_overlap": 3}
    config = parse_run({"rounds": 5, "comparisons": comparisons}, "run.yaml").comparisons
    assert astuples(config, 0) == [("train", 75, 2), ("validation", 34, 3)]
    assert astuples(config, 1) == [("train", 99, 2), ("validation", 34, 3)]


def astuples(config: ComparisonsConfig, round_number: int) -> list[tuple[object, ...]]:
    return [astuple(asked) for asked in questions_in(config, round_number, 5)]
