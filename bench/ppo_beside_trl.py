"""prefloop's PPO beside TRL's: episodes per second and peak memory on the same workload.

    python bench/ppo_beside_trl.py --shape gpt2

Both sides get the same random-weight GPT-2, the same queries, batch, epochs and threads, each in a
process of its own, in turns (A B A B), so that a busy spell of the machine meets both. Medians over
the updates after the warm-ups; the middle run of each side is reported, all are kept in the JSON.

What differs by design, and is part of what is measured: TRL trains a value model of its own beside
the policy; prefloop, like Ziegler et al. 2019, a value head on the policy's trunk.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, set_seed
from workload import Workload, useful_flops

HERE = Path(__file__).resolve().parent
SHAPES = {
    "smoke": {"n_layer": 2, "n_embd": 32, "n_head": 2, "vocab_size": 500, "n_positions": 64},
    "layers6": {"n_layer": 6, "n_embd": 384, "n_head": 6, "vocab_size": 8192, "n_positions": 128},
    "small": {"n_layer": 4, "n_embd": 256, "n_head": 4, "vocab_size": 8192, "n_positions": 128},
    "gpt2": {"n_layer": 12, "n_embd": 768, "n_head": 12, "vocab_size": 50257, "n_positions": 1024},
}


def write_model(folder: Path, shape: dict[str, int], workload: Workload) -> None:
    """Write a random GPT-2 of the shape, a tokenizer of numbered words, and the workload."""
    model = write_gpt2(folder, shape, workload.seed)
    head = shape["vocab_size"] * shape["n_embd"]
    role_model = sum(p.numel() for p in model.transformer.h.parameters())
    flops = useful_flops(workload, trunk_parameters=role_model, head_parameters=head)
    Workload(**{**vars(workload), "flops": flops}).write(folder)


def write_gpt2(folder: Path, shape: dict[str, int], seed: int) -> GPT2LMHeadModel:
    """Write a random GPT-2 of the shape and a tokenizer of numbered words; return the model."""
    set_seed(seed)
    n_words = shape["vocab_size"] - 2
    vocabulary = {f"w{i}": i for i in range(n_words)} | {"<eos>": n_words, "<pad>": n_words + 1}
    words = Tokenizer(WordLevel(vocabulary, unk_token="w0"))
    words.pre_tokenizer = WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, eos_token="<eos>", pad_token="<pad>", padding_side="left"
    )
    tokenizer.save_pretrained(folder)
    config = GPT2Config(
        **shape,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=n_words,
        eos_token_id=n_words,
        pad_token_id=n_words + 1,
    )
    model = GPT2LMHeadModel(config)
    model.save_pretrained(folder)
    return model


def run_side(command: Sequence[str], threads: int) -> dict[str, Any]:
    """Run one side in a process of its own and return what it found."""
    environment = os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
        "TRL_EXPERIMENTAL_SILENCE": "1",
    }
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    results = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode or not results:
        raise SystemExit(
            f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        )
    found: dict[str, Any] = json.loads(results[-1].removeprefix("RESULT "))
    return found


def middle(runs: Sequence[dict[str, Any]], side: str) -> dict[str, float]:
    """Return the medians over the runs of one side."""
    own = [run for run in runs if run["side"] == side]
    keys = ("episodes_per_second", "peak_rss_mb", "matmul_share")
    return {key: statistics.median(run[key] for run in own) for key in keys}


def markdown(result: dict[str, Any]) -> str:
    """Return the result as a table."""
    versions = {run["side"]: run["version"] for run in result["runs"]}
    lines = [
        f"PPO beside TRL, {result['shape']} ({result['date']}, {result['cpu']}, "
        f"{result['workload']['threads']} threads, torch {result['runs'][0]['torch']})",
        "",
        "| side | episodes/s | peak memory, MB | useful share of the matmul rate |",
        "| --- | --- | --- | --- |",
    ]
    for side, found in result["sides"].items():
        lines.append(
            f"| {side} {versions[side]} | {found['episodes_per_second']:.2f} | "
            f"{found['peak_rss_mb']:.0f} | {found['matmul_share']:.0%} |"
        )
    lines += ["", *(f"* {side} / trl: {ratio}" for side, ratio in result["ratios"].items()), ""]
    return "\n".join(lines)


def compare(arguments: argparse.Namespace, workload: Workload) -> dict[str, Any]:
    """Run the sides in turns and return everything that was found."""
    adapters = ["none", "lora"] if arguments.lora else ["none"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_model(folder, SHAPES[arguments.shape], workload)
        ours = [sys.executable, str(HERE / "prefloop_side.py"), str(folder), "--adapter"]
        turn = [[*ours, adapter] for adapter in adapters]
        turn.append([str(arguments.trl_python), str(HERE / "trl_side.py"), str(folder)])
        runs = [
            run_side(command, workload.threads) for _ in range(arguments.turns) for command in turn
        ]
        workload = Workload.read(folder)
    sides = {side: middle(runs, side) for side in dict.fromkeys(run["side"] for run in runs)}
    theirs = sides["trl"]
    ratios = {
        side: f"{found['episodes_per_second'] / theirs['episodes_per_second']:.2f} times the "
        f"episodes per second, {found['peak_rss_mb'] / theirs['peak_rss_mb']:.2f} times the memory"
        for side, found in sides.items()
        if side != "trl"
    }
    return {
        "shape": arguments.shape,
        "date": time.strftime("%Y-%m-%d"),
        "cpu": f"{platform.machine()}, {os.cpu_count()} cores",
        "workload": vars(workload),
        "sides": sides,
        "ratios": ratios,
        "runs": runs,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shape", choices=SHAPES, default="gpt2")
    parser.add_argument("--turns", type=int, default=2, help="runs of each side")
    parser.add_argument("--updates", type=int, default=5, help="measured updates in each run")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lora", action="store_true", help="also prefloop with adapters")
    parser.add_argument(
        "--trl-python", type=Path, default=HERE.parent / ".venv-trl" / "bin" / "python"
    )
    parser.add_argument("--out", type=Path, default=HERE / "results")
    arguments = parser.parse_args()
    if not arguments.trl_python.is_file():
        raise SystemExit(
            f"{arguments.trl_python} is not there; `make bench-trl-setup` installs TRL."
        )
    workload = Workload(
        batch_size=arguments.batch_size,
        microbatch_size=arguments.batch_size,
        updates=arguments.updates,
        threads=arguments.threads,
    )
    result = compare(arguments, workload)
    arguments.out.mkdir(parents=True, exist_ok=True)
    stem = arguments.out / f"ppo_beside_trl_{arguments.shape}"
    stem.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    stem.with_suffix(".md").write_text(markdown(result))
    print(markdown(result))


if __name__ == "__main__":
    main()
