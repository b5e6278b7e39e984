"""Every figure on labels and labelers gives the numbers that were worked out elsewhere."""

import inspect

import pytest

from tests.golden.quality import CALLS, FORMULAS, MODULES, all_quality_cases, check_quality


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_figure_gives_the_golden_numbers(name: str) -> None:
    check_quality(name, FORMULAS[name])


def test_every_formula_on_labels_has_golden_numbers_and_a_source() -> None:
    public = {
        name
        for module in MODULES
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }
    assert public <= set(FORMULAS)
    assert set(FORMULAS) == set(CALLS)
    rows = all_quality_cases()
    assert {row["function"] for row in rows} == set(FORMULAS)
    assert all(len(row["source"]) > 3 for row in rows)
    assert all((f.__doc__ or "").startswith("Return") for f in FORMULAS.values())
