"""A run that takes seconds: a random two-layer GPT-2, prompts of its own, two rounds."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from prefloop.cli.main import main

SENTENCES = [
    "The {a} {b} was {c} and the {d} {e} in the garden.",
    "She {e} at the {a} {b} and felt {c} all day long.",
    "He was {c} about the {d} that {e} near the {b}.",
]
WORDS = {
    "a": ["happy", "sad", "old", "warm", "grey"],
    "b": ["dog", "town", "house", "man"],
    "c": ["cold", "glad", "tired", "bright"],
    "d": ["child", "rain", "sun"],
    "e": ["sang", "laughed", "cried", "fell"],
}


def prompt_lines(n: int) -> list[str]:
    """Return `n` different one-sentence prompts."""
    lines = []
    for i in range(n):
        pattern = SENTENCES[i % 3]
        words = {key: values[(i // 3 + ord(key)) % len(values)] for key, values in WORDS.items()}
        lines.append(f"{pattern.format(**words)} It was day {i}.")
    return lines


def settings(model: Path, prompts: Path, **changes: Any) -> dict[str, Any]:
    """Return a run file's content."""
    run: dict[str, Any] = {
        "seed": 3,
        "recipe": "none",
        "rounds": 2,
        "task": {
            "name": "custom",
            "question": "Which is happiest?",
            "query_tokens_min": 1,
            "query_tokens_max": 60,
            "start_after": None,
            "end_at": None,
            "response_tokens": 12,
            "stop": None,
            "stop_min": 0,
        },
        "models": {"name": str(model), "lora_rank": 4, "threads": 1},
        "prompts": {"source": str(prompts), "held_out_share": 0.2, "validation_share": 0.2},
        "samples": {"batch_size": 32},
        "comparisons": {
            "labels": 48,
            "validation_labels": 8,
            "synthetic": {"scorers": {"sentiment": 1.0}},
        },
        "rewards": {"batch_size": 8, "lr": 3e-3, "normalize_samples": 32, "checkpoint_every": 1},
        "policy": {"episodes": 96, "batch_size": 16, "checkpoint_every": 1, "lr": 3e-3},
        "evaluation": {
            "judges": ["lexicon"],
            "prompts": 16,
            "frontier_prompts": 2,
            "frontier_samples": 8,
        },
    }
    for name, section in changes.items():
        run[name] = run.get(name, {}) | section if isinstance(section, dict) else section
    return run


def make_run(folder: Path, model: Path, **changes: Any) -> Path:
    """Write prompts and run file into `folder` and return it."""
    folder.mkdir(parents=True)
    prompts = folder / "prompts.txt"
    prompts.write_text("\n".join(prompt_lines(160)))
    (folder / "run.yaml").write_text(yaml.safe_dump(settings(model, prompts, **changes)))
    return folder


def start(folder: Path) -> subprocess.Popen[str]:
    """Start `prefloop run` on the folder in a process of its own, which can be killed."""
    return subprocess.Popen(
        [sys.executable, "-m", "prefloop", "run", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(folder: Path) -> None:
    """Run to the end in this process, where torch has started already."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["prefloop", "run", str(folder)])
        try:
            main()
        except SystemExit as error:
            assert not error.code, error.code
