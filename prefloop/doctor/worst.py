"""Which of many findings a reader should see first, and that one in a sentence."""

from collections.abc import Sequence

from prefloop.figures.check_result import CheckResult
from prefloop.figures.text import counted


def worst(results: Sequence[CheckResult]) -> CheckResult | None:
    """Return the finding to act on first; None where nothing asks for anything.

    What is bad comes before what warns. Among equals it is the earliest stage of the run: the
    stages behind it rest on it, so what they show may go away with it.
    """
    for status in ("bad", "warn"):
        found = next((result for result in results if result.status == status), None)
        if found is not None:
            return found
    return None


def conclusion(results: Sequence[CheckResult]) -> str:
    """Return the worst finding with its stage, or that there is none."""
    found = worst(results)
    if found is None:
        return f"No stage is bad, and nothing warns, in {counted(len(results), 'check')}."
    if found.status == "bad":
        return f"The first bad stage is {found.stage}: {found.message}"
    n_warnings = sum(result.status == "warn" for result in results)
    warnings = f"{counted(n_warnings, 'warning')} in {counted(len(results), 'check')}"
    return f"No stage is bad; {warnings}. First, {found.stage}: {found.message}"
