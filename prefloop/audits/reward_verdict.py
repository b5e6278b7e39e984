"""What the checks of a reward model come to: train, collect more, stop, or too little to tell."""

from collections.abc import Mapping, Sequence

from prefloop.audits.reward_edits import NEEDED
from prefloop.figures.check_result import CheckResult, CheckStatus
from prefloop.figures.reward_audit import CheckAnswer, TrustCheckFigures, TrustVerdict
from prefloop.figures.text import count, counted


def verdict_of(
    checks: Sequence[TrustCheckFigures], questions: int, *, ties: int = 0
) -> tuple[TrustVerdict, str]:
    """Return train, collect more, stop or none, and why.

    none          fewer than NEEDED questions with a preference; `ties` more have none
    stop          a check fails that more labels of the same kind do not mend
    collect more  any other check fails, or a required one is unknown
    train         otherwise; what is unknown is said and counts as no pass
    """
    if questions < NEEDED:
        return "none", _too_few(questions, ties)
    failed = [c for c in checks if c.answer == "fail"]
    unknown = [c for c in checks if c.answer == "unknown"]
    missing = [c for c in unknown if c.is_required]
    n_passed = len(checks) - len(failed) - len(unknown)
    summary = f"{n_passed} of {counted(len(checks), 'check')} pass"
    if unknown:
        summary += f", {count(len(unknown))} not known ({_named(unknown)})"
    if stopping := [c for c in failed if c.on_fail == "stop"]:
        return "stop", f"Do not train against it, {_named(stopping)} failed; {summary}."
    if failed:
        return "collect more", f"Collect more labels first, {_named(failed)} failed; {summary}."
    if missing:
        return "collect more", (
            f"Collect more labels first, {_named(missing)} cannot be told yet; {summary}."
        )
    return "train", f"Train: {summary}."


def _too_few(questions: int, ties: int) -> str:
    if not ties:
        return (
            f"No verdict: {counted(questions, 'validation question')} with a preference, and "
            f"{count(NEEDED)} are needed (comparisons.validation_labels)."
        )
    preferred = count(questions) if questions else "none"
    return (
        f"No verdict: labelers prefer a sample in {preferred} of "
        f"{counted(questions + ties, 'validation question')}, and {count(NEEDED)} such are needed; "
        "the other answers are ties or “all bad”. Label more (comparisons.validation_labels); "
        "where ties are many, make the question clearer (task.question) or show samples that "
        "differ more (task.temperature)."
    )


def _named(checks: Sequence[TrustCheckFigures]) -> str:
    return ", ".join(f"“{c.name}”" for c in checks)


STATUS: Mapping[CheckAnswer | TrustVerdict, CheckStatus] = {
    "pass": "ok",
    "fail": "warn",
    "unknown": "later",
    "train": "ok",
    "collect more": "warn",
    "stop": "warn",
    "none": "later",
}
"""What the doctor calls an answer or a verdict."""

ACTIONS = {
    "stop": "Look at the texts it prefers and at the instructions; label questions in which the "
    "better answer lacks what it goes by, and train it again.",
    "collect more": "Label more, above all questions in which the better answer lacks it.",
}


def trust_findings(
    checks: Sequence[TrustCheckFigures], verdict: TrustVerdict, reason: str
) -> tuple[CheckResult, ...]:
    """Return the checks and the verdict in the words of the doctor; the verdict comes last."""
    rows = [
        CheckResult(
            stage="rewards",
            check=check.name,
            status=STATUS[check.answer],
            message=check.message if check.answer != "unknown" else f"Not known: {check.message}",
            action=ACTIONS[check.on_fail] if check.answer == "fail" else "",
        )
        for check in checks
    ]
    last = CheckResult(
        stage="rewards", check="fit to train against", status=STATUS[verdict], message=reason
    )
    return (*rows, last)
