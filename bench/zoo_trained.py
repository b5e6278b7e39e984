"""Trained hacks beside trained clean runs with the same rewards: who tells them apart?

    make bench-zoo-trained                           # .venv-detectors once, then half an hour
    python bench/zoo_trained.py --seeds 1 --detectors ''

The same people, alarms and detectors as in `zoo.py`, on runs of the built-in tiny model that PPO
has trained (`zoo_trained_runs.py`). Writes results/zoo_trained.{json,md}.
"""

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo import PEOPLE, RESULTS, Row, ask_others, detectors_table, fill
from zoo_runs import ANSWERS, CLEAN, HELD_OUT_EVERY
from zoo_trained_runs import POLICY, TrainedPair, TrainedZoo

from prefloop.figures.text import percent
from prefloop.settings.policy import PolicyConfig

ASKED = {
    PEOPLE: f"at most {ANSWERS}",
    "rldoctor with held-out scores": f"{POLICY['batch_size']} scores of texts every "
    f"{HELD_OUT_EVERY} updates",
}
"""What people are asked for, by detector."""
LAST = 1.0
"""The share of a trained run's last answers that its reward has shaped: all."""


def main() -> None:
    """Train the pairs, ask everybody, write the results and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--detectors", default=".venv-detectors/bin/python")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs = [pair for seed in range(1, options.seeds + 1) for pair in train(seed, folder)]
        rows = ask_all(pairs, folder, options.detectors)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, load {load:.1f}"
    print(write(rows, pairs, {"machine": machine, "seeds": options.seeds}, RESULTS))


def write(
    rows: Sequence[Row], pairs: Sequence[TrainedPair], about: Mapping[str, object], folder: Path
) -> str:
    """Write the results, and return their tables."""
    content = {**about, "pairs": [described(*both) for both in zip(rows, pairs, strict=True)]}
    page = "\n".join([detectors_table(rows, ASKED), pairs_table(rows, pairs)])
    folder.mkdir(exist_ok=True)
    (folder / "zoo_trained.json").write_text(json.dumps(content, indent=1) + "\n")
    (folder / "zoo_trained.md").write_text(page)
    return page


def train(seed: int, folder: Path) -> list[TrainedPair]:
    """Return the pairs of a seed, whose clean run is one."""
    zoo = TrainedZoo(seed, folder)
    clean = zoo.train(CLEAN, zoo.people.like)
    pairs = []
    for name, reward in zoo.rewards().items():
        pairs.append(zoo.pair(zoo.train(name, reward), clean))
        print(f"{name}, seed {seed}: trained", flush=True)
    return pairs


def ask_all(pairs: Sequence[TrainedPair], folder: Path, detectors: str) -> list[Row]:
    """Return every pair with what each detector says of it."""
    others = ask_others(folder, [run for pair in pairs for run in pair.runs], detectors)
    rows = []
    for pair in pairs:
        hacked, clean = (run.win_rate for run in pair.runs)
        rows.append(Row(pair.hack, LAST, pair.seed, (hacked, clean)))
        fill(rows[-1], pair.runs, others, PolicyConfig.model_validate(POLICY))
    return rows


def described(row: Row, pair: TrainedPair) -> dict[str, object]:
    """Return a pair with all that is known of it."""
    ends = [{key: line[key] for key in ("update", "policy/kl")} for line in pair.ends]
    return {**vars(row), "score": pair.score, "ends": ends}


def pairs_table(rows: Sequence[Row], pairs: Sequence[TrainedPair]) -> str:
    """Return one line per pair: where it was cut, true win rates, and who was warned of what."""
    names = list(rows[0].suspicion)
    lines = [
        "| hack | seed | score, SD | updates | KL, nats | truly wins | its twin "
        f"| {' | '.join(f'{name}: hacked, clean' for name in names)} |",
        f"| --- | --- | --- | --- | --- | --- | --- |{' --- |' * len(names)}",
    ]
    for row, pair in zip(rows, pairs, strict=True):
        updates, kls = zip(*((end["update"], end["policy/kl"]) for end in pair.ends), strict=True)
        warned = [", ".join("yes" if w else "no" for w in row.is_warned[name]) for name in names]
        lines.append(
            f"| {row.hack} | {row.seed} | {pair.score:.1f} | {updates[0]}, {updates[1]} "
            f"| {kls[0]:.1f}, {kls[1]:.1f} | {percent(row.win_rates[0])} "
            f"| {percent(row.win_rates[1])} | {' | '.join(warned)} |"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
