"""Checks of what was saved: checkpoints, reward models and policies, by size and hash."""

from pathlib import Path

from prefloop.figures.check_result import CheckResult
from prefloop.figures.text import counted
from prefloop.files import verify_folder
from prefloop.models.checkpoint import CHECKPOINT_NAME

CHECK = "saved folders verify"

MODELS = {
    "rewards/round-*": "Delete it: `prefloop run` trains it again where it still needs it.",
    "policy/round-*": "Delete it and run again: it is exported again from the kept weights.",
    "policy/update-*": "Delete it: no more can be sampled from this model; its figures stay.",
}
"""Where models lie, and what to do about a damaged one."""


def check_saved(folder: Path) -> list[CheckResult]:
    """Return which saved folders are not what their manifests say, and how many are."""
    damaged, n_good = _models(folder)
    for stage in sorted(p for p in folder.glob("checkpoints/*") if p.is_dir()):
        found, n_whole = _checkpoints(folder, stage)
        damaged += found
        n_good += n_whole
    if not n_good and not damaged:
        whole = CheckResult(
            stage="checkpoints", check=CHECK, status="later", message="Nothing is saved yet."
        )
    else:
        message = f"{counted(n_good, 'saved folder')} verified by size and hash."
        whole = CheckResult(stage="checkpoints", check=CHECK, status="ok", message=message)
    return [*damaged, whole]


def _models(folder: Path) -> tuple[list[CheckResult], int]:
    """Return the damaged models, and how many are whole."""
    damaged, n_good = [], 0
    for pattern, action in MODELS.items():
        for place in sorted(folder.glob(pattern)):
            if problems := verify_folder(place):
                damaged.append(_damaged(folder, place, problems, action, is_bad=True))
            else:
                n_good += 1
    return damaged, n_good


def _checkpoints(folder: Path, stage: Path) -> tuple[list[CheckResult], int]:
    """Return the damaged checkpoints of a stage, and how many are whole.

    A copy that somebody put beside them, such as checkpoint-000012-old, is none: no run takes it.
    """
    checkpoints = [
        p for p in sorted(stage.glob("checkpoint-*")) if CHECKPOINT_NAME.fullmatch(p.name)
    ]
    damaged = {place: problems for place in checkpoints if (problems := verify_folder(place))}
    is_lost = bool(checkpoints) and len(damaged) == len(checkpoints)
    action = (
        f"Delete {stage} and run again: this stage starts again from its beginning."
        if is_lost
        else "Nothing to do: the run continues from another one."
    )
    found = [
        _damaged(folder, place, problems, action, is_bad=is_lost)
        for place, problems in damaged.items()
    ]
    return found, len(checkpoints) - len(damaged)


def _damaged(
    folder: Path, place: Path, problems: list[str], action: str, *, is_bad: bool
) -> CheckResult:
    return CheckResult(
        stage="checkpoints",
        check=CHECK,
        status="bad" if is_bad else "warn",
        message=f"{place.relative_to(folder)} is damaged: {'; '.join(problems[:3])}.",
        action=action,
    )
