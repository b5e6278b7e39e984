"""Folders of small models with random weights, as `save_pretrained` writes them."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

TEXT = [
    "Call me Ishmael. Some years ago, never mind how long precisely, having little or no money.",
    "It is a truth universally acknowledged, that a single man must be in want of a wife.",
    "The sun was warm and the garden was full of happy people. She laughed and sang all day long.",
    "He was sad and cold and hungry. The rain fell on the grey town, and nobody came to the door.",
] * 4


def save_tokenizer(folder: Path, *, pad_token: str | None = None) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE of 400 entries and save it; without a pad token, as GPT-2 has none."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|endoftext|>", *([pad_token] if pad_token else [])],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|endoftext|>", pad_token=pad_token
    )
    fast.save_pretrained(folder)
    return fast


def save_gpt2(
    folder: Path, *, pad_token: str | None = None, context: int = 128, seed: int = 0
) -> Path:
    """Save a GPT-2 of 2 layers, width 32, with large random weights so that every token matters."""
    tokenizer = save_tokenizer(folder, pad_token=pad_token)
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=context,
        n_embd=32,
        n_layer=2,
        n_head=2,
        bos_token_id=0,
        eos_token_id=0,
        initializer_range=0.3,
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def save_llama(
    folder: Path, *, context: int = 128, tokenizer: PreTrainedTokenizerFast | None = None
) -> Path:
    """Save a Llama of 2 layers with grouped keys and tied embeddings, the shape of SmolLM2.

    `tokenizer` is one that the folder holds already.
    """
    tokenizer = tokenizer or save_tokenizer(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
        initializer_range=0.3,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder
