"""What the weights of an update were made with, written beside them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from prefloop.figures.provenance import (
    EarlierSettings,
    ParentRecord,
    Provenance,
    installed_versions,
)
from prefloop.files import manifest_hash
from prefloop.policy.lineage import parse_name
from prefloop.run_folder import read_provenance
from prefloop.settings.policy import BEST_OF_N, REWARD_MODEL

SECTIONS = ("task", "models", "samples", "policy")
"""Those on which an update depends."""


def policy_provenance(
    run: Path,
    name: str,
    settings: Mapping[str, Any],
    lines: Iterable[Mapping[str, Any]],
    *,
    name_of_update: Callable[[int], str],
    shares_queries: bool | None = None,
) -> Provenance:
    """Return how the weights of a canonical name came about.

    `lines` are the run's metrics, `name_of_update` gives the names that led to these weights, and
    `shares_queries` says whether responses to one query may share a row; None: each has its own.
    """
    place = parse_name(name)
    assert place is not None, "weights have canonical names"
    made = [line for line in lines if line["stage"] == "policy" and line["update"] <= place[0]]
    parents = _teachers(settings, made)
    models = [found for parent in parents if (found := read_provenance(run / parent))]
    return Provenance(
        artifact=name,
        settings=dict(settings),
        versions=installed_versions(),
        labels=models[-1].labels if models else None,
        parents=tuple(ParentRecord(name=p, sha256=manifest_hash(run / p)) for p in parents),
        updates=place[0],
        episodes=max((line.get("episodes", 0) for line in made), default=0),
        earlier=_earlier(_newest_before(run, place[0], name_of_update), settings),
        shares_queries=shares_queries,
    )


def _newest_before(
    run: Path, update: int, name_of_update: Callable[[int], str]
) -> Provenance | None:
    """Return the record of the newest saved weights that an update came from."""
    records = map(read_provenance, (run / "policy").glob("update-*"))
    known = {
        record.updates: record
        for record in records
        if record is not None
        and record.updates is not None
        and record.updates < update
        and record.artifact == name_of_update(record.updates)
    }
    return known[max(known)] if known else None


def _earlier(before: Provenance | None, settings: Mapping[str, Any]) -> tuple[EarlierSettings, ...]:
    """Return what was set otherwise for earlier updates, as their record and its own ones say."""
    if before is None or before.updates is None:
        return ()
    changed = {
        key: value
        for section in SECTIONS
        for key, value in _changed(section, before.settings.get(section), settings.get(section))
    }
    if not changed:
        return before.earlier
    return (*before.earlier, EarlierSettings(until_update=before.updates, settings=changed))


def _changed(key: str, was: Any, now: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(was, dict) and isinstance(now, dict):
        for name in was:
            yield from _changed(f"{key}.{name}", was[name], now.get(name))
    elif was != now:
        yield key, was


def _teachers(settings: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the updates learned from: the reward models, or the scorer that was followed.

    Best of n chooses by the newest reward model alone.
    """
    is_chosen = settings.get("policy", {}).get("method") == BEST_OF_N
    lines = lines[-1:] if is_chosen else lines
    reward = settings.get("policy", {}).get("reward", REWARD_MODEL)
    if reward != REWARD_MODEL:
        return [reward] if lines else []
    rounds = {line.get("reward_round", line["round"]) for line in lines}
    return [f"rewards/round-{number}" for number in sorted(rounds)]
