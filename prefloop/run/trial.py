"""A prompt of somebody's own, answered by the untuned model and by a policy; nothing is written.

The weights are read from the run folder, so that a run may go on meanwhile.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from prefloop.errors import CheckpointError, InputError
from prefloop.figures.reading import read_best_of_n
from prefloop.files import verify_folder
from prefloop.models.export import load_weights, restore_role_model
from prefloop.models.loading import Tokenizer
from prefloop.models.named import OF_ROUND
from prefloop.policy.lineage import parse_name
from prefloop.prompts.queries import cut_query
from prefloop.records import REFERENCE, Prompt
from prefloop.run.initial_models import InitialModels, chosen_by, load_initial_models
from prefloop.samples.sampler import SampledBatch, Sampler
from prefloop.seeding import derive_seed, stable_id
from prefloop.settings.run import RunConfig
from prefloop.settings.task import TaskConfig
from prefloop.text.decoding import text_fault
from prefloop.text.printable import printable

WITHOUT_RULES = {"start_after": None, "end_at": None, "query_tokens_min": 1}
"""Rules that cut prompts out of longer passages: a prompt of one's own is none."""

SHOWN = 60
"""Characters of a prompt that an error shows."""


Respond = Callable[..., SampledBatch]
"""Draws `per_prompt` responses to each prompt with random numbers of a `seed`."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Responses of two models to one prompt, in pairs of the same draw."""

    prompt: str
    reference: str
    """The name of the untuned model."""
    model: str
    """The name of the policy."""
    seed: int
    reference_responses: tuple[str, ...]
    responses: tuple[str, ...]


def run_trial(
    config: RunConfig,
    folder: Path,
    text: str,
    *,
    model: str | None,
    n: int,
    seed: int,
    say: Callable[[str], None],
) -> Trial:
    """Return `n` responses of the reference and of a policy: the newest one if None is named.

    InputError for a prompt without tokens, and for a policy whose weights are not there.
    """
    name = known_policy(folder, model)
    initial = load_initial_models(config, folder, say)
    prompt = _prompt(text, config.task, initial.tokenizer, say)
    reference, policy = (_respondent(config, folder, m, initial) for m in (REFERENCE, name))
    return Trial(
        prompt=prompt.text,
        reference=REFERENCE,
        model=name,
        seed=seed,
        reference_responses=_responses(initial.sampler, reference, [prompt], n, seed)[0],
        responses=_responses(initial.sampler, policy, [prompt], n, seed)[0],
    )


def draw_responses(
    config: RunConfig,
    folder: Path,
    texts: Sequence[str],
    *,
    model: str | None,
    n: int,
    seed: int,
    say: Callable[[str], None],
) -> list[list[str]]:
    """Return `n` responses to each prompt, of `reference` or of a policy; see `run_trial`.

    Prompts are read `samples.batch_size` responses at a time. One prompt alone gets the responses
    that a trial shows of it.
    """
    name = model if model == REFERENCE else known_policy(folder, model)
    initial = load_initial_models(config, folder, say)
    prompts = [_prompt(text, config.task, initial.tokenizer, say) for text in texts]
    respond = _respondent(config, folder, name, initial)
    at_once = max(1, config.samples.batch_size // n)
    return [
        list(responses)
        for i in range(0, len(prompts), at_once)
        for responses in _responses(initial.sampler, respond, prompts[i : i + at_once], n, seed)
    ]


def _respondent(config: RunConfig, folder: Path, name: str, initial: InitialModels) -> Respond:
    """Return what draws responses of the reference, or of a policy that is in the folder."""
    roles, sampler = initial.roles, initial.sampler
    if name == REFERENCE:
        return partial(sampler.sample, roles.reference)
    place = folder / name
    if problems := verify_folder(place):
        raise CheckpointError(
            f"{place} is damaged: {'; '.join(problems[:3])}. Name another policy with --model."
        )
    if (policy := read_best_of_n(place)) is not None:
        return chosen_by(policy, config, folder, initial).respond
    if OF_ROUND.fullmatch(name):
        restore_role_model(place, roles, roles.policy)
    else:
        load_weights(place, roles)
    return partial(sampler.sample, roles.policy)


def _responses(
    sampler: Sampler, respond: Respond, prompts: Sequence[Prompt], n: int, seed: int
) -> list[tuple[str, ...]]:
    place = derive_seed(seed, "trial", *(prompt.id for prompt in prompts))
    drawn = respond(prompts, per_prompt=n, seed=place)
    texts = [sampler.text_of(ids) for ids in drawn.generation.response.tolist()]
    return [tuple(texts[i : i + n]) for i in range(0, len(texts), n)]


def policy_names(run: Path) -> list[str]:
    """Return the policies whose weights are in the run folder, the newest last."""
    found = [
        f"policy/{place.name}"
        for place in (run / "policy").glob("*-*")
        if not verify_folder(place, hashes=False)
    ]
    rounds = [name for name in found if OF_ROUND.fullmatch(name)]
    updates = {name: (place[1], place[0]) for name in found if (place := parse_name(name))}
    # Updates come last: what a round ended with is one of them, except in runs of version 0.1.
    return sorted(rounds, key=_number) + sorted(updates, key=lambda name: updates[name])


def _number(name: str) -> int:
    return int(name.rpartition("-")[2])


def known_policy(run: Path, model: str | None) -> str:
    """Return the policy of this name, or the newest; InputError if its weights are not there."""
    names = policy_names(run)
    if not names:
        raise InputError(
            f"{run} has no policy yet: none of its updates was kept. Train one first: `prefloop "
            f"policy {run}`, or in Python train(until='policy')."
        )
    if model is not None and model not in names:
        raise InputError(
            f"there are no weights of {model!r} in {run}; there are {', '.join(names)}."
        )
    return model or names[-1]


def _prompt(
    text: str, task: TaskConfig, tokenizer: Tokenizer, say: Callable[[str], None]
) -> Prompt:
    """Return the prompt that the model reads, cut to the task's length."""
    if (fault := text_fault(text)) is not None:
        raise InputError(f"the prompt {printable(text)[:SHOWN]!r} {fault}.")
    query = cut_query(text, task.model_copy(update=WITHOUT_RULES), tokenizer)
    if query.refusal is not None:
        raise InputError(
            f"the prompt {text[:SHOWN]!r} gives the model nothing to read: it is empty, or this "
            "model's tokenizer cannot write it. Give other text."
        )
    if len(query.text) < len(text.strip()):
        say(f"The prompt is cut to {task.query_tokens_max} tokens (task.query_tokens_max).")
    name = stable_id("prompt", query.text)
    return Prompt(id=name, text=query.text, source="a trial", split="held_out")
