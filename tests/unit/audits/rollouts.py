"""Rollouts of a policy that nobody trained: bootstrapped texts, and hacks planted in them."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from bench.zoo_texts import Hack, Row, passages
from prefloop.audits.watch import UpdateWatch
from prefloop.figures.metrics_line import MetricsLine, read_line
from prefloop.policy.text_metrics import text_metrics
from prefloop.run_file import parse_run
from prefloop.settings.run import RunConfig

BATCH = 64
CLEAN = 8
"""Updates before a hack begins."""
N_REFERENCE = 800
"""What a small run asks of labelers: 200 questions of four samples."""

SOUND = {
    "policy/kl": 2.0,
    "policy/ratio_mean": 1.0,
    "policy/clip_fraction": 0.05,
    "policy/explained_variance": 0.4,
    "policy/entropy": 2.5,
    "policy/ended": 0.95,
    "policy/score_sd": 1.0,
}
"""What a sound update measures beside its texts."""


@cache
def pool() -> tuple[Row, ...]:
    """Return prompts of the built-in fiction with what follows them as the reference's sample."""
    return passages(N_REFERENCE)


class Planted:
    """A run whose responses are drawn from the pool, watched as a run's policy is."""

    def __init__(self, seed: int = 1, *, on_alarm: str = "warn") -> None:
        self.config: RunConfig = parse_run({"audits": {"on_alarm": on_alarm}}, "run.yaml")
        self.stream = np.random.default_rng(seed)
        self.said: list[str] = []
        self.stops: list[str] = []
        self.lines: list[dict[str, Any]] = []
        self.watch = self.new_watch()

    def new_watch(self) -> UpdateWatch:
        """Return a watch as a fresh process makes it."""
        return UpdateWatch(
            self.config,
            reference_texts=lambda: [text for _, text in pool()],
            say=self.said.append,
            ask_stop=self.stops.append,
        )

    def update(self, hack: Hack | None = None, *, round: int = 0, **more: float) -> None:
        """Make one update of responses, each changed by `hack`, with these metrics besides."""
        rows = [pool()[i] for i in self.stream.integers(len(pool()), size=BATCH)]
        prompts = [prompt for prompt, _ in rows]
        texts = [hack(self.stream, *row) if hack else row[1] for row in rows]
        line = {
            "stage": "policy",
            "round": round,
            "update": len(self.lines) + 1,
            **SOUND,
            "policy/score": float(self.stream.normal()),
            "policy/response_tokens": float(np.mean([len(text.split()) for text in texts])),
            **text_metrics(prompts, texts, response_tokens=24),
            **{f"policy/{name}": value for name, value in more.items()},
        }
        line |= self.watch.measure(line, [prompt.text for prompt in prompts], texts)
        self.watch.report(line)
        self.lines.append(line)

    def updates(self, n: int, hack: Hack | None = None, **more: float) -> "Planted":
        """Make `n` updates; return the run."""
        for _ in range(n):
            self.update(hack, round=0, **more)
        return self


def records(values: Sequence[dict[str, float]]) -> list[MetricsLine]:
    """Return updates that measured just these values."""
    return [
        read_line(
            {"stage": "policy", "round": 0, "update": i + 1}
            | {f"policy/{name}": value for name, value in row.items()}
        )
        for i, row in enumerate(values)
    ]
