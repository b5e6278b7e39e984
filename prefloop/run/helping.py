"""A process that helps with a run: it holds the same models, and does what process 0 asks for.

It reads no run folder but a warm-started model, writes nothing, and says nothing.
"""

from pathlib import Path

from prefloop.errors import ProcessesError
from prefloop.models.identity import identity_of
from prefloop.models.processes import SET_UP, Handlers, Parameters, Plain, Processes
from prefloop.models.roles import ModelRoles
from prefloop.models.sources import resolve
from prefloop.policy.helping import policy_handlers, policy_weights
from prefloop.rewards.shared_gradient import (
    REWARD_GRADIENT,
    REWARD_MODEL_WEIGHTS,
    help_with_gradient,
)
from prefloop.run.in_training import models_in_training
from prefloop.run.initial_models import initial_folder, load_initial_models
from prefloop.settings.run import RunConfig


def set_helpers_up(
    processes: Processes, config: RunConfig, folder: Path, roles: ModelRoles
) -> None:
    """Have the other processes of a run load the models that this one has loaded."""
    if processes.size == 1:
        return
    processes.use(roles.policy.runtime.device)
    given = {
        "config": config.model_dump(mode="json"),
        "folder": str(folder.resolve()),
        "weights": _weights(config, folder),
    }
    processes.set_up(given)


def help_run(processes: Processes) -> None:
    """Help process 0 until it lets this process end; ProcessesError if it is gone."""
    handlers: Handlers = {}
    models: dict[str, Parameters] = {}

    def set_up(given: Plain) -> Plain:
        config, folder = RunConfig.model_validate(given["config"]), Path(given["folder"])
        _load(processes, config, folder, given["weights"], handlers, models)
        return {}

    handlers[SET_UP] = set_up
    processes.help(handlers, models)


def _load(
    processes: Processes,
    config: RunConfig,
    folder: Path,
    weights: str,
    handlers: Handlers,
    models: dict[str, Parameters],
) -> None:
    loaded = load_initial_models(config, folder, _say_nothing, processes=processes)
    if _weights(config, folder) != weights:
        raise ProcessesError(
            f"models.name {config.models.name} stands for other weights here than for process 0. "
            "Put the same model on every machine, and run the same command again."
        )
    processes.use(loaded.roles.policy.runtime.device)
    alone = Processes()  # it shares nothing further
    model, trainer = models_in_training(
        config, *loaded, run=folder, processes=alone, is_helper=True
    )
    handlers |= policy_handlers(trainer)
    handlers[REWARD_GRADIENT] = lambda given: help_with_gradient(model, given)
    models |= policy_weights(trainer)
    models[REWARD_MODEL_WEIGHTS] = [parameter for _, parameter in model.named_parameters]


def _weights(config: RunConfig, folder: Path) -> str:
    """Return a hash of the weights that a run begins with."""
    base = resolve(config.models.name, say=_say_nothing, for_chat=config.task.chat.on)
    return identity_of(initial_folder(config, folder, base)).weights


def _say_nothing(text: str) -> None:
    """Discard what process 0 says as well."""
