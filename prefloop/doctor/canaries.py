"""What the canaries of a run said last, a line each."""

from prefloop.figures.canary import CanaryName, CanaryStatus
from prefloop.figures.check_result import CheckResult, CheckStatus
from prefloop.run_folder import RunFigures
from prefloop.settings.run import RunConfig

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


def check_canaries(config: RunConfig, run: RunFigures) -> list[CheckResult]:
    """Return each canary that the run has looked at and still looks at.

    Without start checks C6 is not looked at any more; C3 and C4 are, while the policy trains. One
    that failed and whose stop was released is a warning: its owner knows.
    """
    audits = config.audits
    off = {*audits.canaries_off, *(() if audits.start_checks else ("C6",))}
    return [
        CheckResult(
            stage=STAGES[found.name],
            check=f"{CANARY}{found.name}",
            status="warn" if found.released_by else STATUSES[found.status],
            message=f"{found.title[0].upper()}{found.title[1:]}: {found.value} (update "
            f"{found.update}; limit: {found.limit}). {found.release}".rstrip(),
            action=found.action,
        )
        for found in run.canaries
        if found.name not in off
    ]
