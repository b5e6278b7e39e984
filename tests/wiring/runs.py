"""A run that is put together as `prefloop run` does, on a model with random weights."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefloop.progress import Silent
from prefloop.run.loop import Loop, prepare
from prefloop.run.monitor import Line
from prefloop.store.store import Store
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
        "task.name": "sentiment",
        "task.query_tokens_min": 2,
        "task.query_tokens_max": 40,
        "task.response_tokens": 6,
        "task.temperature": 0.8,
        "task.stop": "e",
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
def assembled(settings: Settings, folder: Path) -> Iterator[Loop]:
    """Yield a run's stages, put together as for `prefloop run`."""
    with Store.open(folder / "prefloop.db") as store:
        line = Line(store, Silent())
        with line.alive():
            yield prepare(run_with(settings), folder, line)
        line.close()
