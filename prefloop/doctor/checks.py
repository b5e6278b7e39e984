"""All checks of a run, in the order of its stages."""

from collections.abc import Sequence
from pathlib import Path

from prefloop.doctor.finding import Finding
from prefloop.doctor.foundations import (
    check_database,
    check_model,
    check_prompts,
    check_store,
    check_tokenizer,
)
from prefloop.doctor.judgment import check_evaluation
from prefloop.doctor.labels import check_labels
from prefloop.doctor.policy import check_policy
from prefloop.doctor.rewards import check_rewards
from prefloop.doctor.saved import check_saved
from prefloop.errors import PrefloopError
from prefloop.models.loading import Tokenizer, context_length, load_tokenizer
from prefloop.models.sources import resolve
from prefloop.run_file import load_run_file
from prefloop.run_folder import read_run_folder
from prefloop.settings.run import RunConfig


def examine(path: Path) -> list[Finding]:
    """Return what every check says about the run whose run file lies at `path`.

    A check that needs what an earlier one found bad is left out.
    """
    try:
        config = load_run_file(path)
        resolved = path.parent / "run.resolved.yaml"
        if resolved.is_file():
            # What the run was made with, overrides and all.
            config = load_run_file(resolved)
    except PrefloopError as error:
        action = "Mend the run file; the other checks need it."
        return [_refused("settings", "settings load", error, action)]
    settings = Finding(
        stage="settings", check="settings load", status="ok", told=f"{path} is a valid run file."
    )
    folder = path.parent
    findings = [settings, *_model(config), *check_store(config, folder)]
    if any(f.stage == "store" and f.status != "ok" for f in findings):
        return findings
    findings += check_database(config, folder)
    return findings + check_labels(config, folder) + _figures(config, folder)


def conclusion(findings: Sequence[Finding]) -> str:
    """Name the first bad stage, or say that none is."""
    bad = [f for f in findings if f.status == "bad"]
    n_warnings = sum(f.status == "warn" for f in findings)
    warnings = f"{n_warnings} {'warning' if n_warnings == 1 else 'warnings'}"
    if bad:
        return f"The first bad stage is {bad[0].stage}: {bad[0].check}."
    return f"No stage is bad; {warnings} in {len(findings)} checks."


def _model(config: RunConfig) -> list[Finding]:
    """Return the findings about the model's folder, its tokenizer, and the prompts cut with it."""
    try:
        base = resolve(config.models.name)
        tokenizer, context = load_tokenizer(base), context_length(base)
    except (PrefloopError, OSError, ValueError) as error:
        action = "Set models.name to a model that is there."
        return [_refused("models", "model folder", error, action)]
    return [check_model(config, base), *_tokenized(config, tokenizer, context)]


def _tokenized(config: RunConfig, tokenizer: Tokenizer, context: int) -> list[Finding]:
    findings = check_tokenizer(config, tokenizer)
    try:
        return [*findings, check_prompts(config, tokenizer, context)]
    except PrefloopError as error:
        action = "Mend prompts or task in run.yaml."
        return [*findings, _refused("prompts", "prompts survive the task's rules", error, action)]


def _figures(config: RunConfig, folder: Path) -> list[Finding]:
    """Return the findings about what training and evaluation wrote down."""
    try:
        run = read_run_folder(folder)
    except PrefloopError as error:
        action = "Follow the message, then ask again."
        return [_refused("run folder", "figures are readable", error, action)]
    return [
        *check_rewards(config, run),
        *check_policy(config, run),
        *check_evaluation(config, run, folder),
        *check_saved(folder),
    ]


def _refused(stage: str, check: str, error: Exception, action: str) -> Finding:
    return Finding(stage=stage, check=check, status="bad", told=str(error), action=action)
