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
    """Return the folders of the run's whole reward models, the newest last."""
    return [folder for folder, problems in _of_rounds(run) if not problems]


def no_reward_model(run: Path) -> InputError:
    """Return what to say of a run without one: none is there yet, or it is gone or damaged."""
    damaged = [(folder, problems) for folder, problems in _of_rounds(run) if problems]
    if not damaged and not any((run / "policy").glob("round-*")):
        return InputError(
            f"{run} has no reward model yet. Train one with `prefloop rewards {run}`."
        )
    what = "that of its policy is gone"
    if damaged:
        folder, problems = damaged[-1]
        what = f"{folder} is damaged ({problems[0]})"
    # A run whose policy is made trains its reward model no more.
    return InputError(
        f"{run} has no whole reward model: {what}. Put back a backup; `prefloop rewards {run}` "
        "trains one again only where a policy is still to be made."
    )


def _of_rounds(run: Path) -> list[tuple[Path, list[str]]]:
    """Return the folders of reward models, the newest last, with what is wrong with each."""
    # A copy that somebody put beside them, such as round-0-old, is no round's.
    folders = [f for f in (run / "rewards").glob("round-*") if OF_ROUND.fullmatch(f.name)]
    folders.sort(key=lambda folder: int(folder.name.removeprefix("round-")))
    return [(folder, verify_folder(folder, hashes=False)) for folder in folders]


def _reward_model(run: Path, folders: Sequence[Path]) -> CheckedScorer:
    if not folders:
        raise no_reward_model(run)
    newest = folders[-1]
    name = f"rewards/{newest.name}"
    return build_scorer(name, {name: {"kind": "reward_model", "folder": str(newest)}})
