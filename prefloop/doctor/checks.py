"""All checks of a run, in the order of its stages."""

from pathlib import Path

from prefloop.doctor.foundations import (
    check_database,
    check_model,
    check_prompts,
    check_store,
    check_tokenizer,
)
from prefloop.doctor.labels import check_labels
from prefloop.doctor.language import check_language
from prefloop.doctor.losses import check_losses
from prefloop.doctor.measured import check_measured
from prefloop.doctor.saved import check_saved
from prefloop.errors import PrefloopError
from prefloop.figures.check_result import CheckResult
from prefloop.models.loading import (
    Tokenizer,
    context_length,
    load_tokenizer,
    refuse_unknown_classes,
)
from prefloop.models.sources import resolve
from prefloop.run_file import load_run_as_made
from prefloop.run_folder import read_run_folder
from prefloop.settings.run import RunConfig


def examine(path: Path) -> list[CheckResult]:
    """Return what every check says about the run whose run file lies at `path`.

    A check that needs what an earlier one found bad is left out.
    """
    try:
        config = load_run_as_made(path)
    except PrefloopError as error:
        action = "Correct the run file; the other checks need it."
        return [_refused("settings", "settings load", error, action)]
    settings = CheckResult(
        stage="settings", check="settings load", status="ok", message=f"{path} is a valid run file."
    )
    folder = path.parent
    results = [settings, *_model(config), *check_store(config, folder)]
    if any(r.stage == "store" and r.status != "ok" for r in results):
        return results
    results += check_database(config, folder)
    return results + check_labels(config, folder) + _figures(config, folder)


def _model(config: RunConfig) -> list[CheckResult]:
    """Return the results about the model's folder, its tokenizer, and the prompts cut with it."""
    try:
        base = resolve(config.models.name)
        refuse_unknown_classes(base, trains_reward_model=config.policy.uses_reward_model)
        begins = config.models.beginning_of_text
        tokenizer = load_tokenizer(base, beginning_of_text=begins)
        context = context_length(base)
    except (PrefloopError, OSError, ValueError) as error:
        action = "Set models.name to a model that is there."
        return [_refused("models", "model folder", error, action)]
    return [check_model(config, base), *_tokenized(config, tokenizer, context)]


def _tokenized(config: RunConfig, tokenizer: Tokenizer, context: int) -> list[CheckResult]:
    results = check_tokenizer(config, tokenizer)
    try:
        return [*results, check_prompts(config, tokenizer, context), check_language(config)]
    except PrefloopError as error:
        action = "Correct prompts or task in run.yaml."
        return [*results, _refused("prompts", "prompts survive the task's rules", error, action)]


def _figures(config: RunConfig, folder: Path) -> list[CheckResult]:
    """Return the results about what training and evaluation wrote down."""
    try:
        run = read_run_folder(folder)
    except PrefloopError as error:
        action = "Do what the message says, then run `prefloop doctor` again."
        return [_refused("run folder", "figures are readable", error, action)]
    return [*check_measured(config, run, folder), *check_saved(folder), *check_losses(folder)]


def _refused(stage: str, check: str, error: Exception, action: str) -> CheckResult:
    return CheckResult(stage=stage, check=check, status="bad", message=str(error), action=action)
