"""Questions for a round: samples drawn until there are enough that differ."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from prefloop.comparisons.collect_labels import make_comparisons
from prefloop.records import Comparison, Prompt, Purpose, Sample
from prefloop.store.store import Store


class Drawer(Protocol):
    """What draws samples; labels and their store start without the models behind it."""

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
    """Makes questions from prompts, each prompt at most once per run and model."""

    def __init__(
        self,
        drawer: Drawer,
        store: Store,
        prompts: Mapping[str, Prompt],
        *,
        per_prompt: int,
        say: Callable[[str], None],
    ) -> None:
        self.drawer = drawer
        self.store = store
        self.prompts = prompts
        self.per_prompt = per_prompt
        self.say = say

    def questions(
        self, order: Sequence[Prompt], *, round: int, split: str, model: str, wanted: int
    ) -> list[Comparison]:
        """Draw samples until there are enough questions, and store them.

        Prompts are taken in their order, without those of earlier rounds, so no label repeats a
        question and a resumed run asks the same ones.
        """
        asked = {c.prompt_id for r in range(round) for c in self.store.comparisons(round=r)}
        fresh = [p for p in order if p.id not in asked]
        questions: list[Comparison] = []
        taken = 0
        while len(questions) < wanted and taken < len(fresh):
            chunk = fresh[taken : taken + wanted - len(questions)]
            samples = self.drawer.draw(
                chunk, model=model, round=round, purpose="labels", per_prompt=self.per_prompt
            )
            questions += make_comparisons(
                samples, self.prompts, round=round, per_prompt=self.per_prompt
            )
            taken += len(chunk)
        if len(questions) < wanted:
            self.say(
                f"Only {len(questions)} of {wanted} {split} questions could be asked: the "
                "prompts are used up. Add prompts or ask for fewer labels."
            )
        self.store.add_comparisons(questions)
        return questions
