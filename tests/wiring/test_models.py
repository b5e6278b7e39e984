"""Settings of `models` change which weights there are, which are trained, and how."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from prefloop.errors import SettingsError
from prefloop.models.roles import RoleModel
from prefloop.models.runtime import Runtime
from prefloop.progress import Silent
from prefloop.run.loop import run
from prefloop.store.store import Store
from tests.models_for_tests import save_gpt2, save_llama
from tests.tokenizers_for_tests import save_sentencepiece
from tests.wiring.runs import assembled
from tests.wiring.wires import Observations, Observer, Settings, Wire, covers, run_with

BASE, NAMES, SHAPES, TRAINED = "reference", "trained weights", "their shapes", "trained policy"
REWARD_NAMES, REWARD_SHAPES = "trained weights of the reward model", "their shapes there"

WIRES = [
    Wire(
        setting="models.adapter",
        value="none",
        changes={NAMES, SHAPES, REWARD_NAMES, REWARD_SHAPES, TRAINED},
    ),
    Wire(setting="models.dtype", value="bfloat16", changes={BASE, TRAINED}),
    Wire(setting="models.lora_rank", value=2, changes={SHAPES, REWARD_SHAPES, TRAINED}),
    Wire(setting="models.lora_alpha", value=32, changes={TRAINED}),
    Wire(
        setting="models.lora_top_layers",
        value=1,
        changes={NAMES, SHAPES, REWARD_NAMES, REWARD_SHAPES, TRAINED},
    ),
]


def observe(settings: Settings, folder: Path) -> Observations:
    with assembled(settings, folder) as stages:
        roles = stages.policy.trainer.collector.roles
        with torch.no_grad():
            for _, parameter in roles.policy.named_parameters:
                parameter.add_(0.02)
        return {
            BASE: output_of(roles.reference),
            TRAINED: output_of(roles.policy),
            NAMES: [name for name, _ in roles.policy.named_parameters],
            SHAPES: [p.shape for _, p in roles.policy.named_parameters],
            REWARD_NAMES: [name for name, _ in roles.reward.named_parameters],
            REWARD_SHAPES: [p.shape for _, p in roles.reward.named_parameters],
        }


@torch.no_grad()
def output_of(role_model: RoleModel) -> list[float]:
    """Return the last token's hidden state."""
    ids = torch.tensor([[60, 61, 62, 63]])
    hidden: list[float] = role_model.hidden(ids, torch.ones_like(ids).bool())[0, -1].tolist()
    return hidden


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_setting_changes_this_and_nothing_else(wire: Wire, observer: Observer) -> None:
    assert observer.changed(observe, wire) == wire.changes


@covers("models.name")
def test_the_name_is_the_model_that_is_loaded(observer: Observer, tmp_path: Path) -> None:
    other = save_gpt2(tmp_path, seed=1)
    wire = Wire(setting="models.name", value=str(other), changes={BASE, TRAINED})
    assert observer.changed(observe, wire) == wire.changes


@covers("models.beginning_of_text")
def test_queries_and_what_the_reward_model_reads_begin_as_the_template_says(
    base: Settings, new_folder: Callable[[], Path], tmp_path: Path
) -> None:
    fast = save_sentencepiece(tmp_path, adds_bos=True)
    save_llama(tmp_path, tokenizer=fast)
    begins = []
    for wanted in (True, False):
        settings = {
            **base,
            "models.name": str(tmp_path),
            "models.beginning_of_text": wanted,
            "task.end_at": None,
            "task.start_after": None,
            "task.stop": ".",
        }
        with assembled(settings, new_folder()) as stages:
            sampler, prompt = stages.drawer.sampler, next(iter(stages.prompts.values()))
            read = (sampler.query_ids(prompt), sampler.reward_ids(prompt.text, [60]))
        begins.append([ids[0] == fast.bos_token_id for ids in read])
    assert begins == [[True, True], [False, False]]


@covers("models.lora_alpha", "models.lora_rank")
@pytest.mark.parametrize(("rank", "alpha"), [(4, 16), (4, 32), (2, 16)])
def test_an_update_is_scaled_by_alpha_over_rank(
    base: Settings, new_folder: Callable[[], Path], rank: int, alpha: int
) -> None:
    settings = {**base, "models.lora_rank": rank, "models.lora_alpha": alpha}
    with assembled(settings, new_folder()) as stages:
        roles = stages.policy.trainer.collector.roles
        weights = dict(roles.policy.named_parameters)
        before = dict(roles.state(roles.reference))
        with torch.no_grad():
            for name, parameter in weights.items():
                parameter.fill_(0.5 if ".lora_B." in name else 1.0)
        after = dict(roles.state(roles.policy))
    moved = [
        after[name] - before[name] for name in after if not torch.equal(after[name], before[name])
    ]
    assert moved
    for difference in moved:
        # B A of ones and halves is rank * 0.5 everywhere.
        assert difference.mean().item() == pytest.approx(alpha / rank * rank * 0.5, rel=1e-4)


@covers("models.device")
def test_the_device_is_where_the_models_are_loaded_and_one_that_is_not_there_draws_nothing(
    base: Settings, new_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    folder = new_folder()
    with pytest.raises(SettingsError, match=r"models.device is cuda"):
        run(run_with({**base, "models.device": "cuda"}), folder, Silent())
    with Store.open(folder / "prefloop.db") as store:
        assert store.samples() == [] and store.prompts() == []
    seen: list[Runtime] = []

    def load(_folder: Path, _tokenizer: object, runtime: Runtime) -> None:
        seen.append(runtime)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: True)
        patch.setattr("prefloop.run.assemble.product_rate", lambda runtime: 1e9)
        patch.setattr("prefloop.run.assemble.load_causal", load)
        here = {**base, "models.device": "cuda", "models.dtype": "float32"}
        with pytest.raises(KeyboardInterrupt), assembled(here, new_folder()):
            pass
    assert [runtime.device.type for runtime in seen] == ["cuda"]
    with assembled({**base, "models.device": "cpu"}, new_folder()) as stages:
        roles = stages.policy.trainer.collector.roles
        assert roles.policy.runtime.device.type == stages.config.models.device == "cpu"


@pytest.fixture
def threads() -> Iterator[int]:
    """The number of threads now, which is put back."""
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


@covers("models.threads")
def test_a_run_sets_the_threads(
    base: Settings, new_folder: Callable[[], Path], threads: int
) -> None:
    config = run_with({**base, "models.threads": threads + 2})
    run(config, new_folder(), Silent(), until="prompts")
    assert torch.get_num_threads() == threads + 2
