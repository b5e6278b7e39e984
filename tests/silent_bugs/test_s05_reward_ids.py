"""S5: the reward model is trained on the ids that it later scores.

Reported as trl#1702: training encoded prompt + answer as one text, scoring joined two encodings,
and where a merge crosses the boundary these are other tokens.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from prefloop.comparisons.targets import Target
from prefloop.models.runtime import CPU
from prefloop.policy.reward_source import RewardModelSource
from prefloop.policy.trainer import PolicyTrainer
from prefloop.records import Comparison, Prompt, Sample
from prefloop.rewards.dataset import preference_batch
from prefloop.rewards.model import RewardModel
from tests.stages_for_tests import (
    PROMPTS,
    disturb,
    responses_with_stop,
    sample_of,
    sampled_batch,
    token_of,
    trainer_on,
)

RULE = {"stop": ".", "stop_min": 1, "response_tokens": 8, "prefix": "Q: ", "suffix": " A:"}


class Recorder:
    """A reward model that remembers what it was given."""

    reference_spread = None

    def __init__(self) -> None:
        self.seen: list[list[int]] = []

    def score(self, sequences: Sequence[Sequence[int]]) -> Tensor:
        self.seen += [list(s) for s in sequences]
        return torch.zeros(len(sequences))


def trained_on(trainer: PolicyTrainer, prompt: Prompt, sample: Sample) -> list[int]:
    """Return the ids that the reward model is trained on for a stored sample."""
    comparison = Comparison(
        id="c", prompt_id=prompt.id, sample_ids=(sample.id,) * 2, round=0, split="train"
    )
    target = Target(comparison=comparison, probabilities=(1.0, 0.0), values=(1.0, 0.0), n_labels=1)
    batch = preference_batch(
        [target], {sample.id: sample}, {prompt.id: prompt}, trainer.collector.sampler, runtime=CPU
    )
    return list(batch.sequences[0][0])


def scored_on(trainer: PolicyTrainer, prompt: Prompt, response: Sequence[int]) -> list[int]:
    """Return the ids that PPO hands to the reward model for a response."""
    recorder, sampler = Recorder(), trainer.collector.sampler
    source = RewardModelSource(recorder, sampler)  # type: ignore[arg-type]
    source.score([prompt], sampled_batch(torch.tensor([list(response)]), sampler))
    return recorder.seen[0]


def test_training_and_ppo_give_the_reward_model_the_same_ids(model_folder: Path) -> None:
    trainer = trainer_on(model_folder, task=RULE)
    sampler = trainer.collector.sampler
    stop = token_of(sampler.tokenizer, ".")
    responses = responses_with_stop(stop, len(PROMPTS), 8)
    lengths = set()
    for number, (prompt, response) in enumerate(zip(PROMPTS, responses.tolist(), strict=True)):
        sample = sample_of(prompt, response, number, sampler.tokenizer)
        ids = trained_on(trainer, prompt, sample)
        assert ids == scored_on(trainer, prompt, response)
        query = sampler.tokenizer.encode(prompt.text)
        assert ids == query + response[: len(ids) - len(query)]
        assert ids[-1] == stop
        lengths.add(len(ids) - len(query))
    assert lengths == set(range(2, 9))


def test_twin_that_encodes_the_text_again_gives_other_ids_and_another_score(
    model_folder: Path,
) -> None:
    trainer = trainer_on(model_folder, task=RULE)
    tokenizer = trainer.collector.sampler.tokenizer
    prompt = Prompt(id="p", text="He was sad and hun", source="test", split="train")
    letters = [i for c in "gry and." for i in tokenizer.encode(c)]
    sample = sample_of(prompt, letters, 0, tokenizer)
    assert sample.text == "gry and."
    ids = trained_on(trainer, prompt, sample)
    disturb(trainer.collector.roles.reward)
    model = RewardModel(trainer.collector.roles, pad_id=tokenizer.pad_id, seed=1)
    assert ids == scored_on(trainer, prompt, letters)
    one_text = tokenizer.encode(prompt.text + sample.text)
    two_texts = tokenizer.encode(prompt.text) + tokenizer.encode(sample.text)
    assert tokenizer.decode(one_text) == tokenizer.decode(two_texts) == tokenizer.decode(ids)
    assert len({tuple(ids), tuple(one_text), tuple(two_texts)}) == 3
    scores = model.score([ids, one_text, two_texts])
    assert (scores[1:] - scores[0]).abs().min() > 0.01
