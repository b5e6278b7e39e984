"""prefloop's reward-model training, RLOO and A2PO beside those of TRL: speed and peak memory.

    python bench/methods_beside_trl.py

Both sides get the same random-weight GPT-2, the same tokens, batch, epochs and threads, each in a
process of its own. They take turns update by update, so that a busy spell of the machine meets
both. The files in --out are written after each group: what was measured stays when a run is ended.
bench/README.md says what one side does that the other does not.
"""

import argparse
import dataclasses
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from method_workload import MethodWorkload
from ppo_beside_trl import SHAPES, write_gpt2
from turns import ratio, take_turns, write_result

HERE = Path(__file__).resolve().parent
JOBS, ADAPTERS = ("rewards", "rloo", "a2po"), ("none", "lora")
BEST_OF = 4
"""Responses in a comparison that TRL's RewardTrainer does not take: it takes pairs."""


@dataclasses.dataclass(frozen=True)
class Group:
    """Sides that take turns: TRL's and prefloop's, and perhaps prefloop's on best-of-four."""

    shape: str
    workload: MethodWorkload
    target: float
    with_best_of: bool = False

    @property
    def workloads(self) -> list[tuple[str, MethodWorkload]]:
        """What each side does."""
        sides = [("trl", self.workload), ("prefloop", self.workload)]
        if self.with_best_of:
            sides.append(("prefloop", dataclasses.replace(self.workload, shown=BEST_OF)))
        return sides


def groups(arguments: argparse.Namespace) -> list[Group]:
    """Return all that is compared, in the order in which it runs."""
    made: list[Group] = []
    for shape, top in ((arguments.shape, 4), (arguments.large_shape, 8)):
        made += _reward_groups(arguments, shape, min(top, SHAPES[shape]["n_layer"]))
    made += _policy_groups(arguments, arguments.shape)
    return [
        group
        for group in made
        if group.workload.job in arguments.jobs and group.workload.adapter in arguments.adapters
    ]


def _reward_groups(arguments: argparse.Namespace, shape: str, top_layers: int) -> list[Group]:
    whole = _workload(arguments, job="rewards", batch_size=32, epochs=1)
    every = dataclasses.replace(whole, adapter="lora")
    top = dataclasses.replace(every, top_layers=top_layers)
    with_best_of = [(whole, False), (every, True), (top, False)]
    return [Group(shape, workload, 2.0, best_of) for workload, best_of in with_best_of]


def _policy_groups(arguments: argparse.Namespace, shape: str) -> list[Group]:
    rloo = _workload(arguments, job="rloo", batch_size=arguments.episodes, epochs=4)
    a2po = _workload(arguments, job="a2po", batch_size=arguments.episodes // 2, epochs=1)
    a2po = dataclasses.replace(a2po, updates=min(3, arguments.updates))
    return [
        Group(shape, dataclasses.replace(workload, adapter=adapter), 3.0)
        for workload in (rloo, a2po)
        for adapter in ("none", "lora")
    ]


def _workload(arguments: argparse.Namespace, **own: Any) -> MethodWorkload:
    return MethodWorkload(
        warm_ups=1,
        updates=arguments.updates,
        threads=arguments.threads,
        microbatch_size=own["batch_size"],
        **own,
    )


def run_group(
    group: Group, models: Path, arguments: argparse.Namespace, seconds: float
) -> dict[str, Any]:
    """Let the sides of a group take turns for about so many seconds; return what was found."""
    model = models / group.shape
    if not model.is_dir():
        write_gpt2(model, SHAPES[group.shape], group.workload.seed)
    with tempfile.TemporaryDirectory(dir=models) as name:
        commands = []
        for number, (side, workload) in enumerate(group.workloads):
            folder = Path(name) / str(number)
            folder.mkdir()
            workload.write(folder)
            python = sys.executable if side == "prefloop" else str(arguments.trl_python)
            commands.append(
                [python, str(HERE / f"{side}_methods_side.py"), str(model), str(folder)]
            )
        found = take_turns(
            commands, threads=arguments.threads, seconds=seconds, least=group.workload.warm_ups + 2
        )
    return {
        "job": group.workload.job,
        "shape": group.shape,
        "trained": group.workload.trained,
        "target": group.target,
        "workload": vars(group.workload),
        "ratio": vars(ratio(found[1], found[0])),
        "trl": found[0],
        "prefloop": found[1],
        "best_of_four": found[2] if group.with_best_of else None,
    }


def markdown(result: dict[str, Any]) -> str:
    """Return the result as tables."""
    rows: Sequence[dict[str, Any]] = result["groups"]
    first = rows[0]
    lines = [
        f"prefloop {first['prefloop']['version']} beside TRL {first['trl']['version']} "
        f"({result['date']}, {result['cpu']}, {result['threads']} threads, torch "
        f"{first['prefloop']['torch']}); times prefloop's over TRL's, targets are for adapters",
        "",
        "| job | shape | trained | responses/s, TRL | prefloop | times | neighbors | target "
        "| peak MB, TRL | prefloop | times | updates |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *map(_line, rows),
        "",
        *(_best_of_line(row) for row in rows if row["best_of_four"]),
        *_not_run(result["asked"] - len(rows)),
        "",
    ]
    return "\n".join(lines)


def _not_run(n: int) -> list[str]:
    return [f"* {n} of the groups that were asked for were not run to their end."] if n else []


def _line(row: dict[str, Any]) -> str:
    theirs, ours, times = row["trl"], row["prefloop"], row["ratio"]
    measured = len(theirs["update_seconds"]) - theirs["warm_ups"]
    cells = [
        row["job"],
        row["shape"],
        row["trained"],
        f"{theirs['responses_per_second']:.2f}",
        f"{ours['responses_per_second']:.2f}",
        f"{times['speed']:.2f}",
        f"{times['least']:.2f} to {times['most']:.2f}",
        f"{row['target']:g}" if row["workload"]["adapter"] == "lora" else "",
        f"{theirs['peak_rss_mb']:.0f}",
        f"{ours['peak_rss_mb']:.0f}",
        f"{times['memory']:.2f}",
        str(measured),
    ]
    return f"| {' | '.join(cells)} |"


def _best_of_line(row: dict[str, Any]) -> str:
    found = row["best_of_four"]
    times = found["responses_per_second"] / row["prefloop"]["responses_per_second"]
    return (
        f"* {row['job']}, {row['shape']}, {row['trained']}, best of four (prefloop alone): "
        f"{found['responses_per_second']:.2f} responses/s, {times:.2f} times its own in pairs, "
        f"peak {found['peak_rss_mb']:.0f} MB"
    )


def parser() -> argparse.ArgumentParser:
    """Return what can be asked for."""
    made = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    made.add_argument("--jobs", nargs="+", choices=JOBS, default=JOBS)
    made.add_argument(
        "--adapters", nargs="+", choices=ADAPTERS, default=ADAPTERS, help="none: all weights"
    )
    made.add_argument("--shape", choices=SHAPES, default="layers6", help="of all jobs")
    made.add_argument("--large-shape", choices=SHAPES, default="gpt2", help="of rewards, too")
    made.add_argument("--episodes", type=int, default=64, help="of a batch of rloo")
    made.add_argument("--updates", type=int, default=5, help="measured updates, if time allows")
    made.add_argument("--minutes", type=float, default=8.5, help="when to make no more updates")
    made.add_argument("--threads", type=int, default=os.cpu_count())
    made.add_argument(
        "--trl-python", type=Path, default=HERE.parent / ".venv-trl-new" / "bin" / "python"
    )
    made.add_argument("--out", type=Path, default=HERE / "results")
    made.add_argument("--name", default="methods_beside_trl", help="of the files in --out")
    return made


def main() -> None:
    arguments = parser().parse_args()
    if not arguments.trl_python.is_file():
        raise SystemExit(
            f"{arguments.trl_python} is not there; `make bench-trl-new-setup` installs TRL."
        )
    measure(groups(arguments), arguments)


def measure(asked: Sequence[Group], arguments: argparse.Namespace) -> None:
    """Run the groups in the time that there is, and write what was found after each of them."""
    end, found = time.monotonic() + 60 * arguments.minutes, []
    with tempfile.TemporaryDirectory() as name:
        for number, group in enumerate(asked):
            share = (end - time.monotonic()) / (len(asked) - number)
            found.append(run_group(group, Path(name), arguments, share))
            result = {
                "date": time.strftime("%Y-%m-%d"),
                "cpu": f"{platform.machine()}, {os.cpu_count()} cores",
                "threads": arguments.threads,
                "asked": len(asked),
                "groups": found,
            }
            write_result(result, markdown(result), arguments.out / arguments.name)


if __name__ == "__main__":
    main()
