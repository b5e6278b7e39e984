"""S8: normalization does something, once, and what it did is kept.

Reported as OpenRLHF#693: where the stored mean and standard deviation were missing, the reward was
used as it was, in silence.
"""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from prefloop.metrics import MetricsLog
from prefloop.models.export import restore_role_model
from prefloop.progress import Silent
from prefloop.rewards.model import RewardModel
from prefloop.rewards.stage import RewardStage
from prefloop.run_file import parse_run
from prefloop.store.store import Store
from tests.models_for_tests import TEXT
from tests.silent_bugs.parts import reward_model
from tests.stages_for_tests import Adapter, fill, roles_on, sampler_on
from tests.tolerances import EXACT, MODEL


def stage_on(folder: Path, store: Store, run: Path, adapter: Adapter) -> RewardStage:
    tokenizer, roles = roles_on(folder, adapter=adapter)
    config = parse_run({"rewards": {"batch_size": 4, "lr": 3e-3}}, "run.yaml")
    model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=1)
    sampler = sampler_on(tokenizer, roles)
    return RewardStage(model, sampler, config, store, run=run, progress=Silent())


def train(stage: RewardStage, store: Store, run: Path) -> Tensor:
    """Return the reference samples' scores after the stage."""
    samples = store.samples()
    texts = {p.id: p.text for p in store.prompts()}
    stage.train(0, samples, MetricsLog(run / "metrics.jsonl"))
    return stage.model.score(
        [stage.sampler.reward_ids(texts[s.prompt_id], s.response_ids) for s in samples]
    )


def check(scores: Tensor) -> None:
    """The reference samples have mean 0 and standard deviation 1."""
    moments = torch.stack([scores.mean(), scores.std(correction=0)])
    torch.testing.assert_close(moments, torch.tensor([0.0, 1.0]), **MODEL)


@pytest.mark.parametrize("adapter", ["lora", "none"])
def test_a_trained_model_has_mean_0_and_std_1_and_keeps_them_when_read_back(
    gpt2_folder: Path, tmp_path: Path, adapter: Adapter
) -> None:
    with Store.open(tmp_path / "prefloop.db") as store:
        stage = stage_on(gpt2_folder, store, tmp_path, adapter)
        fill(store, stage.sampler.tokenizer)
        scores = train(stage, store, tmp_path)
        check(scores)
        again = stage_on(gpt2_folder, store, tmp_path, adapter)
        torch.testing.assert_close(train(again, store, tmp_path), scores, **EXACT)
        twin = stage_on(gpt2_folder, store, tmp_path, adapter)
        folder = tmp_path / "rewards" / "round-0"
        state = restore_role_model(folder, twin.model.roles, twin.model.role_model)
        twin.model.head.load_state_dict({"weight": state["score.weight"]})
        forgot_the_shift = twin.model.score(
            [twin.sampler.reward_ids("He was sad.", s.response_ids) for s in store.samples()]
        )
    with pytest.raises(AssertionError):
        check(forgot_the_shift)
    figures = json.loads((folder / "trust.json").read_text())
    check(torch.tensor([figures["reference_std"], -figures["reference_std"]]))
    assert abs(figures["reference_mean"]) < 1e-4
    assert json.loads((folder / "config.json").read_text())["reward_shift"] != 0


def test_twin_without_normalization_fails_the_same_check(gpt2_folder: Path) -> None:
    tokenizer, roles = roles_on(gpt2_folder)
    model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=1)
    sequences = [[i, i + 1, i + 2] for i in range(20, 60)]
    with pytest.raises(AssertionError):
        check(model.score(sequences))
    gain, shift = model.normalize(sequences)
    check(model.score(sequences))
    assert (gain, shift) != (1.0, 0.0)
    check(model.score(sequences))
    torch.testing.assert_close(
        torch.tensor(model.normalize(sequences)), torch.tensor([1.0, 0.0]), **MODEL
    )
    model.head.shifts = [0.0]
    with pytest.raises(AssertionError):
        check(model.score(sequences))


def test_scores_of_the_reference_get_mean_0_and_variance_1(model_folder: Path) -> None:
    model, tokenizer = reward_model(model_folder)
    rows = [
        tokenizer.encode(sentence) for text in TEXT[:4] for sentence in text.split(".") if sentence
    ]
    before = model.score(rows)
    assert before.std(correction=0).item() != pytest.approx(1.0, abs=0.05), (
        "it must have work to do"
    )
    gain, shift = model.normalize(rows)
    after = model.score(rows)
    torch.testing.assert_close(after, gain * before + shift, **MODEL)
    assert after.mean().item() == pytest.approx(0.0, abs=1e-4)
    assert after.std(correction=0).item() == pytest.approx(1.0, abs=1e-4)


def test_doing_it_again_changes_nothing(model_folder: Path) -> None:
    model, tokenizer = reward_model(model_folder)
    rows = [tokenizer.encode(text) for text in TEXT[:4]]
    model.normalize(rows)
    gain, shift = model.normalize(rows)
    assert gain == pytest.approx(1.0, abs=1e-4)
    assert shift == pytest.approx(0.0, abs=1e-4)
