"""`import prefloop` loads nothing until a name is asked for, and torch only with a model."""

import subprocess
import sys

import pytest

import prefloop


def loaded(code: str) -> set[str]:
    """Return the top-level packages that a new process has loaded after some code."""
    script = f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_import_loads_nothing_and_names_load_no_torch() -> None:
    assert not {"torch", "pydantic", "numpy"} & loaded("import prefloop")
    every = "; ".join(f"prefloop.{name}" for name in prefloop.__all__)
    assert {"pydantic"} <= (found := loaded(f"import prefloop; {every}"))
    assert not {"torch", "transformers"} & found


def test_every_public_name_is_there_and_no_other() -> None:
    assert set(prefloop.__all__) == set(prefloop._PLACES)
    assert set(prefloop.__all__) <= set(dir(prefloop))
    for name in prefloop.__all__:
        assert getattr(prefloop, name).__name__ == name
    with pytest.raises(AttributeError, match="module 'prefloop' has no attribute 'Runn'"):
        _ = prefloop.Runn
