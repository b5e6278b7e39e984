"""Train the tokenizer and turn the texts into token arrays, without what is to stay unseen.

Unseen are one document in fifty of every source, and every paragraph that a validation or
held-out prompt was cut from.
"""

import argparse
import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from prompts import passages, split
from sources import SOURCES, Source
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

VOCABULARY = 8192
END, PAD = "<|endoftext|>", "<|pad|>"
SEED = 1


def held_out(document: str) -> bool:
    """One document in fifty, by the hash of its name."""
    return int(hashlib.sha256(document.encode()).hexdigest()[:8], 16) % 50 == 0


def unseen_starts(prompts: Path) -> set[str]:
    """First words of the prompts not to be trained on: they identify the paragraph."""
    texts = [row["text"] for row in passages(prompts)]
    return {text[:60] for text in texts if split(text) != "train"}


def documents(texts: Path, source: Source, unseen: set[str]) -> Iterator[tuple[bool, str]]:
    """(held out?, text) of each document, without the paragraphs of unseen prompts."""
    for line in (texts / f"{source.name}.jsonl").open(encoding="utf8"):
        document = json.loads(line)
        kept = [p for p in document["paragraphs"] if p[:60] not in unseen]
        yield held_out(document["doc"]), "\n".join(kept)


def train_tokenizer(texts: list[str], folder: Path) -> Tokenizer:
    """A byte-level BPE of its own: GPT-2's vocabulary would take four fifths of the weights."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END, PAD],
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=END,
        eos_token=END,
        unk_token=END,
        pad_token=PAD,
        clean_up_tokenization_spaces=False,
    )
    wrapped.save_pretrained(folder)
    name_class_for_all_versions(folder / "tokenizer_config.json")
    return tokenizer


def name_class_for_all_versions(path: Path) -> None:
    """Name the class that transformers 4 and 5 both know; 5 would write a name of its own."""
    config = json.loads(path.read_text())
    config.pop("backend", None)
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(config, indent=2) + "\n")


def pack(tokenizer: Tokenizer, texts: list[str]) -> np.ndarray:
    """All texts in one row of tokens, each closed by the end token."""
    end = tokenizer.token_to_id(END)
    rows = [
        np.array([*encoding.ids, end], dtype=np.uint16)
        for encoding in tokenizer.encode_batch(texts)
    ]
    return np.concatenate(rows)


def main() -> None:
    """Write the tokenizer, `train.npy` and one `eval_<source>.npy` for every source."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts", type=Path, help="folder that clean.py filled")
    parser.add_argument("prompts", type=Path, help="the prompts that prompts.py wrote")
    parser.add_argument("out", type=Path, help="folder for tokenizer and arrays")
    arguments = parser.parse_args()
    unseen = unseen_starts(arguments.prompts)
    train: list[str] = []
    evaluation: dict[str, list[str]] = {}
    for source in SOURCES:
        rows = list(documents(arguments.texts, source, unseen))
        evaluation[source.name] = [text for held, text in rows if held]
        train += [text for held, text in rows if not held and text] * source.repeats
    random.Random(SEED).shuffle(train)
    tokenizer = train_tokenizer(train, arguments.out)
    packed = pack(tokenizer, train)
    np.save(arguments.out / "train.npy", packed)
    print(
        f"train {len(packed)} tokens, {sum(map(len, train)) / len(packed):.2f} characters a token"
    )
    for name, held in evaluation.items():
        array = pack(tokenizer, held)
        np.save(arguments.out / f"eval_{name}.npy", array)
        (arguments.out / f"eval_{name}.json").write_text(
            json.dumps({"characters": sum(map(len, held))})
        )
        print(f"{name} held out: {len(held)} documents, {len(array)} tokens")


if __name__ == "__main__":
    main()
