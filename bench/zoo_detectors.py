"""What two detectors of others say of the zoo's runs. Runs in an environment of its own.

    .venv-detectors/bin/python bench/zoo_detectors.py RUNS.json
    .venv-detectors/bin/python bench/zoo_detectors.py my-run/metrics.jsonl      # of any run

RUNS.json has rows of `folder` and `held_out` (scores by update). Printed is, for each folder and
detector, the highest severity (0: nothing, 1: a note, 2: a warning, 3: critical) and the names of
what is at least a warning. Their thresholds are their own. rldoctor's check for a plateau is left
out: that a run learns no more says nothing about what it learned.

Neither reads `metrics.jsonl` as it is. rldoctor takes `policy/score`, the training reward, for a
held-out score, because it goes by the last part of a key; rlprobe reads recordings of its own. So
each line is renamed by the two tables here, and three quantities are converted: the KL is summed
over a response here and per token there, `ended` is what they call 1 - truncated, and 1 - distinct
word pairs is a rate of repetition. What a run does not measure they have to do without: the runs of
`zoo.py` have no gradients. docs/audits.md shows both tables as one.
"""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RLDOCTOR = {
    "policy/score": "reward",
    "policy/score_sd": "reward_std",
    "policy/entropy": "entropy",
    "policy/clip_fraction": "clip_ratio",
    "policy/response_tokens": "completions/mean_length",
    "policy/explained_variance": "explained_variance",
    "policy/policy_loss": "policy_loss",
    "policy/grad_norm": "grad_norm",
    "policy/lr": "learning_rate",
    "kl_per_token": "kl",
    "truncated": "completions/clipped_ratio",
}
"""Keys of `metrics.jsonl`, and what rldoctor 0.2.0 calls them (`rl-doctor fields`)."""

RLPROBE = {
    "policy/score": "reward_mean",
    "policy/score_sd": "reward_std",
    "policy/entropy": "entropy_mean",
    "policy/clip_fraction": "clip_fraction",
    "policy/ratio_mean": "ratio_mean",
    "policy/response_tokens": "completion_len_mean",
    "policy/explained_variance": "value_explained_variance",
    "policy/value_loss": "value_loss",
    "policy/policy_loss": "loss",
    "policy/grad_norm": "grad_norm",
    "policy/lr": "lr",
    "policy/ended": "eos_rate",
    "kl_per_token": "kl_mean",
    "truncated": "truncation_rate",
    "repeated": "repetition_rate",
    "not_finite": "nan_count",
}
"""The same for the fields of a step in rlprobe 0.1.0 (`rlprobe.schemas.StepRecord`)."""


def renamed(line: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, float]:
    """Return a line of metrics in a detector's words."""
    values = {key: float(value) for key, value in line.items() if isinstance(value, int | float)}
    values["not_finite"] = float(sum(not math.isfinite(value) for value in values.values()))
    if {"policy/kl", "policy/response_tokens"} <= values.keys():
        values["kl_per_token"] = values["policy/kl"] / values["policy/response_tokens"]
    if "policy/ended" in values:
        values["truncated"] = 1 - values["policy/ended"]
    if "policy/distinct_2" in values:
        values["repeated"] = 1 - values["policy/distinct_2"]
    return {theirs: values[ours] for ours, theirs in names.items() if ours in values}


def ask_rldoctor(
    lines: Sequence[Mapping[str, Any]], held_out: Mapping[str, float]
) -> tuple[int, list[str]]:
    """Return rldoctor's highest severity and what it warns of."""
    from rl_doctor import diagnose
    from rl_doctor.detectors.base import Severity
    from rl_doctor.ingest.base import run_from_records

    records = []
    for line in lines:
        record = {"step": line["update"], **renamed(line, RLDOCTOR)}
        if (score := held_out.get(str(line["update"]))) is not None:
            record["eval_score"] = score
        records.append(record)
    run = run_from_records(records, config={"algorithm": "ppo"})
    found = diagnose(run, skip=["plateau"]).problems
    names = [f.detector for f in found if f.severity >= Severity.WARNING]
    return max((int(f.severity) - 1 for f in found), default=0), names


def ask_rlprobe(lines: Sequence[Mapping[str, Any]]) -> tuple[int, list[str]]:
    """Return rlprobe's highest severity and what it warns of."""
    from rlprobe.doctor.engine import diagnose_view
    from rlprobe.doctor.runview import RunView
    from rlprobe.schemas import RunManifest, StepRecord

    steps = [StepRecord(step=line["update"], **renamed(line, RLPROBE)) for line in lines]
    manifest = RunManifest(run_id="zoo", created_at="2026-11-30T00:00:00Z", algorithm="ppo")
    found = diagnose_view(RunView(manifest, steps))
    levels = {"info": 1, "warn": 2, "critical": 3}
    names = [f.signature_id for f in found if levels[f.severity] >= 2]
    return max((levels[f.severity] for f in found), default=0), names


def ask_both(path: Path, held_out: Mapping[str, float]) -> dict[str, tuple[int, list[str]]]:
    """Return what both say of the policy's updates in a file of metrics, by detector."""
    text = path.read_text(encoding="utf-8")
    lines = [line for line in map(json.loads, text.splitlines()) if line["stage"] == "policy"]
    with_scores = {"rldoctor with held-out scores": ask_rldoctor(lines, held_out)}
    return {
        "rldoctor": ask_rldoctor(lines, {}),
        **(with_scores if held_out else {}),
        "rlprobe": ask_rlprobe(lines),
    }


def main() -> None:
    """Ask both about every run, rldoctor also with held-out scores, and print what they say."""
    path = Path(sys.argv[1])
    if path.suffix == ".jsonl":
        print(json.dumps(ask_both(path, {}), indent=1))
        return
    runs = json.loads(path.read_text(encoding="utf-8"))
    said = {r["folder"]: ask_both(Path(r["folder"]) / "metrics.jsonl", r["held_out"]) for r in runs}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
