"""Small tokenizers with the habits of those that models come with."""

import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, processors, trainers
from transformers import PreTrainedTokenizerFast

from tests.models_for_tests import TEXT, save_tokenizer

SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
"""What SentencePiece writes for a space."""

BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def save_sentencepiece(folder: Path, *, adds_bos: bool = False) -> PreTrainedTokenizerFast:
    """Save a BPE like Llama 2's: a space before every text, byte tokens for unknown characters."""
    core = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<unk>", "<s>", "</s>", *BYTES], show_progress=False
    )
    words = [SPACE + word for text in [*TEXT, ". a b c"] for word in text.split(" ")]
    core.train_from_iterator(words, trainer)
    described = json.loads(core.to_str())
    kept = [token for token in described["added_tokens"] if token["content"] not in BYTES]
    described["added_tokens"] = kept  # Bytes are ordinary tokens.
    steps = [
        {"type": "Prepend", "prepend": SPACE},
        {"type": "Replace", "pattern": {"String": " "}, "content": SPACE},
    ]
    described["normalizer"] = {"type": "Sequence", "normalizers": steps}
    core = Tokenizer.from_str(json.dumps(described))
    core.decoder = decoders.Sequence(
        [
            decoders.Replace(SPACE, " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    if adds_bos:
        core.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", core.token_to_id("<s>"))]
        )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    fast.save_pretrained(folder)
    return fast


def save_with_reserved(folder: Path) -> Path:
    """Save a tokenizer with special tokens that have no name, as Llama 3 and SmolLM2 have them."""
    fast = save_tokenizer(folder)
    names = [f"<|reserved_{i}|>" for i in range(3)]
    fast.add_tokens([AddedToken(name, special=True, normalized=False) for name in names])
    fast.save_pretrained(folder)
    return folder


def save_with_holes(folder: Path, *, width: int = 3) -> dict[str, int]:
    """Save a tokenizer whose four last words have ids that are `width` larger; return its words."""
    save_tokenizer(folder)
    path = folder / "tokenizer.json"
    described = json.loads(path.read_text(encoding="utf-8"))
    words: dict[str, int] = described["model"]["vocab"]
    for word in sorted(words, key=lambda word: words[word])[-4:]:
        words[word] += width
    path.write_text(json.dumps(described), encoding="utf-8")
    return words


CHAT_TEMPLATE = (
    "{% for turn in messages %}<|im_start|>{{ turn.role }}\n{{ turn.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""ChatML, as SmolLM2 and Qwen have it."""


def save_chat(folder: Path, *, template: str = CHAT_TEMPLATE) -> PreTrainedTokenizerFast:
    """Save a byte-level tokenizer with a chat template; a turn does not end with EOS."""
    fast = save_tokenizer(folder)
    marks = ("<|im_start|>", "<|im_end|>")
    fast.add_tokens([AddedToken(mark, special=True, normalized=False) for mark in marks])
    fast.chat_template = template
    fast.save_pretrained(folder)
    return fast
