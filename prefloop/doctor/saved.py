"""Checks of what was saved: checkpoints, reward models and policies, by size and hash."""

from pathlib import Path

from prefloop.doctor.result import CheckResult
from prefloop.files import verify_folder


def check_saved(folder: Path) -> list[CheckResult]:
    """Whether every saved folder is what its manifest says."""
    finished = sorted([*folder.glob("rewards/round-*"), *folder.glob("policy/round-*")])
    results = [
        _damaged(folder, place, problems, "Delete it and run again: it is made anew.", is_bad=True)
        for place in finished
        if (problems := verify_folder(place))
    ]
    n_good = len(finished) - len(results)
    for stage in sorted(p for p in folder.glob("checkpoints/*") if p.is_dir()):
        checkpoints = sorted(stage.glob("checkpoint-*"))
        damaged = {p: problems for p in checkpoints if (problems := verify_folder(p))}
        is_lost = bool(checkpoints) and len(damaged) == len(checkpoints)
        action = (
            f"Delete {stage} to start this stage again."
            if is_lost
            else "Nothing to do: the run takes the other one."
        )
        results += [
            _damaged(folder, place, problems, action, is_bad=is_lost)
            for place, problems in damaged.items()
        ]
        n_good += len(checkpoints) - len(damaged)
    message = f"{n_good} saved folders are what their manifests say."
    whole = CheckResult(
        stage="checkpoints",
        check="saved folders verify",
        status="ok" if n_good or results else "later",
        message=message if n_good or results else "Nothing is saved yet.",
    )
    return [*results, whole]


def _damaged(
    folder: Path, place: Path, problems: list[str], action: str, *, is_bad: bool
) -> CheckResult:
    return CheckResult(
        stage="checkpoints",
        check="saved folders verify",
        status="bad" if is_bad else "warn",
        message=f"{place.relative_to(folder)} is damaged: {'; '.join(problems[:3])}.",
        action=action,
    )
