"""The watch on the policy: figures that no method reports, and alarms, update by update."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from prefloop.audits.alarm_rules import reward_round
from prefloop.audits.drift import DriftStart, drift_start, read_drift_start
from prefloop.audits.held_out import mean_score
from prefloop.audits.raised import Announced, newly_raised, raised_alarms
from prefloop.audits.word_window import WordWindow, count_words, read_window
from prefloop.evaluation.repetition import WordCounts
from prefloop.figures.metrics_line import MetricsLine, read_line
from prefloop.figures.watch import RaisedAlarm
from prefloop.scorers.build import CheckedScorer
from prefloop.settings.run import RunConfig
from prefloop.text.repetition import top_opening
from prefloop.text.words import words

WATCH = "the watch on the policy"
"""Who asks to stop when an alarm does."""


class UpdateWatch:
    """Watches one run. It knows the lines that there are, and what checkpoints hold for it."""

    def __init__(
        self,
        config: RunConfig,
        *,
        reference_texts: Callable[[], Sequence[str]],
        say: Callable[[str], None],
        ask_stop: Callable[[str], None],
        held_out: CheckedScorer | None = None,
        after_update: Callable[[Mapping[str, Any]], None] = lambda line: None,
    ) -> None:
        """`reference_texts` returns what the reference said to labelers; called once, if ever.

        `ask_stop` takes the reason why the run should stop at its next safe point. `held_out` is
        asked about the responses of every update, so it must be quick.
        `after_update` is given every line too, once the alarms have looked at it.
        """
        self.config = config
        self._reference_texts = reference_texts
        self._say = say
        self._ask_stop = ask_stop
        self._after_update = after_update
        self._held_out = held_out
        self._window = WordWindow()
        self._start = DriftStart()
        self._records: list[MetricsLine] = []
        self._announced: Announced = set()

    @cached_property
    def reference(self) -> WordCounts | None:
        """The words of the reference's own samples; None if it was never asked for any."""
        texts = self._reference_texts()
        return count_words(texts) if texts else None

    def begin(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Take the lines of metrics that there are; what they raised was said."""
        self._records = [read_line(line) for line in lines if line["stage"] == "policy"]
        self._announced = set()
        raised_alarms(self._records, self.config.policy, self._announced)

    def measure(
        self, line: Mapping[str, Any], prompts: Sequence[str], texts: Sequence[str]
    ) -> dict[str, Any]:
        """Return drifts of score and shortcuts, the held-out score, and which words are repeated.

        `prompts` has the prompt of every text.
        """
        self._window = self._window.after(texts)
        if line["update"] == 1:
            self._start = drift_start(self.config.task.name, prompts, texts)
        drifts = self._start.drifts(prompts, texts)
        found: dict[str, Any] = {f"policy/drift_{name}": drift for name, drift in drifts.items()}
        if (drift := self._score_drift(read_line(line))) is not None:
            found["policy/score_drift"] = drift
        if (score := mean_score(self._held_out, prompts, texts)) is not None:
            found["policy/held_out_score"] = score
        if opening := top_opening([words(text) for text in texts]):
            found["top_opening"] = opening
        risen = self._window.risen(self.reference)
        if risen:
            found["risen_words"] = [word.model_dump() for word in risen]
        return found

    def report(self, line: Mapping[str, Any]) -> None:
        """Say what the newest line raises, once per alarm and round; ask to stop for a stop."""
        self._records.append(read_line(line))
        for raised in newly_raised(self._records, self.config.policy, self._announced):
            self._say(alarm_sentence(raised))
            if raised.level == "stop" and self.config.audits.on_alarm != "warn":
                self._ask_stop(
                    f"{alarm_sentence(raised)} To go on without such stops, start the run again "
                    "with audits.on_alarm=warn."
                )
        self._after_update(line)

    def kls(self) -> Mapping[int, float]:
        """Return the KL of every update that there is a line of, in nats."""
        name = "policy/kl"
        return {r.update: r.values[name] for r in self._records if name in r.values}

    def state(self) -> dict[str, Any]:
        """Return what no line holds: words of first and newest updates, and where drift began."""
        return {**self._window.state(), "drift_start": self._start.state()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from what a checkpoint holds."""
        self._window = read_window(state)
        self._start = read_drift_start(state.get("drift_start", {}))

    def _score_drift(self, line: MetricsLine) -> float | None:
        """Return how far the score is from where the same reward began, in its spread there."""
        first = next((r for r in self._records if reward_round(r) == reward_round(line)), line)
        start, spread = (first.values.get(f"policy/{name}") for name in ("score", "score_sd"))
        score = line.values.get("policy/score")
        if score is None or start is None or not spread:
            return None
        return (score - start) / spread


def alarm_sentence(raised: RaisedAlarm) -> str:
    """Return an alarm with its update, what was measured and what to do."""
    return f"Alarm in update {raised.update}, {raised.name}: {raised.message} {raised.action}"
