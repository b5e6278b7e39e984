"""Prompts, ready to be asked: the passages of a file after the task's rules, each in its split."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from prefloop.errors import InputError, SettingsError
from prefloop.figures.prompts import PromptFigures
from prefloop.prompts.passages import Passage, PassageFile
from prefloop.prompts.queries import REASONS, CachedPieces, Refusal, TextTokenizer, cut_query
from prefloop.prompts.sources import read_passages
from prefloop.prompts.splits import split_of
from prefloop.records import Prompt, Split
from prefloop.seeding import stable_id
from prefloop.settings.prompts import PromptsConfig
from prefloop.settings.task import TaskConfig
from prefloop.text.normal_form import normal_form


@dataclass(frozen=True, kw_only=True)
class PromptSelection:
    """The prompts that a file gives, and what became of the rest of it."""

    prompts: list[Prompt]
    """In the order of the file, each once."""
    figures: PromptFigures
    training_texts: list[str]
    """The whole passages that were looked at and are in the training split."""


def select_prompts(
    config: PromptsConfig,
    task: TaskConfig,
    tokenizer: TextTokenizer,
    *,
    context: int | None = None,
    around: int | None = None,
    stored: Sequence[Prompt] = (),
) -> PromptSelection:
    """Return the prompts of `config.source` in the order of the file, each query once.

    Queries of one normal form are one: the first stands as it is written. Tasks that do not fit
    into the model are refused; see `check_context`. `stored` are the prompts that the run has: they
    keep their splits, and none of them is left out.
    """
    check_context(task, tokenizer, context, around=around)
    file = read_passages(config)
    found = _Selecting(config, task, CachedPieces(tokenizer), stored)
    n_seen = 0
    for passage in file.passages:
        n_seen += 1
        found.take(passage)
        if len(found.prompts) == config.limit:
            break
    if not found.prompts:
        raise InputError(_nothing_left(config, task, file, found.refusals))
    return PromptSelection(
        prompts=list(found.prompts.values()),
        figures=PromptFigures(
            source=config.source,
            passages=n_seen,
            prompts=len(found.prompts),
            left_out=_reasons(task, found.refusals),
            repeats=tuple(found.repeats),
            empty_rows=file.n_empty,
        ),
        training_texts=found.training_texts,
    )


def training_texts(
    config: PromptsConfig,
    task: TaskConfig,
    tokenizer: TextTokenizer,
    *,
    stored: Sequence[Prompt] = (),
) -> list[str]:
    """Return the whole passages of the training split, for a supervised warm start.

    `prompts.limit` does not limit them. A passage that gives a prompt is in the split of that.
    """
    unlimited = config.model_copy(update={"limit": None})
    return select_prompts(unlimited, task, tokenizer, stored=stored).training_texts


class _Selecting:
    """Passages become prompts, one after the other."""

    def __init__(
        self,
        config: PromptsConfig,
        task: TaskConfig,
        pieces: CachedPieces,
        stored: Sequence[Prompt],
    ) -> None:
        self.prompts: dict[str, Prompt] = {}
        self.refusals: Counter[Refusal] = Counter()
        self.repeats: list[str] = []
        self.training_texts: list[str] = []
        self._config = config
        self._task = task
        self._pieces = pieces
        self._forms: dict[str, Prompt] = {}
        self._passages: dict[str, Passage] = {}
        self._stored = {prompt.id: prompt for prompt in stored}
        self._stored_forms = {normal_form(prompt.text): prompt for prompt in stored}

    def take(self, passage: Passage) -> None:
        """Add the prompt of a passage, or count why it gives none."""
        split = self._split(passage)
        if split == "train":
            self.training_texts.append(passage.text)

    def split_by_text(self, text: str) -> Split:
        """Return the split that a text has by its hash."""
        return split_of(
            text,
            held_out_share=self._config.held_out_share,
            validation_share=self._config.validation_share,
        )

    def _split(self, passage: Passage) -> Split:
        query = cut_query(passage.text, self._task, self._pieces)
        if query.refusal is not None:
            self.refusals[query.refusal] += 1
            return self.split_by_text(passage.text)
        name, form = stable_id("prompt", query.text), normal_form(query.text)
        stored = self._stored.get(name)
        earlier = self.prompts.get(name) or (None if stored else self._forms.get(form))
        if earlier is not None:
            self.repeats.append(self._repeat(passage, earlier))
            return earlier.split
        twin = stored or self._stored_forms.get(form)
        self.prompts[name] = Prompt(
            id=name,
            text=query.text,
            source=passage.source,
            split=self.split_by_text(passage.text) if twin is None else twin.split,
            reference=passage.reference,
        )
        self._forms.setdefault(form, self.prompts[name])
        self._passages[name] = passage
        return self.prompts[name].split

    def _repeat(self, passage: Passage, earlier: Prompt) -> str:
        """Say which passage gives the prompt of an earlier one, and whether by the cut alone.

        In scripts that a tokenizer writes byte by byte, so few tokens are few characters.
        """
        whole, earlier_whole = (normal_form(p.text) for p in (passage, self._passages[earlier.id]))
        cut = "" if whole == earlier_whole else f", cut by {self._rules()},"
        return f"{passage.source}{cut} repeats {earlier.source}"

    def _rules(self) -> str:
        """Return what cuts a passage, such as `task.start_after and task.query_tokens_max 64`."""
        rules = {"start_after": self._task.start_after, "end_at": self._task.end_at}
        asked = [f"task.{name}" for name, value in rules.items() if value is not None]
        return " and ".join([*asked, f"task.query_tokens_max {self._task.query_tokens_max}"])


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


def _reasons(task: TaskConfig, refusals: Counter[Refusal]) -> dict[str, int]:
    """Return how many passages each rule refused, with the rule in words."""
    settings = task.model_dump()
    return {
        reason.format(**settings): refusals[refusal]
        for refusal, reason in REASONS.items()
        if refusals[refusal]
    }


def _nothing_left(
    config: PromptsConfig, task: TaskConfig, file: PassageFile, refusals: Counter[Refusal]
) -> str:
    """Say why not one passage became a prompt."""
    counts = [f"  - {n} {reason}" for reason, n in _reasons(task, refusals).items()]
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
