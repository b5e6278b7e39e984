"""Unpicked samples of a model folder: five after held-out prompts, five from nothing."""

import argparse
from pathlib import Path

import torch
from prompts import passages, sentences, split
from transformers import AutoModelForCausalLM, AutoTokenizer

SEED = 0
NEW_TOKENS = 60
TEMPERATURE = 0.7
SHORTEST_QUERY = 32


def opening(text: str, tokenizer: AutoTokenizer) -> str:
    """The passage's first sentences, as many as make 32 tokens."""
    kept = ""
    for sentence in sentences(text):
        kept = f"{kept} {sentence}".strip()
        if len(tokenizer(kept)["input_ids"]) >= SHORTEST_QUERY:
            break
    return kept


def main() -> None:
    """Print the samples as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="model folder")
    parser.add_argument("prompts", type=Path, help="the prompts that prompts.py wrote")
    arguments = parser.parse_args()
    torch.manual_seed(SEED)
    tokenizer = AutoTokenizer.from_pretrained(arguments.model, trust_remote_code=False)
    model = AutoModelForCausalLM.from_pretrained(
        arguments.model, dtype=torch.float32, trust_remote_code=False
    ).eval()
    unseen = [row for row in passages(arguments.prompts) if split(row["text"]) == "held_out"][:5]
    openings = [(opening(row["text"], tokenizer), row["source"]) for row in unseen] + [("", "")] * 5
    for number, (query, source) in enumerate(openings, start=1):
        ids = torch.tensor([tokenizer(query)["input_ids"] or [tokenizer.eos_token_id]])
        mask = torch.ones_like(ids)
        drawn = model.generate(
            ids,
            attention_mask=mask,
            do_sample=True,
            temperature=TEMPERATURE,
            top_k=0,
            max_new_tokens=NEW_TOKENS,
        )
        text = tokenizer.decode(drawn[0, ids.shape[1] :], skip_special_tokens=True)
        text = text.replace("\n", " / ")
        head = f"{query} **{text.strip()}** ({source})" if query else f"**{text.strip()}**"
        print(f"{number}. {head}")


if __name__ == "__main__":
    main()
