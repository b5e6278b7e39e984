"""Checks of the labels: are there any, and do they choose?"""

from pathlib import Path

from prefloop.audits.findings import findings_with_trust
from prefloop.figures.check_result import CheckResult, CheckStatus
from prefloop.figures.text import count, counted
from prefloop.run_folder import RunFigures
from prefloop.settings.policy import REWARD_MODEL
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store

DECIDED = 0.5
"""Share of answers that choose a sample below which a warning is given."""


def check_labels(config: RunConfig, folder: Path) -> list[CheckResult]:
    """Return whether there are labels, and how many of them choose a sample."""
    with Store.open(config.store or folder / "prefloop.db", read_only=True) as store:
        n_questions = len(store.comparisons())
        labels = store.labels()
    if config.policy.reward != REWARD_MODEL and not labels:
        message = f"The policy follows the scorer {config.policy.reward}: nobody labels."
        return [_result("ok", message)]
    if not n_questions:
        return [_result("later", "No question has been asked yet.")]
    best = sum(label.answer == "best" for label in labels)
    message = (
        f"{counted(n_questions, 'question')} have {counted(len(labels), 'label')}; "
        f"{count(best)} choose a sample."
    )
    if not labels:
        return [_result("warn", message, "Go on with `prefloop run`, or `prefloop import` labels.")]
    if best < DECIDED * len(labels):
        action = "See why labelers skip, tie or flag; make the question clearer."
        return [_result("warn", message, action)]
    return [_result("ok", message)]


def check_label_audit(config: RunConfig, run: RunFigures) -> list[CheckResult]:
    """Return what the audit of the labels found, beside the newest reward model if there is one."""
    figures = run.label_audit
    if figures is None:
        if config.policy.reward != REWARD_MODEL:
            return []
        message = "What the labels reward was not looked at yet: run `prefloop audit labels`."
        return [
            CheckResult(
                stage="comparisons", check="labels audited", status="later", message=message
            )
        ]
    return list(findings_with_trust(figures, run.trusts, config))


def _result(status: CheckStatus, message: str, action: str = "") -> CheckResult:
    return CheckResult(
        stage="comparisons", check="labels choose", status=status, message=message, action=action
    )
