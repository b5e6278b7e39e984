"""What the canaries of a run said last, a line each."""

from prefloop.figures.canary import CanaryName, CanaryStatus
from prefloop.figures.check_result import CheckResult, CheckStatus
from prefloop.run_folder import RunFigures

STAGES: dict[CanaryName, str] = {
    "C3": "policy",
    "C4": "policy",
    "C5": "rewards",
    "C6": "policy",
    "C7": "rewards",
    "C8": "rewards",
    "C9": "comparisons",
}

STATUSES: dict[CanaryStatus, CheckStatus] = {"pass": "ok", "fail": "bad", "unknown": "later"}

CANARY = "canary "
"""How the checks begin; the canary's name follows."""


def is_canary(result: CheckResult) -> bool:
    """Whether a check is about a canary."""
    return result.check.startswith(CANARY)


def check_canaries(run: RunFigures) -> list[CheckResult]:
    """Return each canary that the run has looked at."""
    return [
        CheckResult(
            stage=STAGES[found.name],
            check=f"{CANARY}{found.name}",
            status=STATUSES[found.status],
            message=f"{found.title[0].upper()}{found.title[1:]}: {found.value} (update "
            f"{found.update}; limit: {found.limit}).",
            action=found.action,
        )
        for found in run.canaries
    ]
