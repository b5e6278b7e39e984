"""What the watch on the policy raised while it trained."""

from prefloop.audits.alarms import ALARMS
from prefloop.audits.raised import raised_alarms
from prefloop.figures.check_result import CheckResult, CheckStatus
from prefloop.figures.live import live_text
from prefloop.figures.text import counted
from prefloop.figures.watch import RaisedAlarm
from prefloop.run_folder import RunFigures
from prefloop.settings.run import RunConfig

QUIET = "no alarm"
LIVE_CHECK = "people like it no less"
ALARM = "alarm: "
"""How the checks of alarms begin; the alarm's name follows."""


def is_watched(result: CheckResult) -> bool:
    """Whether a check is about what the watch, or people during training, said."""
    return result.check.startswith(ALARM) or result.check in (QUIET, LIVE_CHECK)


def check_watch(config: RunConfig, run: RunFigures) -> list[CheckResult]:
    """Return the alarms of the newest round, each at its highest level; one line if none."""
    lines = [line for line in run.metrics if line.stage == "policy"]
    if not lines:
        return []
    raised = {
        alarm.name: alarm
        for alarm in raised_alarms(lines, config.policy)
        if alarm.round == lines[-1].round
    }
    if not raised:
        n, updates = counted(len(ALARMS), "alarm"), counted(len(lines), "update")
        message = f"{n} watched {updates}; none was raised in round {lines[-1].round}."
        return [CheckResult(stage="policy", check=QUIET, status="ok", message=message)]
    return [_result(alarm) for alarm in raised.values()]


def check_live(run: RunFigures) -> list[CheckResult]:
    """Return what people said of the policy while it trained; nothing where they were not asked."""
    if (live := run.live) is None:
        return []
    message, action = live_text(live), ""
    status: CheckStatus = "ok"
    if live.is_crossed:
        status, action = "bad", "Read some of the texts, then roll back or let it go on."
    elif not live.asked:
        status = "later"
    elif not live.answers:
        status, action = "warn", "Open the labeling page: a policy that nobody judges will wait."
    return [
        CheckResult(stage="policy", check=LIVE_CHECK, status=status, message=message, action=action)
    ]


def _result(alarm: RaisedAlarm) -> CheckResult:
    """Return an alarm as a check; a later level of one replaces the earlier, which names it too."""
    return CheckResult(
        stage="policy",
        check=f"{ALARM}{alarm.name}",
        status="bad" if alarm.level == "stop" else "warn",
        message=f"In update {alarm.update}: {alarm.message}",
        action=f"{alarm.action} Samples: report/index.html#samples-of-update-{alarm.update}.",
    )
