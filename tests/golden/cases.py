"""Run a function on golden inputs and compare what comes out with golden outputs."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.tolerances import FP32, FP64, Tolerance

FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Case:
    """One call: `function(**inputs)` gives `outputs`, because `source` says so."""

    function: str
    source: str
    inputs: dict[str, Any]
    outputs: list[Any]


def all_cases() -> list[Case]:
    """Return every case of every golden file that holds formulas."""
    files = [FOLDER / "by_hand.json", FOLDER / "from_spec.json"]
    return [Case(**case) for file in files for case in json.loads(file.read_text())]


def cases_of(function: str) -> list[Case]:
    """Return the cases of one function; an unknown name is an error, never an empty loop."""
    found = [case for case in all_cases() if case.function == function]
    if not found:
        raise LookupError(f"no golden case for {function}")
    return found


def check(name: str, function: Callable[..., Any], *, dtype: torch.dtype = torch.float64) -> None:
    """Assert that `function` gives the golden outputs of every case named `name`."""
    tolerance = FP64 if dtype == torch.float64 else FP32
    for case in cases_of(name):
        inputs = {key: _tensor(value, dtype) for key, value in case.inputs.items()}
        results = _as_list(function(**inputs))
        assert len(results) == len(case.outputs), case.source
        for result, expected in zip(results, case.outputs, strict=True):
            _compare(result, expected, dtype, tolerance, case.source)


def _compare(
    result: Any, expected: Any, dtype: torch.dtype, tolerance: Tolerance, source: str
) -> None:
    if isinstance(result, Tensor):
        wanted = _tensor(expected, dtype)
        wanted = wanted if isinstance(wanted, Tensor) else torch.tensor(wanted, dtype=result.dtype)
        torch.testing.assert_close(
            result, wanted.to(result.dtype), **tolerance, msg=lambda text: f"{source}\n{text}"
        )
    elif result != pytest.approx(expected, rel=tolerance["rtol"], abs=tolerance["atol"]):
        raise AssertionError(f"{source}\nNumbers are not close: {result} and {expected}")


def _as_list(result: Any) -> list[Any]:
    return list(result) if isinstance(result, tuple) else [result]


def _tensor(value: Any, dtype: torch.dtype) -> Any:
    """Lists become tensors (numbers with a point take `dtype`); single values stay as they are."""
    if not isinstance(value, list):
        return value
    array = np.array(value)
    return torch.tensor(array, dtype=dtype) if array.dtype.kind == "f" else torch.tensor(array)
