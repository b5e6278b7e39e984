"""The audit of a reward model in lines, the same on terminal and page."""

from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.reward_audit import RewardAuditFigures
from prefloop.figures.text import (
    count,
    counted,
    fixed,
    percent,
    share_interval,
    signed,
    signed_interval,
)
from prefloop.figures.trust import ValidationFigures

NAME = 38
"""Width of the first column."""


def reward_audit_head(figures: RewardAuditFigures) -> str:
    """Return what was looked at, in one sentence."""
    scale = ""
    if figures.scale is not None:
        scale = (
            f" Its scores are read times {fixed(figures.scale)}, as sure as the labels bear out."
            if figures.is_calibrated_scale
            else " The labels do not surely rise with its scores, which are read as they are."
        )
    ties = f" ({count(figures.ties)} more hold ties only)" if figures.ties else ""
    return (
        f"Reward model of round {figures.round}, on "
        f"{counted(figures.questions, 'validation question')} about "
        f"{counted(figures.prompts, 'prompt')}{ties}.{scale}"
    )


def shortcut_lines(figures: RewardAuditFigures) -> list[str]:
    """Return each shortcut in the labels and in the model."""
    if not figures.shortcuts:
        return []
    head = f"{'':<{NAME}}  log-odds: labels  model  difference          predicts: labels  model"
    rows = [
        f"{s.title:<{NAME}}  {signed(s.in_labels):>16}  {signed(s.in_model):>5}  "
        f"{signed(s.difference.value)} "
        f"({signed_interval(s.difference.low, s.difference.high)})".ljust(NAME + 45)
        + f"  {percent(s.predicts_labels.value):>16}  {percent(s.predicts_model.value):>5}"
        for s in figures.shortcuts
    ]
    return [head, *rows]


def edit_lines(figures: RewardAuditFigures) -> list[str]:
    """Return how often each edit did not raise the score."""
    if not figures.edits:
        return []
    head = f"{'edit':<{NAME}}  right               mean change of the score"
    rows = [
        f"{e.title:<{NAME}}  {_share(e.right):<18}  {signed(e.change):<24}  "
        f"{counted(e.right.n, 'answer')}"
        for e in figures.edits
    ]
    return [head, *rows]


def best_of_lines(figures: RewardAuditFigures) -> list[str]:
    """Return the best of 1, 2, 4, ... by the reward model, and what another scorer says of it."""
    best = figures.best_of
    if best is None:
        return []
    head = f"{f'best of n, {count(best.prompts)} prompts':<{NAME}}  KL (nats)  reward  " + (
        best.scorer or ""
    )
    rows = []
    for point in best.points:
        held_out = ""
        if (score := point.held_out) is not None:
            held_out = f"{signed(score.value)} ({signed_interval(score.low, score.high)})"
        row = f"{point.n:<{NAME}}  {fixed(point.kl_nats):>9}  {signed(point.reward):>6}  {held_out}"
        rows.append(row.rstrip())
    return [head, *rows]


def ensemble_text(figures: RewardAuditFigures) -> str:
    """Return on how many questions members choose differently; "" where there is one head."""
    ensemble = figures.ensemble
    if ensemble is None:
        return ""
    head = f"{ensemble.members} members share one model; the score is their mean"
    found = ensemble.validation
    if found is None:
        return f"{head}. No validation label says where they disagree."
    asked = counted(found.disagree.n, "question")
    parts = [f"they choose differently on {_share(found.disagree)} of {asked}"]
    for where, accuracy in (("agree", found.where_agreed), ("do not", found.where_not)):
        if accuracy is not None:
            labels = f"the labels of {counted(accuracy.n, 'question')}"
            parts.append(f"where they {where} it agrees with {_share(accuracy)} of {labels}")
    return f"{head}: {'; '.join(parts)}."


def group_lines(figures: RewardAuditFigures) -> list[str]:
    """Return the accuracy by labeler and by round."""
    groups = [*figures.by_labeler, *figures.by_round]
    if not groups:
        return []
    rows = [f"{g.name:<{NAME}}  {_share(g.accuracy)}, {count(g.accuracy.n)} labels" for g in groups]
    return [f"{'agrees with':<{NAME}}", *rows]


def calibration_lines(validation: ValidationFigures) -> list[str]:
    """Return how often samples were chosen, by the probability that the reward model gave them."""
    error = fixed(validation.calibration.error, 3)
    rows = [
        f"{f'{percent(b.low)} to {percent(b.high)}, mean {percent(b.mean_probability)}':<{NAME}}  "
        f"{percent(b.frequency)} ({share_interval(*b.interval)}) of {counted(b.n, 'sample')}"
        for b in validation.calibration.bins
    ]
    return [f"{'probability by its scores':<{NAME}}  chosen (calibration error {error})", *rows]


def margin_lines(validation: ValidationFigures) -> list[str]:
    """Return the accuracy in quarters of the best score's lead over the second."""
    rows = [
        _accuracy(f"{fixed(m.low)} to {fixed(m.high)}", m.accuracy) for m in validation.by_margin
    ]
    return [f"{'lead of the best score':<{NAME}}  agrees with", *rows] if rows else []


def length_lines(validation: ValidationFigures) -> list[str]:
    """Return the accuracy by the length of the chosen sample against the others."""
    rows = [_accuracy(part.bucket, part.accuracy) for part in validation.by_length]
    return [f"{'length of the chosen sample':<{NAME}}  agrees with", *rows] if rows else []


def _accuracy(name: str, accuracy: EstimateFigure) -> str:
    return f"{name:<{NAME}}  {_share(accuracy)}, {counted(accuracy.n, 'question')}"


def _share(estimate: EstimateFigure) -> str:
    return f"{percent(estimate.value)} ({share_interval(estimate.low, estimate.high)})"
