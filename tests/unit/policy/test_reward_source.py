"""Scores from a reward model or from any scorer: the same responses, the same rules."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from prefloop.errors import DivergedError, InputError, SettingsError
from prefloop.figures.trust import HeldOutFigures, HeldOutTerm
from prefloop.models.generation import ENDED
from prefloop.policy.build import build_trainer
from prefloop.policy.reward_source import (
    HeldOutSource,
    RewardModelSource,
    ScorerSource,
    build_reward_source,
)
from prefloop.policy.trainer import PolicyTrainer
from prefloop.rewards.model import RewardModel
from prefloop.run_file import parse_run
from prefloop.scorers.build import CheckedScorer
from prefloop.settings.policy import PolicyConfig
from prefloop.settings.samples import SamplesConfig
from tests.stages_for_tests import PROMPTS, Rule, roles_on, sampler_on
from tests.tolerances import EXACT

RULE: Rule = {"stop": ".", "stop_min": 1, "response_tokens": 8, "prefix": "Q: ", "suffix": " A:"}


class CountsE:
    """A scorer that counts a letter and remembers what it was shown."""

    name: ClassVar[str] = "counts_e"
    sources: ClassVar[frozenset[str]] = frozenset({"a letter"})
    description: ClassVar[str] = "a count of a letter"

    def __init__(self, spoilt: float | None = None) -> None:
        self.shown: list[tuple[str, str]] = []
        self.spoilt = spoilt

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Any:
        self.shown += zip(prompts, responses, strict=True)
        scores = np.array([float(text.count("e")) for text in responses])
        return scores if self.spoilt is None else np.full_like(scores, self.spoilt)


def trainer_with(
    folder: Path, scorer: CountsE, samples: SamplesConfig | None = None, **task: Any
) -> PolicyTrainer:
    tokenizer, roles = roles_on(folder)
    sampler = sampler_on(tokenizer, roles, samples, **task)
    source = ScorerSource(CheckedScorer("counts_e", scorer), sampler)
    config = PolicyConfig(batch_size=32, episodes=3200, microbatch_size=32, lr=6e-3)
    return build_trainer(roles, source, sampler, config, seed=1)


def test_a_scorer_sees_what_a_labeler_sees_and_only_responses_that_ended(
    gpt2_folder: Path,
) -> None:
    scorer = CountsE()
    trainer = trainer_with(gpt2_folder, scorer, SamplesConfig(after_stop="train"), **RULE)
    sampler = trainer.collector.sampler
    assert sampler.stop_rule._transitions is not None
    sampler.stop_rule._transitions[0, ::7] = ENDED  # Now some responses end, others do not.
    prompts = (PROMPTS * 4)[:32]
    rollout = trainer.collect(prompts)
    ended = rollout.is_ended.tolist()
    assert 0 < sum(ended) < 32
    texts = [sampler.text_of(ids) for ids in rollout.response.tolist()]
    assert scorer.shown == [
        (p.text, text) for p, text, is_ended in zip(prompts, texts, ended, strict=True) if is_ended
    ]
    assert any(
        len(text) < len(sampler.tokenizer.decode(ids))
        for text, ids in zip(texts, rollout.response.tolist(), strict=True)
    ), "texts are cut at their stop token"
    expected = [float(t.count("e")) if e else -1.0 for t, e in zip(texts, ended, strict=True)]
    torch.testing.assert_close(rollout.scores, torch.tensor(expected), **EXACT)


def test_nothing_is_asked_of_a_scorer_when_no_response_ended(gpt2_folder: Path) -> None:
    scorer = CountsE()
    trainer = trainer_with(gpt2_folder, scorer, **RULE)
    transitions = trainer.collector.sampler.stop_rule._transitions
    assert transitions is not None
    transitions[:] = 0
    rollout = trainer.collect(PROMPTS)
    assert scorer.shown == []
    assert (rollout.scores == -1.0).all()


def test_the_policy_learns_what_a_scorer_likes(gpt2_folder: Path) -> None:
    """2019's control experiment: training on a known reward."""
    trainer = trainer_with(gpt2_folder, CountsE())
    prompts = PROMPTS[:3]
    scores = [
        trainer.step(trainer.prompts_of(trainer.update, prompts))["policy/score"] for _ in range(12)
    ]
    assert sum(scores[-4:]) > 1.5 * sum(scores[:4]) > 0


@pytest.mark.parametrize("spoilt", [float("nan"), float("inf")])
def test_a_score_that_is_not_finite_stops_training_and_names_the_scorer(
    gpt2_folder: Path, spoilt: float
) -> None:
    trainer = trainer_with(gpt2_folder, CountsE(spoilt))
    with pytest.raises(InputError, match="scorer 'counts_e' returned"):
        trainer.step(trainer.prompts_of(0, PROMPTS))
    assert trainer.update == 0


@pytest.mark.parametrize("spoilt", [float("nan"), float("inf")])
def test_a_reward_model_that_gives_no_number_is_named_with_what_to_do(
    gpt2_folder: Path, spoilt: float
) -> None:
    tokenizer, roles = roles_on(gpt2_folder)
    sampler = sampler_on(tokenizer, roles)
    model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=1)
    model.head.shifts = [spoilt]
    config = PolicyConfig(batch_size=8, episodes=64)
    trainer = build_trainer(roles, RewardModelSource(model, sampler), sampler, config, seed=1)
    with pytest.raises(DivergedError, match=r"policy/score became .*rewards\.lr.*checkpoints"):
        trainer.step(PROMPTS)


def test_a_held_out_scorer_is_not_paid_for(gpt2_folder: Path) -> None:
    """Score less 0.5 times what the scorer counts beyond 2; a response that did not end stays 0."""
    tokenizer, roles = roles_on(gpt2_folder)
    sampler = sampler_on(tokenizer, roles, SamplesConfig(after_stop="train"), **RULE)
    assert sampler.stop_rule._transitions is not None
    sampler.stop_rule._transitions[0, ::7] = ENDED  # Now some responses end, others do not.
    model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=1)
    whole = RewardModelSource(model, sampler)
    scorer = CheckedScorer("counts_e", CountsE())
    source = HeldOutSource(whole, [scorer])
    batch = sampler.sample(roles.policy, PROMPTS, per_prompt=8, seed=1)
    asked = [prompt for prompt in PROMPTS for _ in range(8)]
    with pytest.raises(InputError, match=r"trained without rewards\.hold_out.*rewards/round-N"):
        source.score(asked, batch)
    term = HeldOutTerm(scorer="counts_e", weight=0.5, mean=2.0)
    model.held_out = HeldOutFigures(questions=9, share=0.1, terms=(term,))
    is_ended = batch.stop_mask.is_ended
    assert is_ended.any() and not is_ended.all()
    texts = [sampler.text_of(ids) for ids in batch.generation.response.tolist()]
    taken = torch.tensor([0.5 * (text.count("e") - 2.0) for text in texts])
    wanted = whole.score(asked, batch).scores - taken * is_ended
    torch.testing.assert_close(source.score(asked, batch).scores, wanted)


def test_the_run_file_names_the_reward(gpt2_folder: Path) -> None:
    tokenizer, roles = roles_on(gpt2_folder)
    sampler = sampler_on(tokenizer, roles)
    model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=1)

    def source(reward: str) -> object:
        raw = {"policy": {"reward": reward}, "evaluation": {"judges": []}}
        return build_reward_source(parse_run(raw, "run.yaml"), model, sampler)

    learned, known = source("reward_model"), source("length")
    assert isinstance(learned, RewardModelSource) and learned.model is model
    assert isinstance(known, ScorerSource) and known.scorer.name == "length"
    with pytest.raises(SettingsError, match=r"policy\.reward.*did you mean 'length'"):
        source("lenght")
