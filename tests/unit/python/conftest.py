"""A run from Python that takes a moment: random weights, prompts of six words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import prefloop
from tests.wiring.runs import SENTENCES

MakeRun = Callable[..., prefloop.Run]
PROMPTS = [f"{sentence} It was day {day}." for day in range(6) for sentence in SENTENCES]
SMALL: dict[str, Any] = {
    "seed": 3,
    "recipe": "none",
    "task": {"name": "custom", "response_tokens": 6, "query_tokens_max": 40},
    "models": {"lora_rank": 4, "threads": 1},
    "policy": {"episodes": 32, "batch_size": 8, "epochs": 2, "lr": 3e-3, "checkpoint_every": 0},
    "evaluation": {"prompts": 4, "frontier_prompts": 0},
    "quiet": True,
}


def letters(prompts: list[str], responses: list[str]) -> list[float]:
    """Return how many letters each response has."""
    return [float(sum(each.isalpha() for each in text)) for text in responses]


@pytest.fixture
def make_run(gpt2_folder: Path, tmp_path: Path) -> MakeRun:
    """Makes a run on random weights in a folder of this name."""

    def made(name: str = "run", **changes: Any) -> prefloop.Run:
        given = {"model": gpt2_folder, "prompts": PROMPTS, "reward": letters, **SMALL, **changes}
        return prefloop.Run(tmp_path / name, **given)

    return made
