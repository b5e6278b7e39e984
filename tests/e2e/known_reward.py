"""A policy that follows a scorer on the built-in model: it learns something in half a minute."""

from pathlib import Path
from typing import Any

import yaml

SETTINGS: dict[str, Any] = {
    "seed": 1,
    "task": {
        "name": "sentiment",
        "query_tokens_min": 8,
        "query_tokens_max": 24,
        "response_tokens": 12,
        "stop": None,
        "stop_min": 0,
    },
    "models": {"name": "builtin:tiny", "lora_rank": 4, "lora_top_layers": 2, "threads": 1},
    "prompts": {"limit": 600},
    "samples": {"batch_size": 64},
    "policy": {
        "reward": "sentiment",
        "episodes": 224,
        "batch_size": 32,
        "minibatches": 2,
        "epochs": 2,
        "lr": 6e-3,
        "checkpoint_every": 0,
        "kl": {"control": "fixed", "coef": 0.05},
    },
    "evaluation": {"prompts": 24, "frontier_prompts": 4, "frontier_samples": 8},
}


def make_known_reward(folder: Path, **models: Any) -> Path:
    """Make a run that has not begun, with other settings of its models; return its folder."""
    folder.mkdir()
    changed = {**SETTINGS, "models": {**SETTINGS["models"], **models}}
    (folder / "run.yaml").write_text(yaml.safe_dump(changed))
    return folder
