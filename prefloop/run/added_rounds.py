"""Rounds that are added to a run: each needs an update of the policy, and labels of its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefloop.figures.metrics_line import checked_lines
from prefloop.files import numbered_json_lines
from prefloop.run.schedule import labels_asked, updates_needed
from prefloop.settings.comparisons import NOBODY
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store

Changes = Mapping[str, tuple[Any, Any]]
"""Settings by dotted key: what each was, and what it is."""


def too_little_left(
    config: RunConfig, folder: Path, changes: Changes, store: str | Path
) -> list[str]:
    """Return why rounds that have not begun would be rounds without updates, or without labels.

    Such a round would ask for labels that teach nothing, or teach nothing new.
    """
    path = folder / "metrics.jsonl"
    written = checked_lines(numbered_json_lines(path), path)
    lines = [line for line in written if line["stage"] == "policy"]
    begun = max((line["round"] + 1 for line in lines), default=0)
    if begun >= config.rounds:
        return []
    problems = []
    if changes.keys() & {"rounds", "policy.episodes"}:
        made = max((line["update"] for line in lines), default=0)
        problems += _too_few_updates(config, begun, made)
    if changes.keys() & {"rounds", "comparisons.labels"} and config.policy.uses_reward_model:
        problems += _too_few_labels(config, begun, store)
    return problems


def _too_few_updates(config: RunConfig, begun: int, made: int) -> list[str]:
    policy, rounds = config.policy, config.rounds
    if not policy.trains:
        return []  # every round has an update of its own
    needed = updates_needed(rounds, begun=begun, made=made)
    if policy.updates >= needed:
        return []
    # As many for each of the others as the rounds so far had, on average.
    even = -(-made * rounds // begun) if begun else needed
    return [
        f"rounds is {rounds}, and no update is left for round {begun}: {made} are made, and "
        f"policy.episodes {policy.episodes} is {policy.updates} in all. Set policy.episodes to at "
        f"least {needed * policy.batch_size}; with {max(even, needed) * policy.batch_size} each "
        "round has as many as those before"
    ]


def _too_few_labels(config: RunConfig, begun: int, store: str | Path) -> list[str]:
    comparisons = config.comparisons
    if begun == 0 or comparisons.labelers == NOBODY:
        return []
    with Store.open(store, read_only=True) as opened:
        asked = labels_asked(opened.comparisons(), comparisons, begun)
    if asked == 0 or comparisons.labels > asked:
        return []
    return [
        f"rounds is {config.rounds}, and no label is left for round {begun}: the rounds before "
        f"asked for {asked}, and comparisons.labels is {comparisons.labels} for the whole run. Set "
        f"comparisons.labels above {asked}; with {-(-asked * config.rounds // begun)} each round "
        "has as many as those before"
    ]
