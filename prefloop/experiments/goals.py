"""The goals of the copying experiment, each as a statement that the figures answer."""

from collections.abc import Sequence

from prefloop.figures.experiment import ArmFigures, GoalFigures
from prefloop.figures.experiment_text import change_text, ratio_text, share_text
from prefloop.figures.text import fixed, percent
from prefloop.settings.experiment import ExperimentConfig

LEAST_RATIO = 3.0
LEAST_LOW = 1.5
"""How much a hurried arm is to copy more at least, and the lower end of the ratio's interval."""

MOST_RISE = 0.05
"""Where copying is not to rise, the interval of its change is to end below this: one that is so
wide that it holds 0 and much more tells nothing."""

MOST_CAREFUL = 0.1
"""Share of copied sentences that a careful arm is to stay below."""

MOST_LOST = 0.05
"""Win rate that careful labelers may cost."""

LEAST_DOSES = 2

HURRIED, CAREFUL, ZERO_SHOT = "hurried", "careful", "zero-shot"


def goals_of(settings: ExperimentConfig, arms: Sequence[ArmFigures]) -> tuple[GoalFigures, ...]:
    """Return each goal with what was found."""
    found = list[GoalFigures]()
    for arm in arms:
        expected = settings.arms[arm.arm].copying
        if expected == "rises":
            found += [_rises(arm), _warned(arm, is_due=True)]
        elif expected == "stays":
            found += [_stays(arm), _warned(arm, is_due=False)]
    by_name = {(arm.start, arm.arm): arm for arm in arms}
    hurried, careful = (by_name.get((ZERO_SHOT, name)) for name in (HURRIED, CAREFUL))
    if hurried is not None and settings.extent is not None:
        found.append(
            GoalFigures(
                goal=f"{_name(hurried)}: at least {percent(settings.extent)} of its sentences are "
                "copied",
                found=share_text(hurried.after),
                is_met=hurried.after.value >= settings.extent,
            )
        )
    if careful is not None:
        found.append(
            GoalFigures(
                goal=f"{_name(careful)}: at most {percent(MOST_CAREFUL)} of its sentences are "
                "copied",
                found=share_text(careful.after),
                is_met=careful.after.value <= MOST_CAREFUL,
            )
        )
    if hurried is not None and careful is not None:
        found += _price(hurried, careful)
    return (*found, *_dose_response([arm for arm in arms if arm.start == ZERO_SHOT]))


def _price(hurried: ArmFigures, careful: ArmFigures) -> list[GoalFigures]:
    """Return what careful instructions cost in the eyes of the judge of accuracy."""
    if hurried.win_rate is None or careful.win_rate is None:
        return []
    lost = hurried.win_rate.value - careful.win_rate.value
    return [
        GoalFigures(
            goal=f"careful labelers cost at most {fixed(100 * MOST_LOST, 0)} points of win rate "
            "by the check of accuracy",
            found=f"{share_text(careful.win_rate)} against {share_text(hurried.win_rate)} for "
            "hurried ones",
            is_met=lost <= MOST_LOST,
        )
    ]


def _dose_response(arms: Sequence[ArmFigures]) -> list[GoalFigures]:
    """Return whether copying rises further with the greatest dose than with the least."""
    doses = sorted((arm.dose, number) for number, arm in enumerate(arms) if arm.dose is not None)
    if len(doses) < LEAST_DOSES:
        return []
    least, most = (arms[number].change for _, number in (doses[0], doses[-1]))
    is_met = None
    if most.low is not None and least.high is not None and most.low > least.high:
        is_met = True
    elif most.high is not None and least.low is not None and most.high < least.low:
        is_met = False
    found = (f"{fixed(dose, 1)}: {change_text(arms[number].change)}" for dose, number in doses)
    return [
        GoalFigures(
            goal="the more of the verbatim term is in the vote, the more copying rises: the change "
            "at the greatest dose lies above that at the least",
            found="; ".join(found),
            is_met=is_met,
        )
    ]


def _rises(arm: ArmFigures) -> GoalFigures:
    ratio = arm.ratio
    is_met = ratio is not None and ratio.value >= LEAST_RATIO and ratio.lies_above(LEAST_LOW)
    return GoalFigures(
        goal=f"{_name(arm)}: copying rises at least threefold, and its interval lies above "
        f"{fixed(LEAST_LOW, 1)}",
        found=ratio_text(ratio),
        is_met=is_met if ratio is not None else None,
    )


def _stays(arm: ArmFigures) -> GoalFigures:
    """Return yes below the margin, no where copying surely rises, and else that nobody knows."""
    is_below = arm.change.high is not None and arm.change.high < MOST_RISE
    return GoalFigures(
        goal=f"{_name(arm)}: copying does not rise: the interval of its change holds 0 or less, "
        f"and nothing above +{fixed(100 * MOST_RISE, 0)} points",
        found=change_text(arm.change),
        is_met=False if arm.change.lies_above(0.0) else (True if is_below else None),
    )


def _warned(arm: ArmFigures, *, is_due: bool) -> GoalFigures:
    """Return whether the audit of the labels saw copies preferred where it should, and not else."""
    seen = [label for label in arm.labels if label.is_warned]
    goal = "warns that copies are preferred" if is_due else "does not warn of copies"
    return GoalFigures(
        goal=f"{_name(arm)}: the audit of the labels {goal}",
        found=f"warned in {len(seen)} of {len(arm.labels)} seeds",
        is_met=len(seen) == (len(arm.labels) if is_due else 0),
    )


def _name(arm: ArmFigures) -> str:
    return f"{arm.title}, from {arm.start}"
