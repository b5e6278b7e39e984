"""Checks of the newest reward model: better than chance, and on the scale that KL is priced in."""

from prefloop.figures.check_result import CheckResult, CheckStatus
from prefloop.figures.reward_audit import RewardAuditFigures
from prefloop.figures.text import counted, fixed, named_share_interval, percent
from prefloop.figures.trust import TrustFigures, ValidationFigures
from prefloop.run_folder import RunFigures
from prefloop.settings.policy import REWARD_MODEL
from prefloop.settings.run import RunConfig

SCALE_TOLERANCE = 0.01
"""How far the normalized mean and spread may lie from 0 and 1."""

MEASURE_MORE = (
    "Label more questions that only measure (comparisons.validation_labels): these are too few to "
    "tell."
)
"""What to do where a check that must pass can neither pass nor fail."""

FIT = "fit to train against"
"""The finding of the audit that holds its verdict."""


def check_rewards(config: RunConfig, run: RunFigures) -> list[CheckResult]:
    """Return whether the reward model of the newest round can be followed."""
    if config.policy.reward != REWARD_MODEL:
        message = (
            f"The policy follows the scorer {config.policy.reward}: no reward model is needed."
        )
        return [_result("better than chance", "ok", message)]
    if not run.trusts:
        return [_result("better than chance", "later", "No reward model is trained yet.")]
    newest = run.trusts[-1]
    validation = newest.figures.validation
    if validation is None:
        results = [_not_measured()]
    elif validation.prefers_nothing:
        results = [_only_ties(newest.round, validation)]
    else:
        results = [_against_chance(newest.round, validation), _against_length(validation)]
    if config.rewards.normalize_after:
        results.append(_scale(newest.round, newest.figures))
    return results + _audited(run)


def _audited(run: RunFigures) -> list[CheckResult]:
    """Return what the audit of the reward model found, apart from what is checked here anyway."""
    figures = run.reward_audit
    if figures is None:
        message = "Whether to train against it was not looked at yet: run `prefloop audit rewards`."
        return [_result(FIT, "later", message)]
    # The audit of the labels says how much the best shortcut knows beside the reward model.
    known = {"better than chance", "knows more than a shortcut", FIT}
    return [
        _verdict(figures),
        *(finding for finding in figures.findings if finding.check not in known),
    ]


def _verdict(figures: RewardAuditFigures) -> CheckResult:
    """Return the audit's verdict with what to do about the first check that it rests on."""
    (verdict,) = (finding for finding in figures.findings if finding.check == FIT)
    failed = {c.name for c in figures.checks if c.answer == "fail" and c.on_fail == figures.verdict}
    action = next((f.action for f in figures.findings if f.check in failed), "")
    if not action and figures.verdict == "collect more":
        action = MEASURE_MORE
    message = f"Audit of reward model {figures.round}: {verdict.message}"
    return verdict.model_copy(update={"message": message, "action": action})


def _not_measured() -> CheckResult:
    return _result(
        "better than chance",
        "warn",
        "No validation label measures the reward model: nobody knows what it learned.",
        "Set comparisons.validation_labels above 0, or import validation labels: the reward model "
        "of the next round is measured on them.",
    )


def _only_ties(round_number: int, validation: ValidationFigures) -> CheckResult:
    return _result(
        "better than chance",
        "warn",
        f"The answers to {counted(validation.n, 'validation question')} are all ties, “all bad”, "
        "or people who contradict each other: nobody knows what reward model "
        f"{round_number} learned.",
        "Look at the labelers (`prefloop audit labels`), make the question clearer "
        "(task.question), or show samples that differ more (task.temperature).",
    )


def _against_chance(round_number: int, validation: ValidationFigures) -> CheckResult:
    check, accuracy, chance = "better than chance", validation.accuracy, validation.chance
    interval = named_share_interval(accuracy, apart_from=(chance,))
    message = (
        f"Reward model {round_number} agrees with {percent(accuracy.value)} of "
        f"{counted(accuracy.n, 'validation question')} ({interval}); chance is {percent(chance)}."
    )
    if accuracy.lies_below(chance):
        action = "It prefers what labelers reject: look for a flipped sign or a mixed-up order."
        return _result(check, "bad", message, action)
    if not accuracy.lies_above(chance):
        action = "It may be guessing: gather more labels before trusting the policy."
        return _result(check, "warn", message, action)
    return _result(check, "ok", message)


def _against_length(validation: ValidationFigures) -> CheckResult:
    """A rater who can only count tokens should not do as well."""
    rival, own = validation.length_only.accuracy.value, validation.accuracy.value
    is_worse = rival >= own
    return _result(
        "better than length",
        "warn" if is_worse else "ok",
        f"Choosing the {validation.length_only.rule} agrees with {percent(rival)} of "
        f"{counted(validation.length_only.accuracy.n, 'validation question')}, the reward model "
        f"with {percent(own)}.",
        "Length may be all that it learned: look at the pairs in the report." if is_worse else "",
    )


def _scale(round_number: int, figures: TrustFigures) -> CheckResult:
    mean, std = figures.reference_mean, figures.reference_std
    is_off = not (abs(mean) <= SCALE_TOLERANCE and abs(std - 1) <= SCALE_TOLERANCE)
    return _result(
        "normalized on the reference",
        "bad" if is_off else "ok",
        f"On reference samples reward model {round_number} has mean {fixed(mean, 3)} and standard "
        f"deviation {fixed(std, 3)}.",
        "The KL coefficient means something else on this scale. Delete "
        f"rewards/round-{round_number} and checkpoints/rewards-{round_number} and run again before "
        "the policy goes on; a policy that was trained on it needs a run in a new folder."
        if is_off
        else "",
    )


def _result(check: str, status: CheckStatus, message: str, action: str = "") -> CheckResult:
    return CheckResult(stage="rewards", check=check, status=status, message=message, action=action)
