"""Prompts and responses of somebody's own, and what scores them as the run scores its samples."""

from collections.abc import Sequence
from pathlib import Path

from prefloop.comparisons.exchange.file_objects import read_objects
from prefloop.comparisons.exchange.problems import file_error
from prefloop.errors import InputError, SettingsError
from prefloop.files import verify_folder
from prefloop.registry import SCORERS
from prefloop.run_folder import OF_ROUND
from prefloop.scorers.build import CheckedScorer, build_scorer
from prefloop.settings.run import RunConfig


def read_texts(path: Path) -> list[tuple[str, str]]:
    """Return (prompt, response) of every row of a file; an InputError tells all problems."""
    problems: list[str] = []
    texts = [(row.text("prompt"), row.text("response")) for row in read_objects(path, problems)]
    if problems:
        raise file_error(path, problems, "nothing was scored")
    if not texts:
        raise InputError(f"{path} is empty. It needs rows with prompt and response.")
    return texts


def scorer_of(config: RunConfig, run: Path, name: str | None) -> CheckedScorer:
    """Return the scorer of this name, or what the policy of a run is trained towards.

    That is the newest reward model, or the scorer that `policy.reward` names. InputError if there
    is no reward model yet; SettingsError for an unknown name.
    """
    if name is None and config.policy.uses_reward_model:
        return _reward_model(run, reward_models(run))
    chosen = name or config.policy.reward
    if (problem := SCORERS.problem(chosen, config.scorers)) is not None:
        raise SettingsError(f"--scorer: {problem}")
    return build_scorer(chosen, config.scorers)


def reward_models(run: Path) -> list[Path]:
    """Return the folders of the run's reward models, the newest last."""
    # A copy that somebody put beside them, such as round-0-old, is no round's.
    folders = [
        folder
        for folder in (run / "rewards").glob("round-*")
        if OF_ROUND.fullmatch(folder.name) and not verify_folder(folder, hashes=False)
    ]
    return sorted(folders, key=lambda folder: int(folder.name.removeprefix("round-")))


def _reward_model(run: Path, folders: Sequence[Path]) -> CheckedScorer:
    if not folders:
        raise InputError(
            f"{run} has no reward model yet. Train one with `prefloop rewards {run}`, or name a "
            "scorer with --scorer."
        )
    newest = folders[-1]
    name = f"rewards/{newest.name}"
    return build_scorer(name, {name: {"kind": "reward_model", "folder": str(newest)}})
