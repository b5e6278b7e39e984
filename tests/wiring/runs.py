"""A run that is put together as `prefloop run` does, on a model with random weights."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from prefloop.models.loading import load_tokenizer
from prefloop.progress import Silent
from prefloop.run.assemble import assemble
from prefloop.run.monitor import RunMonitor
from prefloop.run.stages import Stages
from prefloop.store.store import Store
from tests.models_for_tests import save_gpt2
from tests.stages_for_tests import token_of
from tests.wiring.wires import Settings, run_with

SENTENCES = [
    "Call me Ishmael.",
    "Some years ago, never mind how long precisely, he had no money.",
    "The sun was warm and the garden was full of happy people.",
    "She laughed and sang all day long.",
    "He was sad and cold and hungry.",
    "The rain fell on the grey town, and nobody came to the door.",
]
N_PASSAGES = 40


STOP = "e"
"""The stop token of the small run."""


@torch.no_grad()
def save_model(folder: Path) -> Path:
    """Save a GPT-2 of random weights in which stop token and end-of-text are likely everywhere."""
    save_gpt2(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = load_tokenizer(folder)
    embedding = model.get_output_embeddings().weight
    model.transformer.ln_f.bias[0] = 30.0
    embedding[:, 0] = 0.0
    for token in (token_of(tokenizer, STOP), tokenizer.hf_tokenizer.eos_token_id):
        embedding[token, 0] = 6.0 / 30.0
    model.save_pretrained(folder)
    return folder


def write_passages(path: Path) -> Path:
    """Write passages of two sentences with a human answer each, and another text beside them."""
    rows = [
        {
            "text": f"Chapter {i}. {SENTENCES[i % 6]} {SENTENCES[(i // 6) % 6]}",
            "other": f"{SENTENCES[(i + 1) % 6]} So it was in the year {1800 + i}.",
            "answer": f"Then came summer number {i}.",
        }
        for i in range(N_PASSAGES)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def small_run(model: Path, passages: Path) -> dict[str, object]:
    """Return the settings of a run that takes a moment."""
    return {
        "seed": 3,
        "recipe": "none",
        "task.name": "sentiment",
        "task.query_tokens_min": 2,
        "task.query_tokens_max": 40,
        "task.response_tokens": 6,
        "task.temperature": 0.8,
        "task.stop": STOP,
        "task.stop_min": 1,
        "models.name": str(model),
        "models.lora_rank": 4,
        "prompts.source": str(passages),
        "prompts.held_out_share": 0.2,
        "prompts.validation_share": 0.2,
        "samples.batch_size": 16,
        "samples.per_prompt": 3,
        "comparisons.labels": 8,
        "comparisons.validation_labels": 4,
        "rewards.normalize_samples": 8,
        "policy.episodes": 16,
        "policy.batch_size": 8,
        "evaluation.prompts": 4,
        "evaluation.frontier_prompts": 0,
    }


@contextmanager
def assembled(settings: Settings, folder: Path) -> Iterator[Stages]:
    """Yield a run's stages, put together as for `prefloop run`."""
    with Store.open(folder / "prefloop.db") as store:
        yield assemble(run_with(settings), folder, RunMonitor(store, Silent()))
