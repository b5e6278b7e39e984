"""A Llama of two layers with known float32 weights, written as the GGUF format asks."""

from pathlib import Path

import gguf
import numpy as np

WIDTH, HIDDEN, HEADS, LAYERS = 32, 64, 4, 2


def byte_pieces() -> list[str]:
    """The 256 printable stand-ins for bytes that byte-level BPE uses (GPT-2's table)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    table = {b: chr(b) for b in printable} | {b: chr(256 + i) for i, b in enumerate(others)}
    return [table[b] for b in range(256)]


def write_gguf(path: Path) -> dict[str, np.ndarray]:
    """Write the model to `path`; return the embedding and the last norm that were written."""
    tokens = ["<|endoftext|>", *byte_pieces(), "th", "the"]
    draws = np.random.default_rng(0)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([3] + [1] * (len(tokens) - 1))
    writer.add_token_merges(["t h", "th e"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)

    def draw(*shape: int) -> np.ndarray:
        return draws.normal(0, 0.1, shape).astype(np.float32)

    known = {"embedding": draw(len(tokens), WIDTH), "norm": draw(WIDTH)}
    writer.add_tensor("token_embd.weight", known["embedding"])
    writer.add_tensor("output_norm.weight", known["norm"])
    for layer in range(LAYERS):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", draw(WIDTH, WIDTH))
        for name in ("ffn_gate", "ffn_up"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", draw(HIDDEN, WIDTH))
        writer.add_tensor(f"blk.{layer}.ffn_down.weight", draw(WIDTH, HIDDEN))
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", draw(WIDTH))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return known
