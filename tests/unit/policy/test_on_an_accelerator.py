"""Every step of training on a device of its own: nothing is made on another one and mixed in.

No accelerator is needed: see `tests/fake_accelerator.py`. What leaves the device, such as figures
of texts, leaves it by `to_numpy`, `item` and `tolist`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorDeviceMismatchError as DeviceMismatch

from prefloop.batches import PreferenceBatch
from prefloop.metrics import MetricsLog
from prefloop.models.checkpoint import restore_training, training_tensors
from prefloop.models.heads import ScoreHead
from prefloop.models.language_model import backbone
from prefloop.models.loading import load_causal, load_tokenizer
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import CPU, FULL_PRECISION, Runtime
from prefloop.policy import trainer as trainer_module
from prefloop.policy.trainer import PolicyTrainer
from prefloop.progress import Silent
from prefloop.rewards.dataset import with_bootstrap
from prefloop.rewards.model import RewardModel
from prefloop.rewards.trainer import RewardTrainer
from prefloop.samples.sampler import Sampler
from prefloop.settings.models import ModelsConfig
from prefloop.settings.policy import KLConfig
from prefloop.settings.rewards import RewardsConfig
from prefloop.settings.samples import SamplesConfig
from tests.fake_accelerator import ACCELERATOR, fake_accelerator, move, on_accelerator
from tests.models_for_tests import save_llama
from tests.stages_for_tests import PROMPTS, task_of, trainer_of, vocabulary_of

FEW = PROMPTS[:2]


@pytest.fixture(params=["gpt2", "llama"])
def folder(request: pytest.FixtureRequest, gpt2_folder: Path, tmp_path: Path) -> Path:
    return gpt2_folder if request.param == "gpt2" else save_llama(tmp_path)


@contextmanager
def trainer_there(folder: Path, members: int = 1, **policy: Any) -> Iterator[PolicyTrainer]:
    """Yield a trainer whose weights are on the accelerator; the model is loaded before."""
    tokenizer = load_tokenizer(folder)
    roles = ModelRoles(load_causal(folder, tokenizer, CPU), ModelsConfig(lora_rank=2), seed=1)
    with pytest.MonkeyPatch.context() as patch, fake_accelerator():
        # It looks at numbers, as an array.
        patch.setattr(trainer_module, "check_rewards", lambda *_, **__: None)
        roles = move(roles)
        sampler = Sampler(
            tokenizer,
            task_of(response_tokens=3, stop="e", stop_min=1),
            SamplesConfig(),
            vocabulary=vocabulary_of(roles),
            device=roles.policy.runtime.device,
        )
        model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=1, members=members)
        small = {"batch_size": 2, "episodes": 4, "microbatch_size": 1, "epochs": 1}
        yield trainer_of(roles, model, sampler, **{**small, "kl": KLConfig(coef=0.1), **policy})


@pytest.mark.parametrize("method", ["ppo", "rloo"])
def test_an_update_of_the_policy_mixes_no_devices(folder: Path, method: str) -> None:
    with trainer_there(folder, method=method) as trainer:
        metrics = trainer.step(FEW[: 2 // trainer.method.samples_per_prompt])
    assert metrics["policy/kl_cap_weight"] == 0.0 and trainer.optimizer.n_steps == 1
    state = trainer.optimizer.adam.state
    assert len(state) == len(trainer.optimizer.named_parameters)
    assert all(on_accelerator(moment) for own in state.values() for moment in own.values())


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("loss", ["best_of_k", "plackett_luce"])
def test_a_step_of_the_reward_model_mixes_no_devices(
    gpt2_folder: Path, tmp_path: Path, loss: str, members: int
) -> None:
    with trainer_there(gpt2_folder, members) as whole:
        model = whole.collector.reward.model  # type: ignore[attr-defined]
        trainer = RewardTrainer(
            model,
            RewardsConfig(microbatch_size=1),
            seed=1,
            round_number=0,
            checkpoints=tmp_path / "checkpoints",
            metrics=MetricsLog(tmp_path / "metrics.jsonl"),
            progress=Silent(),
        )
        shape = (2, 2) if loss == "best_of_k" else (2, 2, 4)
        batch = PreferenceBatch(
            sequences=(((60, 61), (62, 63)),) * 2,
            targets=torch.ones(shape, device=ACCELERATOR),
            present=torch.ones((2, 2), dtype=torch.bool, device=ACCELERATOR),
            loss=loss,
        )
        trainer.step(with_bootstrap(batch, members, 1, 0), step=0, total=2)
        assert on_accelerator(model.score([(60, 61), (62,)]))
    state = trainer.optimizer.state
    assert all(on_accelerator(moment) for own in state.values() for moment in own.values())


def test_means_in_float64_are_worked_off_the_device(
    gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = []

    def noted(scores: Tensor, *, std: float) -> tuple[float, float]:
        devices.append(scores.device.type)
        return std, 0.0

    monkeypatch.setattr("prefloop.rewards.model.gain_and_shift", noted)
    with trainer_there(gpt2_folder) as whole:
        model = whole.collector.reward.model  # type: ignore[attr-defined]
        model.normalize([(60, 61), (62, 63, 64)])
        assert on_accelerator(model.head.weight)
    assert devices == ["cpu"]


class ForgetfulSampler(Sampler):
    """A twin whose mask of banned tokens lies where torch makes tensors by default."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.banned = torch.zeros(self.banned.shape, dtype=torch.bool)


def test_a_mask_on_another_device_would_be_seen(
    gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "Sampler", ForgetfulSampler)
    with trainer_there(gpt2_folder) as trainer, pytest.raises(DeviceMismatch):
        trainer.step(FEW)


def test_weights_and_moments_of_a_file_come_back_to_the_device() -> None:
    """The count of steps as well: a fused step refuses one that lies elsewhere."""
    with fake_accelerator():
        named = [("w", nn.Parameter(torch.ones(3, device=ACCELERATOR)))]
        adam = torch.optim.Adam([named[0][1]], fused=True)
        named[0][1].grad = torch.ones(3, device=ACCELERATOR)
        adam.step()
        in_file = {name: torch.zeros(t.shape) for name, t in training_tensors(named, adam).items()}
        restore_training(in_file, named, adam)
        moments = adam.state[named[0][1]]
        assert set(moments) == {"step", "exp_avg", "exp_avg_sq"}
        assert all(map(on_accelerator, moments.values()))
        adam.step()


def test_a_whole_model_runs_on_the_device_that_has_shapes_only(folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    meta = Runtime(device=torch.device("meta"), dtype=FULL_PRECISION)
    causal = load_causal(folder, tokenizer, meta)
    roles = ModelRoles(causal, ModelsConfig(lora_rank=2), seed=1)
    ids = torch.ones((2, 3), dtype=torch.long, device=meta.device)
    # Without ids and mask: transformers looks for padding in them, which nobody can see here.
    embedded = causal.get_input_embeddings()(ids)
    hidden = backbone(causal)(inputs_embeds=embedded).last_hidden_state
    logits = roles.policy.logits(hidden)
    assert hidden.is_meta and logits.shape == (2, 3, roles.policy.vocabulary)
    head = ScoreHead(roles.reward.width, seed=1, runtime=meta)
    (logits.sum() + head.scores(hidden).sum()).backward()
    grads = [p.grad for p in causal.parameters() if p.requires_grad]
    assert grads and all(grad is not None and grad.is_meta for grad in grads)
    with pytest.raises(RuntimeError, match="device"):
        roles.policy.logits(hidden + torch.ones(hidden.shape, device=CPU.device))
