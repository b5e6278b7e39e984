"""Write the trained checkpoint as a Hugging Face folder in float16."""

import argparse
import shutil
from pathlib import Path

import torch
from train import build
from transformers import GenerationConfig


def main() -> None:
    """Model, tokenizer and generation settings in one folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="checkpoint.pt of train.py")
    parser.add_argument("data", type=Path, help="folder with the tokenizer of encode.py")
    parser.add_argument("out", type=Path, help="the model folder to write")
    arguments = parser.parse_args()
    model = build()
    state = torch.load(arguments.checkpoint, weights_only=True)
    model.load_state_dict(state["model"])
    model.config.use_cache = True
    model.config.summary_first_dropout = 0.0
    model.generation_config = GenerationConfig(eos_token_id=0, bos_token_id=0, pad_token_id=1)
    model.half().save_pretrained(arguments.out)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(arguments.data / name, arguments.out / name)
    print(f"step {state['progress']['step']}, {model.num_parameters():,} parameters")


if __name__ == "__main__":
    main()
