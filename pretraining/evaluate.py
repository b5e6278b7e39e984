"""Held-out perplexity and bits per character of a model folder, per corpus."""

import argparse
import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from encode import pack
from prompts import passages, split
from tokenizers import Tokenizer
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, PreTrainedModel

CONTEXT = 256
LIMIT = 40_000
"""Tokens of a corpus looked at, so that the whole takes a minute or two."""


@torch.no_grad()
def nats(model: PreTrainedModel, tokens: np.ndarray) -> float:
    """Negative log likelihood of all tokens but the first: neighbouring windows share one token."""
    total = 0.0
    for start in range(0, len(tokens) - 1, CONTEXT - 1):
        row = torch.from_numpy(tokens[start : start + CONTEXT].astype(np.int64))
        logits = model(row[None]).logits[0, :-1].float()
        total += F.cross_entropy(logits, row[1:], reduction="sum").item()
    return total


def corpora(data: Path, prompts: Path) -> Iterator[tuple[str, np.ndarray, float]]:
    """(name, tokens, characters a token) of each corpus, and of the held-out prompts."""
    for path in sorted(data.glob("eval_*.npy")):
        tokens = np.load(path)
        characters = json.loads(path.with_suffix(".json").read_text())["characters"]
        yield path.stem.removeprefix("eval_"), tokens[:LIMIT], characters / len(tokens)
    texts = [row["text"] for row in passages(prompts) if split(row["text"]) == "held_out"]
    tokens = pack(Tokenizer.from_file(str(data / "tokenizer.json")), texts)
    yield "prompts_held_out", tokens[:LIMIT], sum(map(len, texts)) / len(tokens)


def main() -> None:
    """Print one table row per corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="model folder")
    parser.add_argument("data", type=Path, help="folder that encode.py filled")
    parser.add_argument("prompts", type=Path, help="the prompts that prompts.py wrote")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(
        arguments.model, dtype=torch.float32, trust_remote_code=False
    ).eval()
    print("| corpus | tokens | perplexity | bits per character |\n| --- | --- | --- | --- |")
    for name, tokens, characters in corpora(arguments.data, arguments.prompts):
        mean = nats(model, tokens) / (len(tokens) - 1)
        bits = mean / math.log(2) / characters
        print(f"| {name} | {len(tokens):,} | {math.exp(mean):.1f} | {bits:.3f} |", flush=True)


if __name__ == "__main__":
    main()
