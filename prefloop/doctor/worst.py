"""Which of many findings a reader should see first, and that one in a sentence."""

from collections.abc import Sequence

from prefloop.figures.check_result import CheckResult
from prefloop.figures.text import counted

SPINE = ("prompts", "samples", "comparisons", "rewards", "policy", "checkpoints", "evaluation")
"""Stages in the order in which a run goes through them; what else is checked stands below all."""


DAMAGE = "checkpoints"
"""The stage whose checks are about saved files."""


def worst(results: Sequence[CheckResult]) -> CheckResult | None:
    """Return the finding to act on first; None where nothing asks for anything.

    What is bad comes before what warns. Among equals it is the earliest stage of the run: the
    stages behind it rest on it, so what they show may go away with it. Canaries of early stages
    are listed behind checks of later ones, so the order of `results` counts within a stage only.
    """
    ordered = sorted(results, key=_place)
    for status in ("bad", "warn"):
        found = next((result for result in ordered if result.status == status), None)
        if found is not None:
            return found
    return None


def conclusion(results: Sequence[CheckResult]) -> str:
    """Return the worst finding with its stage, or that there is none.

    A stage that is bad rests on those before it: where one of these warns, that is said too.
    """
    found = worst(results)
    if found is None:
        return f"No stage is bad, and nothing warns, in {counted(len(results), 'check')}."
    if found.status == "bad":
        earlier = warns_before(found, results)
        before = f" Before it, {earlier.stage} warns: {earlier.message}" if earlier else ""
        return f"The first bad stage is {found.stage}: {found.message}{before}"
    n_warnings = sum(result.status == "warn" for result in results)
    warnings = f"{counted(n_warnings, 'warning')} in {counted(len(results), 'check')}"
    return f"No stage is bad; {warnings}. First, {found.stage}: {found.message}"


def warns_before(found: CheckResult, results: Sequence[CheckResult]) -> CheckResult | None:
    """Return what warns in a stage before a bad one, which rests on it; None if nothing does.

    A damaged file rests on none: it is bad whatever the labels are.
    """
    is_resting = found.status == "bad" and found.stage != DAMAGE
    stages = SPINE[: max(0, _place(found))] if is_resting else ()
    return worst([r for r in results if r.status == "warn" and r.stage in stages])


def _place(result: CheckResult) -> int:
    return SPINE.index(result.stage) if result.stage in SPINE else -1
