"""How many labels each round asks for."""

from dataclasses import astuple, replace
from itertools import pairwise

import pytest

from prefloop.comparisons.selection.builder import make_comparisons
from prefloop.run.schedule import labels_asked, labels_due, questions_in, updates_needed
from prefloop.run_file import parse_run
from prefloop.settings.comparisons import ComparisonsConfig
from tests.unit.evaluation.worlds import prompt, sample


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
    assert astuples(config, 0, asked=0) == [("train", 75, 2), ("validation", 34, 3)]
    assert astuples(config, 1, asked=150) == [("train", 99, 2), ("validation", 34, 3)]


def test_a_round_that_is_added_asks_for_what_is_missing_from_the_whole() -> None:
    """40 labels were asked in the only round; with 60 in two rounds, 20 are missing, not 30."""
    config = parse_run({"rounds": 2, "comparisons": {"labels": 60}}, "run.yaml").comparisons
    assert questions_in(config, 1, 2, asked=40)[0].questions == 20
    assert questions_in(config, 1, 2, asked=90)[0].questions == 0


def test_imported_comparisons_were_not_asked() -> None:
    own = make_comparisons(
        [sample(n, text, copy=n) for n, text in enumerate(("One.", "Two."))],
        {"p0": replace(prompt(0), split="train"), "p1": replace(prompt(1), split="train")},
        round=0,
        per_prompt=2,
    )
    assert own == [], "one sample of a prompt is no comparison"
    (made,) = make_comparisons(
        [sample(0, text, copy=n) for n, text in enumerate(("One.", "Two."))],
        {"p0": replace(prompt(0), split="train")},
        round=0,
        per_prompt=2,
    )
    imported = replace(made, id="from a file")
    config = ComparisonsConfig(overlap=2)
    assert labels_asked([made, imported], config, before=1) == 2
    assert labels_asked([made, imported], config, before=0) == 0


@pytest.mark.parametrize(
    ("rounds", "begun", "made", "needed"),
    [(2, 1, 2, 3), (3, 1, 2, 5), (5, 2, 16, 29), (4, 0, 0, 4), (2, 2, 9, 2)],
)
def test_every_round_to_come_has_an_update(rounds: int, begun: int, made: int, needed: int) -> None:
    assert updates_needed(rounds, begun=begun, made=made) == needed

    def ends(updates: int) -> list[int]:
        return [made, *((r + 1) * updates // rounds for r in range(begun, rounds))]

    assert all(b > a for a, b in pairwise(ends(needed)))
    if begun < rounds and made:
        assert not all(b > a for a, b in pairwise(ends(needed - 1)))


def astuples(
    config: ComparisonsConfig, round_number: int, *, asked: int
) -> list[tuple[object, ...]]:
    return [astuple(part) for part in questions_in(config, round_number, 5, asked=asked)]
