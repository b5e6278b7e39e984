"""Checks of the evaluation: is there a judge, has it judged, and does it prefer the policy?"""

from pathlib import Path

from prefloop.doctor.finding import Finding, Status
from prefloop.run_folder import RunFolder
from prefloop.settings.run import RunConfig


def check_evaluation(config: RunConfig, run: RunFolder, folder: Path) -> list[Finding]:
    """Whether somebody other than the labelers judged, and what came out."""
    if not config.evaluation.judges:
        action = "Name a judge in evaluation.judges; no claim of improvement stands without one."
        return [_finding("judge present", "warn", "evaluation.judges is empty.", action)]
    judge = config.evaluation.judges[0]
    findings = [_finding("judge present", "ok", f"{judge} judges, and labeled nothing.")]
    last = config.rounds - 1
    if not (folder / "policy" / f"round-{last}").exists():
        return [*findings, _finding("judged", "later", "The last round's policy is not there yet.")]
    if not run.evaluations or run.evaluations[-1].round != last:
        action = "Run `prefloop evaluation` on the folder."
        return [*findings, _finding("judged", "warn", "The last policy is not judged.", action)]
    figures = run.evaluations[-1].figures
    rate = (figures.get("win_rate") or {}).get("rate") or {}
    told = str(figures.get("verdict", "The evaluation has no verdict."))
    if rate.get("high") is not None and rate["high"] < 0.5:
        action = "Do not use this policy; see the pairs in the report for what it learned."
        return [*findings, _finding("judge prefers the policy", "bad", told, action)]
    if rate.get("low") is None or rate["low"] <= 0.5:
        action = "Nothing is shown: train longer, gather more labels, judge more prompts."
        return [*findings, _finding("judge prefers the policy", "warn", told, action)]
    return [*findings, _finding("judge prefers the policy", "ok", told)]


def _finding(check: str, status: Status, told: str, action: str = "") -> Finding:
    return Finding(stage="evaluation", check=check, status=status, told=told, action=action)
