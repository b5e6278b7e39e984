"""Architectures of transformers: what each does to its logits is kept, or the model is refused."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    PreTrainedModel,
)

from prefloop.errors import InputError
from prefloop.models import language_model
from prefloop.models.classifier_shell import refuse_without_classifier
from prefloop.models.compatibility import refuse_incompatible
from prefloop.models.export import save_policy, save_reward_model
from prefloop.models.heads import ScoreHead, ValueHead
from prefloop.models.loading import load_causal, load_tokenizer
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import CPU
from prefloop.models.scoring import last_token_scores
from prefloop.settings.models import ModelsConfig
from tests.models_for_tests import save_tokenizer
from tests.tolerances import MODEL, RELOADED
from tests.unit.models.test_roles import disturb, draw

TINY = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
}
GROUPED = TINY | {"num_key_value_heads": 2}
OPT = TINY | {"ffn_dim": 64, "word_embed_proj_dim": 16, "do_layer_norm_before": False}
SMALL = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128}
ALIBI = {"d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": 128}
GEMMA2 = GROUPED | {"head_dim": 8, "sliding_window": 16, "final_logit_softcapping": 0.5}
LOCAL = {"num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]]}

WORKING: dict[str, dict[str, Any]] = {
    "biogpt": TINY,
    "bloom": {"hidden_size": 32, "n_layer": 2, "n_head": 4},
    "falcon": TINY,
    "gemma": GROUPED | {"head_dim": 8},
    "gemma2": GEMMA2,
    "gpt_bigcode": SMALL,
    "gpt_neo": {"hidden_size": 32, "intermediate_size": 64, "window_size": 8} | LOCAL,
    "gpt_neox": TINY,
    "gptj": SMALL | {"rotary_dim": 4},
    "mistral": GROUPED | {"sliding_window": 16},
    "mixtral": GROUPED | {"num_local_experts": 4},
    "mpt": ALIBI,
    "olmo2": GROUPED,
    "opt": OPT,
    "phi": TINY,
    "phi3": GROUPED,
    "qwen2": GROUPED,
    "qwen3": GROUPED,
    "stablelm": GROUPED,
    "starcoder2": GROUPED,
}
"""Architectures on which the whole loop can be run, each with something that others have not."""

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "bert": (TINY, "it reads ahead: a later token changes the logits of earlier ones"),
    "openai-gpt": (SMALL, "token by token, with a cache of keys and values"),
    "mamba": ({"hidden_size": 32, "num_hidden_layers": 2, "state_size": 8}, "token by token"),
}
"""Architectures that are no causal language models, or are not sampled from with a cache."""

WITHOUT_CLASSIFIER: dict[str, tuple[dict[str, Any], str]] = {
    "granite": (GROUPED, r"transformers has no sequence classifier, as which the reward model"),
    "codegen": (SMALL | {"rotary_dim": 4}, "transformers has no sequence classifier"),
    "ctrl": (SMALL | {"dff": 64}, r"its head is not one matrix named score \(classifier\.weight\)"),
}

IDS = torch.tensor([[5, 17, 230, 8, 91, 44, 3, 120, 61, 7]])


def save(kind: str, folder: Path, settings: dict[str, Any]) -> Path:
    """Save a small random model, with large weights so that every token and every layer matters."""
    tokenizer = save_tokenizer(folder)
    special = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": None}
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, vocab_size=len(tokenizer), **special, **settings)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(4)
    model.save_pretrained(folder)
    return folder


def roles_of(folder: Path, top_layers: int | None) -> ModelRoles:
    causal = load_causal(folder, load_tokenizer(folder), CPU)
    roles = ModelRoles(causal, ModelsConfig(lora_rank=4, lora_top_layers=top_layers), seed=1)
    disturb(roles.policy)
    disturb(roles.reward)
    return roles


@pytest.mark.parametrize("kind", WORKING)
def test_generation_is_the_models_own_distribution_and_the_saved_models_are_the_same(
    kind: str, tmp_path: Path
) -> None:
    folder = save(kind, tmp_path / "m", WORKING[kind])
    roles, tokenizer = roles_of(folder, 1), load_tokenizer(folder)
    query, mask, generation, banned, value_head = draw(roles, tokenizer, roles.policy)
    save_policy(tmp_path / "p", roles, value_head, tokenizer)
    reloaded = AutoModelForCausalLM.from_pretrained(tmp_path / "p")
    for row in range(len(query)):
        known = query[row][mask[row]]
        ids = torch.cat([known, generation.response[row]])[None]
        with torch.no_grad():
            logits = reloaded(ids).logits[:, len(known) - 1 : -1]
        theirs = (logits.masked_fill(banned, -torch.inf) / 0.7).log_softmax(dim=-1)
        expected = theirs.gather(2, generation.response[row][None, :, None]).squeeze(2)[0]
        torch.testing.assert_close(generation.logprobs[row], expected, **RELOADED)
    assert_same_scores(roles, folder, tmp_path / "r")


def assert_same_scores(roles: ModelRoles, base: Path, folder: Path) -> None:
    head = ScoreHead(roles.reward.width, seed=3, runtime=CPU)
    tokenizer = load_tokenizer(base)
    refuse_without_classifier(load_causal(base, tokenizer, CPU), base)
    save_reward_model(folder, roles, head, tokenizer)
    reloaded = AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.no_grad():
        mine = last_token_scores(roles.reward, head.scores, IDS, IDS > 0)
        theirs = reloaded(IDS, attention_mask=torch.ones_like(IDS)).logits[:, 0]
    torch.testing.assert_close(mine, theirs, **RELOADED)


@pytest.mark.parametrize("kind", ["gpt_neo", "opt", "bloom"])
def test_top_layers_begin_at_what_the_frozen_ones_give(kind: str, tmp_path: Path) -> None:
    """GPT-Neo's layers return tuples; OPT's are wider than its final hidden states."""
    roles = roles_of(save(kind, tmp_path / "m", WORKING[kind]), 1)
    frozen_prefix, mask = roles.policy.frozen_prefix, IDS > 0
    assert frozen_prefix is not None
    states = frozen_prefix.compute(roles.reference.hidden, IDS, mask)
    with torch.no_grad():
        whole = roles.policy.hidden(IDS, mask)
        above = roles.policy.hidden(IDS, mask, prefix_states=states)
    torch.testing.assert_close(above, whole, **MODEL)


def test_a_soft_cap_is_part_of_the_logits(tmp_path: Path) -> None:
    """The LM head alone gives others."""
    roles = roles_of(save("gemma2", tmp_path / "m", WORKING["gemma2"]), None)
    with torch.no_grad():
        hidden = roles.policy.hidden(IDS, IDS > 0)
        logits = roles.policy.logits(hidden)
        head_alone = roles.policy.causal.get_output_embeddings()(hidden)
    assert logits.abs().max() <= 0.5
    assert (logits - head_alone).abs().max() > 0.5


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_sampled_from_is_refused(kind: str, tmp_path: Path) -> None:
    settings, told = REFUSED[kind]
    folder = save(kind, tmp_path / "m", settings)
    with pytest.raises(InputError, match=told) as refused:
        load_causal(folder, load_tokenizer(folder), CPU)
    assert str(folder) in str(refused.value)
    assert "Name another model. Models such as GPT-2" in str(refused.value)


@pytest.mark.parametrize("kind", WITHOUT_CLASSIFIER)
def test_a_model_whose_reward_model_could_not_be_saved_is_refused(
    kind: str, tmp_path: Path
) -> None:
    settings, told = WITHOUT_CLASSIFIER[kind]
    folder = save(kind, tmp_path / "m", settings)
    causal = load_causal(folder, load_tokenizer(folder), CPU)
    with pytest.raises(InputError, match=told) as refused:
        refuse_without_classifier(causal, folder)
    assert "or let a scorer be policy.reward" in str(refused.value)


def scaled(logits_of: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda *args: 1.01 * logits_of(*args)


def test_logits_that_are_rebuilt_wrongly_are_seen(
    gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    causal: PreTrainedModel = load_causal(gpt2_folder, load_tokenizer(gpt2_folder), CPU)
    wrong = scaled(language_model.logits_of)
    monkeypatch.setattr("prefloop.models.compatibility.logits_of", wrong)
    with pytest.raises(InputError, match="the final hidden states do not give its logits"):
        refuse_incompatible(causal, gpt2_folder)


def test_a_value_head_reads_what_the_lm_head_reads(tmp_path: Path) -> None:
    roles = roles_of(save("opt", tmp_path / "m", WORKING["opt"]), None)
    assert roles.policy.width == 16
    head = ValueHead(roles.policy.width, runtime=CPU)
    assert head.values(roles.policy.hidden(IDS, IDS > 0)).shape == IDS.shape


@pytest.mark.parametrize(
    ("kind", "share", "is_refused"),
    [("mistral", 1e-5, True), ("mixtral", 1e-5, False), ("mixtral", 1e-2, True)],
)
def test_experts_may_round_earlier_logits_otherwise_and_no_more(
    kind: str, share: float, is_refused: bool, tmp_path: Path
) -> None:
    folder = save(kind, tmp_path / "m", WORKING[kind])
    causal = load_causal(folder, load_tokenizer(folder), CPU)

    def by_the_last_token(_: Any, ids: tuple[Tensor, ...], found: Any) -> None:
        if ids:  # Not in the other ways to the logits, which name what they give.
            found.logits *= 1 + share * ids[0][0, -1]

    causal.register_forward_hook(by_the_last_token)
    with pytest.raises(InputError, match="reads ahead") if is_refused else nullcontext():
        refuse_incompatible(causal, folder)


@pytest.mark.parametrize("pad_id", [1, 3, 6])
def test_the_trial_holds_no_padding(gpt2_folder: Path, pad_id: int) -> None:
    """Transformers warns on the terminal of a padding id at an end of a text without a mask."""
    causal = load_causal(gpt2_folder, load_tokenizer(gpt2_folder), runtime=CPU)
    causal.config.pad_token_id = pad_id
    read: list[Tensor] = []
    # Passes with a mask name their inputs.
    causal.register_forward_pre_hook(lambda module, inputs: read.extend(inputs))
    refuse_incompatible(causal, gpt2_folder)
    assert [ids.shape for ids in read] == [(1, 6), (1, 6)]
    assert not any((ids == pad_id).any() for ids in read)
