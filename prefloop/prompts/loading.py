"""Prompts, ready to be asked: the passages of a file after the task's rules, each in its split."""

from collections import Counter

from prefloop.errors import InputError, SettingsError
from prefloop.prompts.passages import PassageFile
from prefloop.prompts.queries import REASONS, CachedPieces, TextTokenizer, cut_query
from prefloop.prompts.sources import read_passages
from prefloop.prompts.splits import split_of
from prefloop.records import Prompt
from prefloop.seeding import stable_id
from prefloop.settings.prompts import PromptsConfig
from prefloop.settings.task import TaskConfig


def load_prompts(
    config: PromptsConfig,
    task: TaskConfig,
    tokenizer: TextTokenizer,
    *,
    context: int | None = None,
    around: int | None = None,
) -> list[Prompt]:
    """Return the prompts of `config.source` in the order of the file, each query once.

    Tasks that do not fit into the model are refused; see `check_context`.
    """
    check_context(task, tokenizer, context, around=around)
    file = read_passages(config)
    pieces = CachedPieces(tokenizer)
    prompts: dict[str, Prompt] = {}
    refusals: Counter[str] = Counter()
    for passage in file.passages:
        query = cut_query(passage.text, task, pieces)
        if query.refusal is not None:
            refusals[query.refusal] += 1
            continue
        if query.text not in prompts:
            split = split_of(
                passage.text,
                held_out_share=config.held_out_share,
                validation_share=config.validation_share,
            )
            prompts[query.text] = Prompt(
                id=stable_id("prompt", query.text),
                text=query.text,
                source=passage.source,
                split=split,
                reference=passage.reference,
            )
        if len(prompts) == config.limit:
            break
    if not prompts:
        raise InputError(_nothing_left(config, task, file, refusals))
    return list(prompts.values())


def training_texts(config: PromptsConfig) -> list[str]:
    """Return the whole passages of the training split, for a supervised warm start."""
    shares = {"held_out_share": config.held_out_share, "validation_share": config.validation_share}
    passages = read_passages(config).passages
    return [p.text for p in passages if split_of(p.text, **shares) == "train"]


def check_context(
    task: TaskConfig,
    tokenizer: TextTokenizer,
    context: int | None,
    *,
    around: int | None = None,
) -> None:
    """Raise a SettingsError if the longest query and its response do not fit into the model.

    `context` is how many tokens the model can see; None: any number. `around` is how many tokens of
    a query are not the prompt; None: those of prefix and suffix.
    """
    if context is None:
        return
    if around is None:
        around = len(tokenizer.encode(task.prefix)) + len(tokenizer.encode(task.suffix))
    needed = task.query_tokens_max + around + task.response_tokens
    if needed > context:
        room = context - around - task.response_tokens
        advice = (
            f"Set task.query_tokens_max to {room} or less"
            if room >= task.query_tokens_min
            else "Set task.response_tokens lower"
        )
        raise SettingsError(
            f"task {task.name} needs {needed} tokens (query_tokens_max {task.query_tokens_max} + "
            f"around the prompt {around} + response_tokens {task.response_tokens}), but the model "
            f"sees only {context}. {advice}, or choose a model with a longer context."
        )


def _nothing_left(
    config: PromptsConfig, task: TaskConfig, file: PassageFile, refusals: Counter[str]
) -> str:
    """Say why not one passage became a prompt."""
    settings = task.model_dump()
    counts = [
        f"  - {refusals[refusal]} {reason.format(**settings)}"
        for refusal, reason in REASONS.items()
        if refusals[refusal]
    ]
    if file.n_empty:
        counts.append(f"  - {file.n_empty} more rows are empty")
    return "\n".join(
        [
            f"prompts.source {config.source} gives task {task.name} no prompt: of its "
            f"{len(file.passages)} passages,",
            *counts,
            "Use longer passages, or change task.start_after, task.end_at, task.query_tokens_min.",
        ]
    )
