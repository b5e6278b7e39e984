"""Checks of PPO's numbers: where they began, and where they stand in the newest updates."""

from collections.abc import Sequence
from typing import Any

from prefloop.doctor.finding import Finding, Status
from prefloop.run_folder import RunFolder
from prefloop.settings.run import RunConfig

Lines = Sequence[dict[str, Any]]

FIRST_KL = 1e-2
"""KL of the first rollout, in nats: the policy is still the reference; only rounding differs."""

SETTLED = 8
"""Updates before trends and the values' fit say anything."""

Limits = tuple[float, float]
"""Where a warning begins, and where the stage is bad."""

CLIPPED: Limits = (0.3, 0.6)
UNEXPLAINED: Limits = (0.0, -1.0)
UNENDED: Limits = (0.5, 0.2)
ENTROPY_LEFT: Limits = (0.3, 0.1)
KL_OVER: Limits = (1.5, 3.0)
KL_CAP_WEIGHT: Limits = (0.5, 0.8)


def check_policy(config: RunConfig, run: RunFolder) -> list[Finding]:
    """Whether PPO started at the reference and stayed on the road."""
    lines = [line for line in run.metrics if line["stage"] == "policy"]
    if not lines:
        return [_finding("training", "later", "PPO has not made an update yet.")]
    findings = [_first_kl(lines), _negative_kl(config, lines), _target(config, lines)]
    findings += _cap(config, lines)
    findings += _falling(lines)
    findings += _newest(lines)
    return findings + _entropy(lines)


def newest_mean(lines: Lines, key: str) -> float | None:
    """Return the mean of a quantity over the newest quarter of the updates that have it."""
    values = [line[key] for line in lines if key in line]
    newest = values[-max(1, len(values) // 4) :]
    return sum(newest) / len(newest) if newest else None


def _first_kl(lines: Lines) -> Finding:
    kl = lines[0]["policy/kl"]
    is_off = lines[0]["update"] == 1 and abs(kl) > FIRST_KL
    action = "Policy and reference are not the same model at the start; report this as a bug."
    told = f"The first rollout had a KL of {abs(kl):.5f} nats; it must be 0."
    return _finding("KL begins at 0", "bad" if is_off else "ok", told, action)


def _negative_kl(config: RunConfig, lines: Lines) -> Finding:
    """KL cannot be negative; its estimate can.

    log pi - log rho has variance of about 2 KL, so the mean over B responses strays 4 standard
    deviations, 4 sqrt(2 |kl| / B), below 0 only if kl < -32 / B.
    """
    limit = -32 / config.policy.batch_size
    least = min(lines, key=lambda line: float(line["policy/kl"]))
    kl = least["policy/kl"]
    told = f"The least KL was {kl + 0.0:.3f} nats, in update {least['update']}."
    action = "Log-probabilities of sampling and training disagree: masks, temperature or stop rule."
    return _finding("KL is not negative", "bad" if kl < limit else "ok", told, action)


def _target(config: RunConfig, lines: Lines) -> Finding:
    settings, kl = config.policy.kl, newest_mean(lines, "policy/kl") or 0.0
    told = f"The newest KL is {kl:.2f} nats"
    if settings.control == "fixed":
        return _finding("KL near its target", "ok", f"{told}; policy.kl.control is fixed.")
    over = kl / settings.target
    told += f"; policy.kl.target is {settings.target:g}."
    action = "The controller does not keep up: lower policy.lr or policy.kl.horizon."
    return _finding("KL near its target", _high(over, KL_OVER), told, action)


def _cap(config: RunConfig, lines: Lines) -> list[Finding]:
    """The more the way back from beyond the cap weighs, the less an update learns of the score."""
    cap, weight = config.policy.kl.cap, newest_mean(lines, "policy/kl_cap_weight")
    if cap is None or weight is None:
        return []
    kl = newest_mean(lines, "policy/kl") or 0.0
    told = (
        f"The newest KL is {kl:.2f} nats, policy.kl.cap {cap:g}; the way back weighs {weight:.2f} "
        "of 1 in the mean."
    )
    action = "The score hardly counts any more: lower policy.lr, raise policy.kl.coef or the cap."
    return [_finding("KL held by its cap", _high(weight, KL_CAP_WEIGHT), told, action)]


def _falling(lines: Lines) -> list[Finding]:
    """A total reward that falls is what a flipped sign looks like."""
    if len(lines) < SETTLED:
        return []
    quarter = len(lines) // 4
    before = sum(line["policy/score"] for line in lines[:quarter]) / quarter
    after = newest_mean(lines, "policy/score") or 0.0
    told = f"The score went from {before:.2f} to {after:.2f}."
    action = "PPO moves away from what the reward model likes: check signs, lower policy.lr."
    return [_finding("score does not fall", "warn" if after < before else "ok", told, action)]


def _newest(lines: Lines) -> list[Finding]:
    findings = []
    if (clipped := newest_mean(lines, "policy/clip_fraction")) is not None:
        told = f"{clipped:.0%} of the ratios are clipped."
        action = "Steps are too large: lower policy.lr or policy.epochs."
        findings.append(_finding("clip fraction", _high(clipped, CLIPPED), told, action))
    if (explained := newest_mean(lines, "policy/explained_variance")) is not None:
        told = f"The values explain {explained:.2f} of the returns' variance; 1 is perfect."
        action = "The values mislead PPO: raise policy.vf_coef, or train longer."
        status = _low(explained, UNEXPLAINED) if len(lines) >= SETTLED else "ok"
        findings.append(_finding("explained variance", status, told, action))
    if (ended := newest_mean(lines, "policy/ended")) is not None:
        told = f"{ended:.0%} of the responses end by the task's rule."
        action = "Few responses get a real score: raise task.response_tokens or change task.stop."
        findings.append(_finding("responses end", _low(ended, UNENDED), told, action))
    return findings


def _entropy(lines: Lines) -> list[Finding]:
    first = next((line["policy/entropy"] for line in lines if "policy/entropy" in line), None)
    now = newest_mean(lines, "policy/entropy")
    if first is None or now is None or first <= 0:
        return []
    told = f"Entropy per token went from {first:.2f} to {now:.2f} nats."
    action = "The policy says the same over and over: raise policy.kl.coef, lower policy.lr."
    status = _low(now / first, ENTROPY_LEFT)
    return [_finding("entropy has not collapsed", status, told, action)]


def _high(value: float, limits: Limits) -> Status:
    return "bad" if value > limits[1] else "warn" if value > limits[0] else "ok"


def _low(value: float, limits: Limits) -> Status:
    return "bad" if value < limits[1] else "warn" if value < limits[0] else "ok"


def _finding(check: str, status: Status, told: str, action: str = "") -> Finding:
    needed = action if status in ("warn", "bad") else ""
    return Finding(stage="policy", check=check, status=status, told=told, action=needed)
