"""The validation questions of a reward model: what labelers said that it did not learn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prefloop.audits.answers import AnswerTable, answer_table
from prefloop.audits.reward_edits import ChosenAnswer, Fits
from prefloop.comparisons.targets import preference_targets
from prefloop.records import Comparison, Label, Prompt, Sample
from prefloop.seeding import stable_fraction
from prefloop.settings.rewards import StrengthConfig
from prefloop.store.store import Store

EDITED = 64
"""Answers that are edited, each scored a dozen times. With half as many none passes for sure."""


@dataclass(frozen=True, kw_only=True)
class ValidationQuestions:
    """The validation questions whose texts the model can read."""

    table: AnswerTable
    comparisons: Sequence[Comparison]
    labels: Sequence[Label]
    samples: Mapping[str, Sample]
    prompts: Mapping[str, Prompt]

    @property
    def n_questions(self) -> int:
        """Those in which somebody preferred a sample; ties say nothing of a reward model."""
        return len(np.unique(self.table.question[self.table.is_choice]))

    @property
    def n_ties(self) -> int:
        """Those that were answered with ties only."""
        return len(np.unique(self.table.question)) - self.n_questions

    @property
    def n_prompts(self) -> int:
        """Prompts of the questions in which somebody preferred a sample."""
        return len(np.unique(self.table.prompt[self.table.is_choice]))

    def labelers(self) -> list[str]:
        """Return who gave each answer."""
        return [self.table.labelers[i] for i in self.table.labeler]

    def rounds(self) -> list[str]:
        """Return the round in which each answer's question was asked."""
        rounds = {c.sample_ids: f"round {c.round}" for c in self.comparisons}
        ends = self.table.starts + self.table.sizes
        spans = zip(self.table.starts, ends, strict=True)
        return [rounds[self.table.sample_ids[start:end]] for start, end in spans]

    def chosen_answers(self, strength: StrengthConfig) -> list[ChosenAnswer]:
        """Return what labelers chose on some questions, one of a prompt, always the same ones."""
        found: dict[str, ChosenAnswer] = {}
        targets = preference_targets(self.comparisons, self.labels, strength)
        for target in sorted(targets, key=lambda t: stable_fraction(t.comparison.id)):
            votes, ids = np.array(target.probabilities), target.comparison.sample_ids
            is_decided = len(ids) > 1 and (votes == votes.max()).sum() == 1
            prompt = target.comparison.prompt_id
            if is_decided and prompt not in found and len(found) < EDITED:
                best = int(votes.argmax())
                other = ids[0 if best else 1]
                found[prompt] = ChosenAnswer(
                    prompt=self.prompts[prompt].text,
                    text=self.samples[ids[best]].text,
                    other=self.samples[other].text,
                )
        return list(found.values())


def validation_questions(store: Store, fits: Fits) -> ValidationQuestions:
    """Return the answered validation questions of which all texts fit into the model."""
    comparisons = store.comparisons(split="validation")
    labels = store.labels(split="validation", for_training=True)
    answered = {label.comparison_id for label in labels}
    wanted = [c for c in comparisons if c.id in answered]
    samples = store.samples_by_id([i for c in wanted for i in c.sample_ids])
    prompts = {prompt.id: prompt for prompt in store.prompts()}
    known = [
        c
        for c in wanted
        if all(fits(prompts[c.prompt_id].text, samples[i].text) for i in c.sample_ids)
    ]
    by_id = {c.id: c for c in known}
    own = [label for label in labels if label.comparison_id in by_id]
    return ValidationQuestions(
        table=answer_table(own, by_id),
        comparisons=known,
        labels=own,
        samples=samples,
        prompts=prompts,
    )
