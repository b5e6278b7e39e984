"""Checks of the newest reward model: better than chance, and on the scale that KL is priced in."""

from typing import Any

from prefloop.doctor.finding import Finding
from prefloop.run_folder import RunFolder
from prefloop.settings.run import RunConfig

SCALE_TOLERANCE = 0.01
"""How far the normalized mean and spread may lie from 0 and 1."""


def check_rewards(config: RunConfig, run: RunFolder) -> list[Finding]:
    """Whether the reward model of the newest round can be followed."""
    if not run.trusts:
        told = "No reward model is trained yet."
        return [Finding(stage="rewards", check="better than chance", status="later", told=told)]
    newest = run.trusts[-1]
    findings = [_against_chance(newest.round, newest.figures.get("validation"))]
    findings += _against_counting(newest.figures.get("validation"))
    if config.rewards.normalize_after:
        findings.append(_scale(newest.round, newest.figures))
    return findings


def _against_chance(round_number: int, figures: dict[str, Any] | None) -> Finding:
    check = "better than chance"
    accuracy = (figures or {}).get("accuracy")
    if not figures or not accuracy or accuracy["value"] is None:
        return Finding(
            stage="rewards",
            check=check,
            status="warn",
            told="No validation label measures the reward model: nobody knows what it learned.",
            action="Set comparisons.validation_labels above 0, or import validation labels.",
        )
    chance = figures["chance"]
    told = (
        f"Reward model {round_number} agrees with {accuracy['value']:.0%} of {accuracy['n']} "
        f"validation labels (95 % interval {accuracy['low']:.0%} to {accuracy['high']:.0%}); "
        f"chance is {chance:.0%}."
    )
    if accuracy["high"] < chance:
        action = "It prefers what labelers reject: look for a flipped sign or a mixed-up order."
        return Finding(stage="rewards", check=check, status="bad", told=told, action=action)
    if accuracy["low"] <= chance:
        action = "It cannot be told from guessing: gather more labels before trusting the policy."
        return Finding(stage="rewards", check=check, status="warn", told=told, action=action)
    return Finding(stage="rewards", check=check, status="ok", told=told)


def _against_counting(figures: dict[str, Any] | None) -> list[Finding]:
    """A rater who can only count tokens should not do as well."""
    by_length = (figures or {}).get("length_only")
    accuracy = (figures or {}).get("accuracy")
    if not figures or not by_length or not accuracy or accuracy["value"] is None:
        return []
    rival = by_length["accuracy"]["value"]
    is_worse = rival >= accuracy["value"]
    return [
        Finding(
            stage="rewards",
            check="better than length",
            status="warn" if is_worse else "ok",
            told=f"Choosing the {by_length['rule']} agrees with {rival:.0%}, the reward model with "
            f"{accuracy['value']:.0%}.",
            action="Length may be all that it learned: look at the pairs in the report."
            if is_worse
            else "",
        )
    ]


def _scale(round_number: int, figures: dict[str, Any]) -> Finding:
    mean, std = figures["reference_mean"], figures["reference_std"]
    is_off = not (abs(mean) <= SCALE_TOLERANCE and abs(std - 1) <= SCALE_TOLERANCE)
    return Finding(
        stage="rewards",
        check="normalized on the reference",
        status="bad" if is_off else "ok",
        told=f"On reference samples reward model {round_number} has mean {mean:.3f} and standard "
        f"deviation {std:.3f}.",
        action=f"Delete rewards/round-{round_number} and run again; the KL coefficient means "
        "something else on this scale."
        if is_off
        else "",
    )
