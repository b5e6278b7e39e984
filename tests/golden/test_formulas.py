"""Every formula gives the numbers that were worked out elsewhere."""

import importlib

import pytest
import torch

from tests.golden.cases import all_cases, check
from tests.golden.formulas import FORMULAS, MODULES, formula
from tests.known import known

TENSOR_FREE = {
    "adaptive_kl_coef",
    "kl_cap_weight",
    "linear_decay",
    "cosine_decay",
    "label_budget",
    "tensorflow_eps",
}


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_formula_gives_the_golden_numbers_in_double_precision(name: str) -> None:
    check(name, formula(name))


@pytest.mark.parametrize("name", sorted(set(FORMULAS) - TENSOR_FREE - {"gain_and_shift"}))
def test_formula_gives_the_golden_numbers_in_single_precision(name: str) -> None:
    check(name, formula(name), dtype=torch.float32)


def test_every_golden_case_belongs_to_a_formula_and_names_its_source() -> None:
    for case in all_cases():
        assert case.function in FORMULAS
        assert len(case.source) > 3


def test_every_formula_says_what_comes_out() -> None:
    for module in MODULES:
        assert importlib.import_module(f"prefloop.functional.{module}").__doc__
    for name in FORMULAS:
        assert known(formula(name).__doc__).startswith("Return")
