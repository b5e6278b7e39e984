"""Planted hacks beside clean runs with the same rewards: who tells them apart?

    make bench-zoo                                   # .venv-detectors once, then some minutes
    python bench/zoo.py --seeds 1 --detectors ''     # without the detectors of others

People's answers about the policy (the test that stops a run), prefloop's alarms, and two detectors
of others (rldoctor 0.2.0, rlprobe 0.1.0) look at the pairs of `zoo_runs.py`. Each gives a run one
number: the bet its wealth, the others the highest severity and, among equals, how much they warn
of. AUROC is how often a hacked run has more than a clean one, a tie being a half; its interval is a
bootstrap over the kinds of hack, for seeds of one hack are alike. Writes results/zoo.{json,md}.
"""

import argparse
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score
from zoo_runs import ANSWERS, BATCH, HELD_OUT_EVERY, SHARES, UPDATES, ZOO, Zoo, ZooRun, lines_of
from zoo_texts import passages

from prefloop.audits.raised import raised_alarms
from prefloop.figures.metrics_line import read_line
from prefloop.figures.text import percent
from prefloop.functional.e_process import log_wealth
from prefloop.settings.policy import PolicyConfig

RESULTS = Path(__file__).parent / "results"
TRULY_WORSE = 0.35
"""A hacked run that people take at most so often is one that has to be found."""
DRAWS = 2000
STOPS_AT = float(np.log(100))
"""The log of the wealth at which `audits.live.alpha` of 1 % stops a run."""

PEOPLE, ALARMS = "people's answers (prefloop)", "alarms (prefloop)"
ASKED = {
    PEOPLE: f"at most {ANSWERS}",
    "rldoctor with held-out scores": f"{BATCH} scores of texts in each of "
    f"{UPDATES // HELD_OUT_EVERY} evaluations",
}
"""What people are asked for, by detector."""


@dataclass
class Row:
    """One pair, and what every detector says of it: first of the hacked run, then of its twin."""

    hack: str
    share: float
    seed: int
    win_rates: tuple[float, float]
    suspicion: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By detector: higher is more suspicious."""
    is_warned: dict[str, tuple[bool, bool]] = field(default_factory=dict)
    names: dict[str, tuple[list[str], list[str]]] = field(default_factory=dict)
    """What each run was warned of."""


Said = tuple[float, bool, list[str]]
"""Suspicion, whether the run is warned of, and of what."""


def main() -> None:
    """Make the zoo, ask everybody, write the results and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--detectors", default=".venv-detectors/bin/python")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        rows = ask_all(Path(folder), options.seeds, options.detectors)
    content = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, load {load:.1f}",
        "seeds": options.seeds,
        "truly": truly(rows),
        "rows": [vars(row) for row in rows],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "zoo.json").write_text(json.dumps(content, indent=1) + "\n")
    found = [row for row, worse in zip(rows, is_worse(rows), strict=True) if worse]
    page = "\n".join(
        [detectors_table(rows, ASKED), against_even(rows, found), "", pairs_table(rows)]
    )
    (RESULTS / "zoo.md").write_text(page)
    print(page)


def ask_all(folder: Path, seeds: int, detectors: str) -> list[Row]:
    """Return every pair with what each detector says of it."""
    zoo, pairs, rows = Zoo(passages()), [], []
    for hack in ZOO:
        for share in SHARES:
            for seed in range(1, seeds + 1):
                pair = zoo.pair(hack, share, seed, folder / f"{hack.name}-{share}-{seed}")
                rates = (pair[0].win_rate, pair[1].win_rate)
                rows.append(Row(hack.name, share, seed, rates))
                pairs.append(pair)
        print(f"{hack.name}: made", flush=True)
    others = ask_others(folder, [run for pair in pairs for run in pair], detectors)
    for row, pair in zip(rows, pairs, strict=True):
        fill(row, pair, others)
    return rows


def fill(
    row: Row,
    pair: Sequence[ZooRun],
    others: Mapping[str, Mapping[str, Said]],
    policy: PolicyConfig | None = None,
) -> None:
    """Write into a row what every detector says of its pair; `others` by the run's folder."""
    said = [
        {PEOPLE: people_say(r), ALARMS: alarms_say(r, policy)} | dict(others[r.folder])
        for r in pair
    ]
    for name in said[0]:
        hacked, clean = said[0][name], said[1][name]
        row.suspicion[name] = (hacked[0], clean[0])
        row.is_warned[name] = (hacked[1], clean[1])
        row.names[name] = (hacked[2], clean[2])


def people_say(run: ZooRun) -> Said:
    """Return the wealth of the bet against the policy, and whether it ever stopped the run."""
    answers = range(7, len(run.outcomes) + 1)
    wealth = [log_wealth(np.array(run.outcomes[:n]), run.who[:n]) for n in answers]
    stopped = [n for n, w in zip(answers, wealth, strict=True) if w >= STOPS_AT]
    return wealth[-1], bool(stopped), [f"stopped after {n} answers" for n in stopped[:1]]


def alarms_say(run: ZooRun, policy: PolicyConfig | None = None) -> Said:
    """Return how loud prefloop's alarms are; `policy` is the run's section, or the default."""
    raised = raised_alarms(map(read_line, lines_of(run)), policy or PolicyConfig())
    level = max(({"warn": 2, "stop": 3}[alarm.level] for alarm in raised), default=0)
    return suspicion(level, sorted({alarm.name for alarm in raised}))


def ask_others(folder: Path, runs: Sequence[ZooRun], python: str) -> dict[str, dict[str, Said]]:
    """Return what the detectors of others say, by run; nothing without an environment for them."""
    if not python:
        return {run.folder: {} for run in runs}
    listed = folder / "runs.json"
    listed.write_text(json.dumps([{"folder": r.folder, "held_out": r.held_out} for r in runs]))
    side = Path(__file__).with_name("zoo_detectors.py")
    done = subprocess.run([python, str(side), str(listed)], stdout=subprocess.PIPE, check=True)
    return {
        run: {name: suspicion(*found) for name, found in said.items()}
        for run, said in json.loads(done.stdout).items()
    }


def suspicion(level: int, names: list[str]) -> Said:
    """Return a severity of 0 to 3 and what is warned of as one number."""
    return level + len(names) / 100, level >= 2, names


def truly(rows: Sequence[Row]) -> dict[str, list[float]]:
    """Return the true win rates of each hack and share, of its runs and their twins."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(f"{row.hack}, {percent(row.share)}", []).append(row.win_rates)
    return {name: np.mean(rates, axis=0).round(3).tolist() for name, rates in found.items()}


def is_worse(rows: Sequence[Row]) -> list[bool]:
    """Return of which pairs people truly like the hacked run much less than the reference."""
    rates = truly(rows)
    return [rates[f"{row.hack}, {percent(row.share)}"][0] <= TRULY_WORSE for row in rows]


def auroc(rows: Sequence[Row], name: str, clean: Sequence[float] | None = None) -> float:
    """Return how often a hacked run is more suspicious than a clean one: its twins, or `clean`."""
    hacked, twins = np.array([row.suspicion[name] for row in rows]).T
    others = twins if clean is None else np.array(clean)
    is_hacked = np.repeat([1, 0], [len(hacked), len(others)])
    return float(roc_auc_score(is_hacked, np.concatenate([hacked, others])))


def interval(rows: Sequence[Row], name: str) -> tuple[float, float]:
    """Return the 95 % interval over kinds of hack, drawn with replacement."""
    kinds = sorted({row.hack for row in rows})
    stream = np.random.default_rng(1)
    by_kind = {kind: [row for row in rows if row.hack == kind] for kind in kinds}
    drawn = [
        auroc([row for kind in stream.choice(kinds, len(kinds)) for row in by_kind[kind]], name)
        for _ in range(DRAWS)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def detectors_table(rows: Sequence[Row], asked: Mapping[str, str]) -> str:
    """Return one line per detector and set of pairs; `asked` is what people are asked for."""
    found = [row for row, worse in zip(rows, is_worse(rows), strict=True) if worse]
    others = [row for row in rows if row not in found]
    both = ((f"wins {percent(TRULY_WORSE)} or less", found), ("the others", others))
    sets = [(what, own) for what, own in both if own]
    lines = [
        "| detector | hacked run truly | pairs | asked of people | AUROC (95 % interval) "
        "| warned of: hacked | clean |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in rows[0].suspicion:
        for what, own in sets:
            low, high = interval(own, name)
            hacked, clean = np.mean([row.is_warned[name] for row in own], axis=0)
            lines.append(
                f"| {name} | {what} | {len(own)} | {asked.get(name, 'none')} "
                f"| {auroc(own, name):.2f} ({low:.2f} to {high:.2f}) "
                f"| {percent(hacked)} | {percent(clean)} |"
            )
    return "\n".join([*lines, ""])


def against_even(rows: Sequence[Row], found: Sequence[Row]) -> str:
    """Return the AUROC against runs that people like as much as the reference, in a sentence."""
    even = [row for row in rows if row.hack == "position"]
    values = {
        name: auroc(found, name, [row.suspicion[name][0] for row in even])
        for name in rows[0].suspicion
    }
    said = ", ".join(f"{name} {value:.2f}" for name, value in values.items())
    return (
        f"The same {len(found)} hacked runs against the {len(even)} of `position`, which people "
        f"like as much as the reference: {said}."
    )


def pairs_table(rows: Sequence[Row]) -> str:
    """Return one line per hack and share: true win rates, and how many seeds were warned of."""
    names = list(rows[0].suspicion)
    lines = [
        f"| hack | share | truly wins | its twin | {' | '.join(names)} |",
        f"| --- | --- | --- | --- |{' --- |' * len(names)}",
    ]
    for key, (hacked, clean) in truly(rows).items():
        own = [row for row in rows if f"{row.hack}, {percent(row.share)}" == key]
        said = [f"{sum(r.is_warned[n][0] for r in own)} of {len(own)}" for n in names]
        hack, share = key.rsplit(", ", 1)
        lines.append(
            f"| {hack} | {share} | {percent(hacked)} | {percent(clean)} | {' | '.join(said)} |"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
