"""Other methods than the default: the whole loop on a small model, stopped and resumed."""

from pathlib import Path
from typing import Any

import pytest

from prefloop.metrics import MetricsLog
from prefloop.policy.trainer import PolicyTrainer
from prefloop.registry import METHODS
from prefloop.run_folder import read_run_folder
from tests.e2e.command import Command
from tests.e2e.small_run import make_run
from tests.e2e.test_resume import fingerprint

OPTIONS: dict[str, dict[str, Any]] = {"a2po": {"value_samples": 4}, "dpo": {}}
"""The methods, with options that make the run short."""


def run_of(folder: Path, model: Path, method: str) -> Path:
    """Return a run of two rounds that has not begun."""
    policy = {
        "method": method,
        "options": OPTIONS[method],
        "episodes": 48,
        "batch_size": 8,
        "minibatches": 2,
        "epochs": 2,
        "lr": 4e-3,
        "checkpoint_every": 2,
        "kl": {"control": "fixed", "coef": 0.1},
    }
    return make_run(folder, model, models={"lora_top_layers": 1}, policy=policy)


@pytest.mark.parametrize("method", OPTIONS)
def test_a_run_is_made_named_and_resumed(
    prefloop: Command,
    gpt2_folder: Path,
    tmp_path: Path,
    method: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    straight, stopped = (run_of(tmp_path / name, gpt2_folder, method) for name in ("one", "other"))
    prefloop.done("run", straight)
    it_is_named_wherever_one_looks(prefloop, straight, method)
    step = PolicyTrainer.step

    def interrupted(self: PolicyTrainer, prompts: Any) -> dict[str, float]:
        if self.update in (1, 5):
            stops.append(self.update)
            if stops.count(self.update) == 1:
                raise KeyboardInterrupt
        return step(self, prompts)

    stops: list[int] = []
    monkeypatch.setattr(PolicyTrainer, "step", interrupted)
    while prefloop("run", stopped).code:
        assert len(stops) < 4
    assert stops == [1, 1, 5, 5], "in either round, behind a checkpoint and before the first"
    assert named_alike(fingerprint(stopped), stopped) == named_alike(
        fingerprint(straight), straight
    )


def named_alike(found: dict[str, Any], run: Path) -> str:
    """Return a fingerprint without the run's own path, which its prompts' source holds."""
    return repr(sorted(found.items())).replace(str(run), "RUN")


def it_is_named_wherever_one_looks(prefloop: Command, run: Path, method: str) -> None:
    """Metrics, report, card, doctor; and the judge has looked at its policies."""
    lines = [x for x in MetricsLog(run / "metrics.jsonl").lines() if x["stage"] == "policy"]
    assert [line["method"] for line in lines] == [method] * 6
    assert set(METHODS.load(method).metrics) <= set(lines[-1])
    assert lines[-1]["policy/kl"] > 0.02
    figures = [file.figures for file in read_run_folder(run).evaluations]
    assert [found.model for found in figures] == ["policy/update-6"]
    report = (run / "report" / "index.html").read_text(encoding="utf-8")
    assert f"Training: {method.upper()}" in report
    card = (run / "policy" / "round-1" / "README.md").read_text(encoding="utf-8")
    assert f"| Training | {method.upper()}, 48 episodes" in card
    checks = prefloop("doctor", run, "--json").out
    assert f"{method.upper()} made 6 updates" in checks
