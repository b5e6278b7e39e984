"""RLOO as a method: it proves that a method is its loss and little more."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from prefloop.errors import CheckpointError
from prefloop.metrics import MetricsLog
from prefloop.models.loading import load_causal, load_tokenizer
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import CPU
from prefloop.models.sources import resolve
from prefloop.policy.build import build_trainer
from prefloop.policy.methods.rloo import RLOO, RLOOSettings
from prefloop.policy.reward_source import ScorerSource
from prefloop.policy.stage import PolicyStage
from prefloop.policy.trainer import PolicyTrainer
from prefloop.progress import Silent
from prefloop.run_folder import read_provenance
from prefloop.samples.sampler import Sampler
from prefloop.scorers.build import CheckedScorer
from prefloop.settings.models import ModelsConfig
from prefloop.settings.policy import KLConfig, PolicyConfig
from prefloop.settings.samples import SamplesConfig
from tests.architecture.source import ROOT, files, name_of
from tests.known import known
from tests.stages_for_tests import (
    PROMPTS,
    require_resumed_as_uninterrupted,
    stage_in,
    task_of,
    trainer_on,
    weights_of,
)
from tests.tolerances import EXACT, FP32
from tests.unit.policy.likes_even import lines_of, rollout_of
from tests.unit.policy.likes_even import trainer_on as even_trainer_on


def rloo_on(folder: Path, *, minibatches: int = 2, **changes: Any) -> PolicyTrainer:
    return trainer_on(folder, **{"method": "rloo", "minibatches": minibatches, **changes})


class Vowels:
    """A scorer that likes vowels: ten points for a response of nothing else."""

    name: ClassVar[str] = "vowels"
    sources: ClassVar[frozenset[str]] = frozenset({"letters"})
    description: ClassVar[str] = "a share of vowels"

    def __init__(self, sign: float) -> None:
        self.sign = sign

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Any:
        shares = [sum(c in "aeiou" for c in text) / max(1, len(text)) for text in responses]
        return 10 * self.sign * np.array(shares)


@pytest.mark.parametrize("sign", [1.0, pytest.param(-1.0, marks=pytest.mark.slow)])
def test_the_score_rises(sign: float) -> None:
    """On the built-in model, towards vowels or away from them."""
    base = resolve("builtin:tiny", say=print)
    tokenizer = load_tokenizer(base)
    models = ModelsConfig(name="builtin:tiny", lora_rank=8, lora_alpha=32)
    roles = ModelRoles(load_causal(base, tokenizer, runtime=CPU), models, seed=1)
    task = task_of(temperature=1.0)
    sampler = Sampler(
        tokenizer, task, SamplesConfig(), vocabulary=roles.policy.vocabulary, device=CPU.device
    )
    source = ScorerSource(CheckedScorer("vowels", Vowels(sign)), sampler)
    config = PolicyConfig(
        method="rloo",
        options={"samples_per_prompt": 4},
        episodes=64 * 20,
        epochs=1,
        minibatches=4,
        lr=2e-3,
        adam_eps=1e-8,
        kl=KLConfig(control="fixed", coef=0.02),
    )
    trainer = build_trainer(roles, source, sampler, config, seed=1)
    scores = [
        trainer.step(trainer.prompts_of(update, PROMPTS))["policy/score"] for update in range(7)
    ]
    assert sum(scores[-3:]) / 3 > sum(scores[:2]) / 2 + 0.25


def test_even_tokens_become_frequent(gpt2_folder: Path) -> None:
    fixed = KLConfig(coef=0.01, control="fixed")
    options = {"samples_per_prompt": 4}
    trainer = even_trainer_on(gpt2_folder, method="rloo", options=options, kl=fixed, lr=6e-3)
    scores = [line["policy/score"] for line in lines_of(trainer, 14)]
    assert sum(scores[-4:]) / 4 > scores[0] + 1.0


def test_advantages_are_those_of_the_rewards_with_their_kl(gpt2_folder: Path) -> None:
    trainer = even_trainer_on(gpt2_folder, method="rloo", options={"samples_per_prompt": 4})
    lines_of(trainer, 1)
    rollout = rollout_of(trainer)
    found = trainer.method.targets(rollout, kl_coef=0.5)["advantages"]
    kl = ((rollout.logprobs - rollout.ref_logprobs) * rollout.mask).sum(dim=1)
    rewards = (rollout.scores - 0.5 * kl).tolist()
    assert kl.abs().max() > 0.1
    expected = []
    for i in range(32):
        others = [rewards[j] for j in range(i // 4 * 4, i // 4 * 4 + 4) if j != i]
        expected.append(rewards[i] - sum(others) / 3)
    torch.testing.assert_close(found, torch.tensor(expected), **FP32)


def test_it_trains_no_value_head_and_reports_no_value_loss(gpt2_folder: Path) -> None:
    trainer = even_trainer_on(gpt2_folder, method="rloo")
    assert not [n for n, _ in trainer.optimizer.named_parameters if "value_head" in n]
    (line,) = lines_of(trainer, 1)
    assert set(RLOO.metrics) <= set(line)
    assert not {"policy/value_loss", "policy/explained_variance", "policy/approx_kl"} & set(line)


@pytest.mark.parametrize("clip_range", [1e6, 1e-6])
def test_its_clip_range_is_used(gpt2_folder: Path, clip_range: float) -> None:
    trainer = even_trainer_on(gpt2_folder, method="rloo", options={"clip_range": clip_range})
    (line,) = lines_of(trainer, 1)
    assert (line["policy/clip_fraction"] > 0.3) == (clip_range < 1e-3)


def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    straight, first, second = (
        stage_in(tmp_path / place, rloo_on(gpt2_folder, checkpoint_every=1))
        for place in ("straight", "stopped", "stopped")
    )
    require_resumed_as_uninterrupted(straight, first, second)
    assert {line["method"] for line in straight.metrics.lines()} == {"rloo"}
    exported = tmp_path / "stopped" / "policy" / "round-0"
    assert (exported / "model.safetensors").exists()
    assert not (exported / "value_head.safetensors").exists()
    assert known(read_provenance(exported)).shares_queries is True


@pytest.mark.parametrize(
    "changed",
    [{"method": "ppo"}, {"options": {"samples_per_prompt": 4}}],
    ids=["method", "samples"],
)
def test_a_checkpoint_of_another_method_is_refused(
    gpt2_folder: Path, tmp_path: Path, changed: dict[str, Any]
) -> None:
    stage = PolicyStage(
        rloo_on(gpt2_folder), MetricsLog(tmp_path / "m.jsonl"), run=tmp_path, progress=Silent()
    )
    stage.train(0, 1, PROMPTS)
    other = PolicyStage(
        rloo_on(gpt2_folder, **changed),
        MetricsLog(tmp_path / "m.jsonl"),
        run=tmp_path,
        progress=Silent(),
    )
    before = weights_of(other.trainer.optimizer.named_parameters)
    with pytest.raises(CheckpointError, match=r"policy\.method rloo and 2 samples per prompt"):
        other.restore()
    torch.testing.assert_close(
        weights_of(other.trainer.optimizer.named_parameters), before, **EXACT
    )


def test_apart_from_its_file_it_costs_one_line() -> None:
    """Nothing in the package but its file, its formulas and its entry point speaks of it."""
    texts = {name_of(path): path.read_text(encoding="utf-8") for path in files()}
    speaking = {name for name, text in texts.items() if re.search(r"\brloo\b", text.lower())}
    of_its_own = {"prefloop/policy/methods/rloo.py", "prefloop/functional/rloo.py"}
    help_text = {
        "prefloop/settings/policy.py",
        "prefloop/cli/comparing.py",
        "prefloop/cli/experiment.py",
        "prefloop/experiments/method_settings.py",
        "prefloop/experiments/methods.py",
        "prefloop/python/run.py",
        "prefloop/settings/run_file.py",
    }
    assert speaking - of_its_own - help_text == set()
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if "rloo" in line] == [
        'rloo = "prefloop.policy.methods.rloo:RLOO"'
    ]


def test_settings_say_where_their_defaults_come_from() -> None:
    assert RLOOSettings().samples_per_prompt == 2
    assert RLOOSettings().clip_range == 0.2
    assert all("TRL" in (f.description or "") for f in RLOOSettings.model_fields.values())
