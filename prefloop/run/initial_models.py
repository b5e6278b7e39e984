"""The models that a run begins with, for those who only read its folder."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from transformers import PreTrainedModel

from prefloop.errors import SettingsError
from prefloop.figures.best_of_n import BestOfNPolicy
from prefloop.models.loading import Tokenizer, load_causal, load_tokenizer
from prefloop.models.processes import Processes
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import Runtime, start_runtime
from prefloop.models.sources import resolve
from prefloop.policy.best_of_n import BestOfNContent
from prefloop.policy.reward_source import build_reward_source
from prefloop.policy.rollout import RolloutCollector
from prefloop.rewards.model import RewardModel
from prefloop.samples.sampler import Sampler
from prefloop.settings.run import RunConfig


def runtime_of(config: RunConfig, *, nth_device: int = 0) -> Runtime:
    """Set the process's number of threads; return where a run's models are, and of which type.

    Of several GPUs it is the one with this number, from 0.
    """
    has_warm_start = config.policy.warm_start.epochs > 0
    return start_runtime(config.models, has_warm_start=has_warm_start, nth_device=nth_device)


class InitialModels(NamedTuple):
    """A run's models before any training but the warm start."""

    tokenizer: Tokenizer
    roles: ModelRoles
    sampler: Sampler


def initial_folder(config: RunConfig, folder: Path, base: Path) -> Path:
    """Return the model that a run begins with: its base, or what the warm start left."""
    started = folder / "warm_start"
    return started if config.policy.warm_start.epochs and started.is_dir() else base


def load_initial_models(
    config: RunConfig,
    folder: Path,
    say: Callable[[str], None],
    *,
    processes: Processes | None = None,
) -> InitialModels:
    """Return the models of a run: its base, or what the warm start left in the folder."""
    processes = processes or Processes()
    runtime = runtime_of(config, nth_device=processes.local_rank)
    base = resolve(config.models.name, say=say, for_chat=config.task.chat.on)
    tokenizer = load_tokenizer(base, beginning_of_text=config.models.beginning_of_text)
    place = initial_folder(config, folder, base)
    causal = load_causal(place, tokenizer, processes.loading(runtime))
    return initial_models(config, tokenizer, causal, runtime, processes)


def initial_models(
    config: RunConfig,
    tokenizer: Tokenizer,
    causal: PreTrainedModel,
    runtime: Runtime,
    processes: Processes,
) -> InitialModels:
    """Return the roles that a loaded model plays; sharded ones are in parts behind it."""
    roles = ModelRoles(causal, config.models, seed=config.seed, products=runtime.products)
    if processes.is_sharded:
        roles.shard(processes, runtime.device)
    vocabulary, device = roles.reference.vocabulary, roles.reference.runtime.device
    sampler = Sampler(tokenizer, config.task, config.samples, vocabulary=vocabulary, device=device)
    return InitialModels(tokenizer, roles, sampler)


def n_parts(processes: Processes | None) -> int:
    """Return among how many processes every model is divided; 1: each holds the whole."""
    return 1 if processes is None or not processes.is_sharded else processes.size


def refuse_sharded(config: RunConfig, folder: Path, processes: Processes) -> None:
    """Raise a SettingsError if models are to be sharded (FSDP) and something needs them whole."""
    if not processes.is_sharded:
        return
    if config.models.adapter != "none":
        raise SettingsError(
            f"FSDP shards models that are trained in full, and models.adapter is "
            f"{config.models.adapter}, with which all roles share one frozen model. Set "
            "models.adapter: none, or start the processes without --use_fsdp (--multi_gpu): then "
            "each holds the whole model."
        )
    if config.policy.warm_start.epochs and not (folder / "warm_start").is_dir():
        raise SettingsError(
            "the warm start (policy.warm_start.epochs) trains a whole model in process 0, and FSDP "
            "was asked for. Name a model that has been trained on such texts and set "
            "policy.warm_start.epochs: 0, or begin the run without FSDP."
        )


def chosen_by(
    policy: BestOfNPolicy, config: RunConfig, folder: Path, initial: InitialModels
) -> BestOfNContent:
    """Return a policy that is best of n, with the reward that it chooses by read from the run."""
    roles, sampler = initial.roles, initial.sampler
    heads, pad_id = config.rewards.ensemble, initial.tokenizer.pad_id
    model = RewardModel(roles, pad_id=pad_id, seed=config.seed, members=heads)
    collector = RolloutCollector(
        roles=roles,
        sampler=sampler,
        reward=build_reward_source(config, model, sampler),
        value_head=None,
        samples_per_prompt=policy.n,
        microbatch_size=config.samples.batch_size,
    )
    found = BestOfNContent(collector, config.policy, run=folder)
    found.now = policy
    return found
