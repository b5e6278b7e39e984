"""Comparisons of a round, made from samples that are drawn until there are enough."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from prefloop.errors import InputError, listing
from prefloop.records import Comparison, Prompt, Purpose, Sample
from prefloop.seeding import stable_id
from prefloop.store.store import Store
from prefloop.text.normal_form import normal_form


class Drawer(Protocol):
    """What draws samples, without the models behind it."""

    def draw(
        self,
        prompts: Sequence[Prompt],
        *,
        model: str,
        round: int,
        purpose: Purpose,
        per_prompt: int,
    ) -> list[Sample]:
        """Return the samples of a model to these prompts."""
        ...


class ComparisonBuilder:
    """Makes comparisons from prompts, each prompt at most once in a run."""

    def __init__(
        self,
        drawer: Drawer,
        store: Store,
        prompts: Mapping[str, Prompt],
        *,
        per_prompt: int,
        label_type: str | None,
        say: Callable[[str], None],
    ) -> None:
        self.drawer = drawer
        self.store = store
        self.prompts = prompts
        self.per_prompt = per_prompt
        self.label_type = label_type
        self.say = say

    def build(
        self, order: Sequence[Prompt], *, round: int, split: str, model: str, wanted: int
    ) -> list[Comparison]:
        """Draw samples until there are enough comparisons; store and return them.

        Prompts are taken in their order, without those of earlier rounds: no comparison is made
        twice, and a resumed run makes the same ones.
        """
        asked = {c.prompt_id for r in range(round) for c in self.store.comparisons(round=r)}
        fresh = [p for p in order if p.id not in asked]
        comparisons: list[Comparison] = []
        taken = 0
        while len(comparisons) < wanted and taken < len(fresh):
            chunk = fresh[taken : taken + wanted - len(comparisons)]
            samples = self.drawer.draw(
                chunk, model=model, round=round, purpose="labels", per_prompt=self.per_prompt
            )
            comparisons += make_comparisons(
                samples,
                self.prompts,
                round=round,
                per_prompt=self.per_prompt,
                label_type=self.label_type,
            )
            taken += len(chunk)
        if len(comparisons) < wanted:
            self.say(
                f"Only {len(comparisons)} of {wanted} {split} comparisons could be made: no "
                "prompt is left. Add prompts or ask for fewer labels."
            )
        self.store.add_comparisons(comparisons)
        return comparisons


def make_comparisons(
    samples: Sequence[Sample],
    prompts: Mapping[str, Prompt],
    *,
    round: int,
    per_prompt: int,
    label_type: str | None = None,
) -> list[Comparison]:
    """Return one comparison per prompt, of its first `per_prompt` distinct samples.

    Texts that differ only in case and white space are not distinct; a prompt with fewer than two
    distinct samples has no comparison. The same samples give the same ids in every run.
    """
    by_prompt: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_prompt[sample.prompt_id].append(sample)
    _refuse_held_out([prompts[prompt_id] for prompt_id in by_prompt])
    comparisons = []
    for prompt_id, group in by_prompt.items():
        ids = [sample.id for sample in _distinct(group)[:per_prompt]]
        if len(ids) >= 2:
            comparisons.append(
                Comparison(
                    id=stable_id("comparison", round, prompt_id, *ids),
                    prompt_id=prompt_id,
                    sample_ids=tuple(ids),
                    round=round,
                    split="validation" if prompts[prompt_id].split == "validation" else "train",
                    label_type=label_type,
                )
            )
    return comparisons


def _distinct(samples: Sequence[Sample]) -> list[Sample]:
    """Keep the first of each text in its normal form."""
    first: dict[str, Sample] = {}
    for sample in samples:
        first.setdefault(normal_form(sample.text), sample)
    return list(first.values())


def _refuse_held_out(prompts: Sequence[Prompt]) -> None:
    problems = [
        f"prompt {prompt.id} is held out: labels on it would spoil the evaluation"
        for prompt in prompts
        if prompt.split == "held_out"
    ]
    if problems:
        raise InputError(listing("the samples to be compared", problems))
