"""Each formula file has its page, and the page names every formula in it."""

from pathlib import Path

import pytest

from tests.golden.formulas import FORMULAS, MODULES

PAGES = Path(__file__).parents[3] / "docs" / "the-math"


@pytest.mark.parametrize("module", [*MODULES, "sampling"])
def test_page_names_every_formula(module: str) -> None:
    page = (PAGES / f"{module}.md").read_text()
    names = [name for name, home in FORMULAS.items() if home == module]
    missing = [n for n in (names or ["sample_inverse_cdf"]) if f"`{n}`" not in page]
    assert missing == []
    for heading in ("## Quick facts", "## Equation", "## Shapes", "## Paper"):
        assert heading in page
    assert f"prefloop/functional/{module}.py" in page
