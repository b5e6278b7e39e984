"""Tokenizers and models made ready: padding of its own, no dropout, nothing random."""

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM
from transformers.activations import NewGELUActivation

from prefloop.models.loading import (
    PAD_TOKEN,
    Tokenizer,
    context_length,
    load_causal,
    load_tokenizer,
)
from prefloop.models.runtime import CPU
from tests.models_for_tests import save_gpt2
from tests.stages_for_tests import OPENINGS
from tests.tolerances import EXACT, FP32


def pad_probability(model: torch.nn.Module, tokenizer: Tokenizer) -> torch.Tensor:
    with torch.no_grad():
        logits = model(torch.tensor([tokenizer.encode(OPENINGS[1])])).logits
    return logits.softmax(dim=-1)[..., tokenizer.pad_id]


def test_padding_is_a_token_of_its_own(gpt2_folder: Path, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(gpt2_folder)
    assert tokenizer.hf_tokenizer.pad_token == PAD_TOKEN
    assert tokenizer.pad_id not in tokenizer.encode("<|endoftext|> and " + OPENINGS[0])
    own = load_tokenizer(save_gpt2(tmp_path, pad_token="<pad>"))
    assert own.hf_tokenizer.pad_token == "<pad>"


def test_a_model_loads_to_the_same_weights_every_time(model_folder: Path) -> None:
    tokenizer = load_tokenizer(model_folder)
    one, other = (load_causal(model_folder, tokenizer, runtime=CPU).state_dict() for _ in range(2))
    for name in one:
        torch.testing.assert_close(other[name], one[name], **EXACT, msg=name)


def save_with_low_logits(folder: Path, source: Path) -> Path:
    """Save a model whose logits all lie far below 0, as GPT-2's do."""
    model = AutoModelForCausalLM.from_pretrained(source)
    with torch.no_grad():
        model.transformer.ln_f.bias[0] += 30.0
        model.transformer.wte.weight[:, 0] = -1.0
    model.save_pretrained(folder)
    load_tokenizer(source).hf_tokenizer.save_pretrained(folder)
    return folder


def test_the_added_pad_token_is_never_likely_and_with_a_random_row_it_is(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    folder = save_with_low_logits(tmp_path, gpt2_folder)
    tokenizer = load_tokenizer(folder)
    n_known = len(tokenizer.hf_tokenizer) - 1
    assert (
        pad_probability(load_causal(folder, tokenizer, runtime=CPU), tokenizer).max() <= 1 / n_known
    )
    twin = AutoModelForCausalLM.from_pretrained(folder)
    twin.resize_token_embeddings(n_known + 1, mean_resizing=False)
    assert pad_probability(twin, tokenizer).min() > 0.9


def test_the_fused_gelu_is_the_function_that_gpt2_names(gpt2_folder: Path) -> None:
    tokenizer = load_tokenizer(gpt2_folder)
    ours = load_causal(gpt2_folder, tokenizer, runtime=CPU)
    theirs = AutoModelForCausalLM.from_pretrained(gpt2_folder).eval()
    assert any(isinstance(module, NewGELUActivation) for module in theirs.modules())
    assert not any(isinstance(module, NewGELUActivation) for module in ours.modules())
    assert ours.config.activation_function == "gelu_new"
    ids = torch.tensor([tokenizer.encode(OPENINGS[0])])
    n_known = theirs.config.vocab_size
    with torch.no_grad():
        torch.testing.assert_close(ours(ids).logits[..., :n_known], theirs(ids).logits, **FP32)


def test_text_comes_back_as_it_was(model_folder: Path) -> None:
    tokenizer = load_tokenizer(model_folder)
    for text in (*OPENINGS, " a  b .\n\tc", "naïve — 'yes'"):
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert context_length(model_folder) == 128
