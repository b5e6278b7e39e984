"""Every quantity that training writes down: its name, meaning and unit, in one place.

`metrics.jsonl` holds one object per update. What only one method reports, such as a value loss,
stands on its class, as `metrics`. docs/reference/metrics.md is made of both.
"""

import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar

from prefloop.figures.cost import COSTS, UpdateCostFigures
from prefloop.figures.metrics_line import checked_lines
from prefloop.files import append_json_line, keep_json_lines, numbered_json_lines

P = ParamSpec("P")
T = TypeVar("T")

PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which the system counts a process's memory."""

DRIFTS = {
    "length": "log(1 + words)",
    "copied_words": "the share of runs of 2 and of 3 words that stand in the prompt",
    "copied_sentences": "the share of sentences that stand in the prompt",
    "starts_copied": "the share of responses that begin as their prompt does",
    "repetition": "the share of runs of 3 words that stand in a response before",
    "rated_words": "the mean rating of words, positive or negative",
    "formatting": "log(1 + list items, headings and bold passages)",
    "exclamation": "log(1 + exclamation marks)",
}
"""The shortcuts of the audits, and what is counted."""

METRICS: dict[str, str] = {
    "rewards/loss": "Cross-entropy of the chosen response among the k shown, in nats; "
    "chance is ln k.",
    "rewards/accuracy": "Share of comparisons in the batch whose best-scored response was chosen.",
    "rewards/lr": "Adam step size of the reward model.",
    "policy/kl": "KL from the reference: sum of log pi - log rho over a response's tokens, mean "
    "over the batch, in nats.",
    "policy/kl_coef": "Coefficient of the KL penalty (beta) during this update.",
    "policy/score": "Mean score of the batch, with the penalty of responses that did not end.",
    "policy/total_reward": "Mean of score - kl_coef * kl: what training maximizes below the cap.",
    "policy/reward_gap": "Largest difference between the reward that the method learns from and "
    "score - kl_coef * kl, recomputed from the log-probabilities, over the largest reward or 1: 0 "
    "but for rounding (canary C3).",
    "policy/entropy": "Mean entropy of the policy per token that counts, in nats.",
    "policy/ended": "Share of responses that met the stop rule.",
    "policy/response_tokens": "Mean number of tokens up to and including the stop token.",
    "policy/score_sd": "Standard deviation of the batch's scores; where it collapses the reward "
    "tells responses apart no more.",
    "policy/ensemble_spread": "Standard deviation over the members of the reward model's ensemble, "
    "mean over responses that ended, as a multiple of the same on reference samples; only with "
    "rewards.ensemble.",
    "policy/score_drift": "Mean score minus that of the first update with the same reward, in "
    "standard deviations of that update's scores.",
    "policy/held_out_score": "Mean score of the batch by the first of evaluation.judges that may "
    "be asked in every update: a scorer of prefloop's own that runs no model; responses that did "
    "not end count as they are.",
    **{
        f"policy/drift_{name}": f"How far the mean of {counted} is from the run's first update, in "
        "standard deviations over that update's responses; only where they differ in it."
        for name, counted in DRIFTS.items()
    },
    "policy/duplicates": "Share of responses that an earlier one of the batch to another prompt "
    "equals, word for word.",
    "policy/top_opening": "Share of responses that begin with the batch's commonest first three "
    "words; 0 if each stands once.",
    "policy/distinct_2": "Distinct word pairs over all word pairs of the batch (Li et al. 2016).",
    "policy/copied_share": "Mean share of a response's runs of 2 and of 3 words that stand in its "
    "prompt; only where prompts are long enough to be a source.",
    "policy/novel_2grams": "Mean share of a response's word pairs that do not stand in its prompt; "
    "only where prompts are long enough to be a source.",
    "policy/kl_increase": "How much the KL had grown since the rollout when a step began, in nats "
    "per response, mean over the update's steps.",
    "policy/kl_cap_weight": "Weight of the KL term in the loss, mean over the update's steps: 0 up "
    "to `policy.kl.cap`, 1 from a fifth above it.",
    "policy/grad_norm": "Length (L2) of the gradient of all that is trained, the largest of the "
    "update's steps; nothing is clipped.",
    "policy/lr": "Adam step size of the policy.",
}


class Mirror(Protocol):
    """Receives every line, such as the dashboard."""

    def write(self, line: Mapping[str, Any], logged_samples: Sequence[Mapping[str, Any]]) -> None:
        """Take a line, and some responses of its batch."""

    def forget_after(self, stage: str, update: int, round_number: int | None) -> None:
        """Drop the stage's lines beyond `update` (of one round, or of all)."""


class MetricsLog:
    """Appends to `metrics.jsonl`, and cuts it back to a checkpoint when a run resumes."""

    def __init__(self, path: Path, *mirrors: Mirror) -> None:
        self.path = path
        self.mirrors = mirrors
        self._known = set(METRICS)
        self._seconds: float | None = None

    def define(self, meanings: Mapping[str, str]) -> None:
        """Allow quantities that METRICS does not hold, such as those of the run's method."""
        self._known |= set(meanings)

    def timed(self, step: Callable[P, T]) -> Callable[P, T]:
        """Return an update's step that is timed: the next line written is its own."""

        def timed_step(*arguments: P.args, **named: P.kwargs) -> T:
            began = time.perf_counter()
            result = step(*arguments, **named)
            self._seconds = time.perf_counter() - began
            return result

        return timed_step

    def write(
        self, line: Mapping[str, Any], logged_samples: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """Append one update's numbers, each of which must be defined."""
        unknown = [key for key in line if "/" in key and key not in self._known]
        assert not unknown, f"metrics without a definition in METRICS or on the method: {unknown}"
        append_json_line(self.path, dict(line))
        self._write_cost(line)
        for mirror in self.mirrors:
            mirror.write(line, logged_samples)

    def _write_cost(self, line: Mapping[str, Any]) -> None:
        seconds, self._seconds = self._seconds, None
        if seconds is None:
            return
        cost = UpdateCostFigures(
            stage=line["stage"],
            round=line["round"],
            update=line["update"],
            seconds=round(seconds, 4),
            peak_memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT,
        )
        append_json_line(self.path.with_name(COSTS), cost.model_dump())

    def lines(self) -> list[dict[str, Any]]:
        """Return all complete lines."""
        return checked_lines(numbered_json_lines(self.path), self.path)

    def forget_after(self, stage: str, update: int, *, round_number: int | None = None) -> None:
        """Drop the stage's lines beyond `update` (of one round, or of all).

        They were written after the checkpoint that training goes on from, and come again.
        """
        keep_json_lines(
            self.path,
            lambda line: (
                line["stage"] != stage
                or line["update"] <= update
                or round_number not in (None, line["round"])
            ),
        )
        for mirror in self.mirrors:
            mirror.forget_after(stage, update, round_number)
