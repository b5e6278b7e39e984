"""The embedded model is what its page says: small, loadable with nothing else, and trained."""

import json
import math
import re
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from prefloop.models.sources import BUILTIN

TINY = BUILTIN / "tiny"

UNSEEN = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the"
    " age of foolishness.",
    "It was on a dreary night of November that I beheld the accomplishment of my toils.",
    "You will rejoice to hear that no disaster has accompanied the commencement of an enterprise"
    " which you have regarded with such evil forebodings.",
    "The studio was filled with the rich odour of roses, and when the light summer wind stirred"
    " amidst the trees of the garden, there came through the open door the heavy scent of the"
    " lilac.",
    "True! nervous, very, very dreadfully nervous I had been and am; but why will you say that I"
    " am mad?",
)
"""Dickens, Shelley (twice), Wilde and Poe, from books that the model was not trained on."""

WORST_PERPLEXITY = 100.0
"""On the sentences above: even guessing has 8,192, the tokens' frequencies 822, this model 87."""


@pytest.fixture(scope="module")
def model() -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(TINY, dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def tokenizer() -> object:
    return AutoTokenizer.from_pretrained(TINY)


def test_it_is_a_small_gpt2_in_float16(model: PreTrainedModel) -> None:
    config = json.loads((TINY / "config.json").read_text())
    assert config["architectures"] == ["GPT2LMHeadModel"]
    assert config["dtype"] == "float16"
    assert (config["n_layer"], config["n_embd"], config["n_positions"]) == (4, 256, 256)
    assert model.num_parameters() == 5_322_240
    assert (TINY / "model.safetensors").stat().st_size <= 16e6


def test_nothing_is_dropped_out(model: PreTrainedModel) -> None:
    dropouts = [m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)]
    assert dropouts and set(dropouts) == {0.0}


def test_padding_and_end_are_two_tokens_of_the_vocabulary(tokenizer, model) -> None:
    assert tokenizer.eos_token == "<|endoftext|>"
    assert tokenizer.pad_token == "<|pad|>"
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    assert len(tokenizer) == model.config.vocab_size == 8192
    assert model.config.eos_token_id == tokenizer.eos_token_id
    assert model.config.pad_token_id == tokenizer.pad_token_id


@pytest.mark.parametrize("text", ['It\'s "here" .\n\n A  b', "  é ☃ 漢字 \t", *UNSEEN])
def test_any_text_comes_back_from_the_tokenizer(tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


@torch.no_grad()
def test_it_has_learned_some_english(model, tokenizer) -> None:
    nats, count = 0.0, 0
    for sentence in UNSEEN:
        ids = torch.tensor([tokenizer.eos_token_id, *tokenizer(sentence)["input_ids"]])
        logits = model(ids[None]).logits[0, :-1]
        nats += F.cross_entropy(logits, ids[1:], reduction="sum").item()
        count += len(ids) - 1
    assert math.exp(nats / count) < WORST_PERPLEXITY


def test_it_writes_words(model, tokenizer) -> None:
    torch.manual_seed(0)
    ids = torch.tensor([tokenizer("She opened the door and")["input_ids"]])
    mask = torch.ones_like(ids)
    drawn = model.generate(
        ids, attention_mask=mask, do_sample=True, temperature=0.7, top_k=0, max_new_tokens=60
    )
    text = tokenizer.decode(drawn[0, ids.shape[1] :])
    words = re.findall(r"[A-Za-z']+", text)
    assert len(words) >= 20
    common = {"the", "a", "and", "of", "to", "in", "was", "he", "she", "her", "his", "it", "i"}
    assert sum(word.lower() in common for word in words) >= len(words) // 10


def test_the_folder_holds_nothing_but_the_model() -> None:
    names = {"config.json", "generation_config.json", "model.safetensors"}
    names |= {"tokenizer.json", "tokenizer_config.json"}
    assert {path.name for path in Path(TINY).iterdir()} == names
