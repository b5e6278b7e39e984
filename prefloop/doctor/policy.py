"""Checks of the policy's metrics: where they began, and where they are in the newest updates."""

from collections.abc import Sequence

from prefloop.audits.alarms import (
    CLIPPED,
    ENTROPY_LEFT,
    KL_OVER,
    UNENDED,
    UNEXPLAINED,
    Limits,
)
from prefloop.figures.check_result import CheckResult, CheckStatus
from prefloop.figures.metrics_line import MetricsLine
from prefloop.figures.text import at_most, fixed, method_title, percent, plain
from prefloop.run_folder import RunFigures
from prefloop.settings.run import RunConfig

Lines = Sequence[MetricsLine]

FIRST_KL = 1e-2
"""KL of the first rollout, in nats: the policy is still the reference; only rounding differs."""

SETTLED = 8
"""Updates before trends and the values' fit say anything."""

KL_UNDER = 0.25
"""Share of the target below which the policy has learned little of what it may."""

LITTLE_KL = 0.5
"""The same in nats where there is no target: such a policy writes what the reference writes."""

KL_CAP_WEIGHT: Limits = (0.5, 0.8)


def check_policy(config: RunConfig, run: RunFigures) -> list[CheckResult]:
    """Return whether training started at the reference and stayed stable since.

    Only what the method measures is checked: one without a value head has no explained variance.
    """
    lines = [line for line in run.metrics if line.stage == "policy"]
    if not lines:
        method = method_title(config.policy.method)
        return [_result("training", "later", f"{method} has not made an update yet.")]
    return [
        _method(lines),
        *_first_kl(lines),
        *_negative_kl(config, lines),
        *_target(config, lines),
        *_cap(config, lines),
        *_falling(lines),
        *_clipped(lines),
        *_explained(lines),
        *_ended(config, lines),
        *_entropy(lines),
    ]


def newest_mean(lines: Lines, key: str) -> float | None:
    """Return the mean of a metric over the newest quarter of the updates that have it."""
    values = [line.values[key] for line in lines if key in line.values]
    newest = values[-max(1, len(values) // 4) :]
    return sum(newest) / len(newest) if newest else None


def _method(lines: Lines) -> CheckResult:
    methods = dict.fromkeys(method_title(line.method) for line in lines)
    newest = lines[-1]
    message = (
        f"{' and '.join(methods)} made {len(lines)} updates, the newest in round {newest.round}."
    )
    if (bound := newest.values.get("policy/kl_at_most")) is not None:
        message += (
            f" Nothing is trained: the policy is the best of several responses, its KL "
            f"{at_most(bound)} nats."
        )
    return _result("training", "ok", message)


def _first_kl(lines: Lines) -> list[CheckResult]:
    first = lines[0]
    kl = first.values.get("policy/kl")
    if kl is None or first.update != 1:
        return []
    message = (
        f"The first answers had a KL of {fixed(abs(kl), 5)} nats, before anything was learned; it "
        "must be 0 but for rounding."
    )
    action = "Policy and reference are not the same model at the start; report this as a bug."
    return [_result("KL begins at 0", "bad" if abs(kl) > FIRST_KL else "ok", message, action)]


def _negative_kl(config: RunConfig, lines: Lines) -> list[CheckResult]:
    """KL cannot be negative; its estimate can.

    log pi - log rho has variance of about 2 KL, so the mean over B responses strays 4 standard
    deviations, 4 sqrt(2 |kl| / B), below 0 only if kl < -32 / B.
    """
    limit = -32 / config.policy.batch_size
    known = [line for line in lines if "policy/kl" in line.values]
    if not known:
        return []
    least = min(known, key=lambda line: line.values["policy/kl"])
    kl = least.values["policy/kl"]
    message = f"The least KL was {fixed(kl, 3)} nats, in update {least.update}."
    action = (
        "Log-probabilities of sampling and training disagree (masks, temperature or stop rule); "
        "report this as a bug."
    )
    return [_result("KL is not negative", "bad" if kl < limit else "ok", message, action)]


def _target(config: RunConfig, lines: Lines) -> list[CheckResult]:
    settings, kl = config.policy.kl, newest_mean(lines, "policy/kl")
    if kl is None:
        return []
    is_fixed = settings.control == "fixed"
    end = "control is fixed" if is_fixed else f"target is {plain(settings.target)}"
    message = f"The newest KL is {fixed(kl)} nats; policy.kl.{end}."
    least = LITTLE_KL if is_fixed else KL_UNDER * settings.target
    if kl < least and len(lines) >= SETTLED:
        action = (
            "The policy has hardly left the reference, so it has learned next to nothing: raise "
            "policy.lr (three times as much is a first step) or policy.episodes, or lower "
            "policy.kl.coef."
        )
        return [_result("KL near its target", "warn", message, action)]
    action = "The controller does not keep up: lower policy.lr or policy.kl.horizon."
    status = "ok" if is_fixed else _high(kl / settings.target, KL_OVER)
    return [_result("KL near its target", status, message, action)]


def _cap(config: RunConfig, lines: Lines) -> list[CheckResult]:
    """The more the pull towards the reference weighs, the less an update learns of the score."""
    cap, weight = config.policy.kl.cap, newest_mean(lines, "policy/kl_cap_weight")
    if cap is None or weight is None:
        return []
    kl = newest_mean(lines, "policy/kl") or 0.0
    message = (
        f"The newest KL is {fixed(kl)} nats, policy.kl.cap {plain(cap)}; the pull towards the "
        f"reference has a mean weight of {fixed(weight)} of 1."
    )
    action = "The score hardly counts any more: lower policy.lr, raise policy.kl.coef or the cap."
    return [_result("KL held by its cap", _high(weight, KL_CAP_WEIGHT), message, action)]


def _falling(lines: Lines) -> list[CheckResult]:
    """A score that falls is what a flipped sign looks like."""
    known = [line.values["policy/score"] for line in lines if "policy/score" in line.values]
    after = newest_mean(lines, "policy/score")
    if len(known) < SETTLED or after is None:
        return []
    quarter = len(known) // 4
    before = sum(known[:quarter]) / quarter
    message = f"The score went from {fixed(before)} to {fixed(after)}."
    action = "The policy moves away from what the reward prefers: lower policy.lr."
    return [_result("score does not fall", "warn" if after < before else "ok", message, action)]


def _clipped(lines: Lines) -> list[CheckResult]:
    clipped = newest_mean(lines, "policy/clip_fraction")
    if clipped is None:
        return []
    message = f"{percent(clipped)} of the ratios are clipped in an update."
    action = "Steps are too large: lower policy.lr or policy.epochs."
    return [_result("clip fraction", _high(clipped, CLIPPED), message, action)]


def _explained(lines: Lines) -> list[CheckResult]:
    explained = newest_mean(lines, "policy/explained_variance")
    if explained is None:
        return []
    message = f"The values explain {fixed(explained)} of the returns' variance; 1 is perfect."
    action = "The values mislead the method: raise policy.options.vf_coef, or train longer."
    status = _low(explained, UNEXPLAINED) if len(lines) >= SETTLED else "ok"
    return [_result("explained variance", status, message, action)]


def _ended(config: RunConfig, lines: Lines) -> list[CheckResult]:
    """Without a stop every response counts as ended, which says nothing."""
    ended = newest_mean(lines, "policy/ended")
    if ended is None or (config.task.stop is None and ended == 1):
        return []
    message = f"{percent(ended)} of the responses end by the task's rule."
    action = (
        "Few responses get a real score: begin a run in a new folder with a larger "
        "task.response_tokens or another task.stop."
    )
    return [_result("responses end", _low(ended, UNENDED), message, action)]


def _entropy(lines: Lines) -> list[CheckResult]:
    known = [line.values["policy/entropy"] for line in lines if "policy/entropy" in line.values]
    now = newest_mean(lines, "policy/entropy")
    if now is None or known[0] <= 0:
        return []
    message = (
        f"Entropy per token, which is how undecided the policy is about what comes next, went from "
        f"{fixed(known[0])} to {fixed(now)} nats."
    )
    action = (
        "Read its answers: a policy that is nearly sure of every token copies, or says the same to "
        "all. If that is not what you want, raise policy.kl.coef or lower policy.lr."
    )
    status = _low(now / known[0], ENTROPY_LEFT)
    return [_result("entropy has not collapsed", status, message, action)]


def _high(value: float, limits: Limits) -> CheckStatus:
    return "bad" if value > limits[1] else "warn" if value > limits[0] else "ok"


def _low(value: float, limits: Limits) -> CheckStatus:
    return "bad" if value < limits[1] else "warn" if value < limits[0] else "ok"


def _result(check: str, status: CheckStatus, message: str, action: str = "") -> CheckResult:
    needed = action if status in ("warn", "bad") else ""
    return CheckResult(stage="policy", check=check, status=status, message=message, action=needed)
