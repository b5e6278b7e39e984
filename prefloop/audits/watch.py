"""The watch on the policy: figures that no method reports, and alarms, update by update."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from prefloop.audits.alarms import Announced, newly_raised, raised_alarms
from prefloop.audits.word_window import WordWindow, count_words, read_window
from prefloop.evaluation.repetition import WordCounts
from prefloop.figures.metrics_line import MetricsLine, read_line
from prefloop.figures.watch import RaisedAlarm
from prefloop.settings.run import RunConfig

WATCH = "the watch on the policy"
"""Who asks to stop when an alarm does."""


class UpdateWatch:
    """Watches one run. It knows the lines that there are, and words that checkpoints hold."""

    def __init__(
        self,
        config: RunConfig,
        *,
        reference_texts: Callable[[], Sequence[str]],
        say: Callable[[str], None],
        ask_stop: Callable[[str], None],
        after_update: Callable[[Mapping[str, Any]], None] = lambda line: None,
    ) -> None:
        """`reference_texts` returns what the reference said to labelers; called once, if ever.

        `ask_stop` takes the reason why the run should stop at its next safe point.
        `after_update` is given every line too, once the alarms have looked at it.
        """
        self.config = config
        self._reference_texts = reference_texts
        self._say = say
        self._ask_stop = ask_stop
        self._after_update = after_update
        self._window = WordWindow()
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

    def measure(self, line: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Any]:
        """Return the drift of the score, and the words that rose most."""
        self._window = self._window.after(texts)
        found: dict[str, Any] = {}
        if (drift := self._drift(read_line(line))) is not None:
            found["policy/score_drift"] = drift
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
        """Return what no line holds: the words of the first and of the newest updates."""
        return self._window.state()

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from what a checkpoint holds."""
        self._window = read_window(state)

    def _drift(self, line: MetricsLine) -> float | None:
        """Return how far the score is from where the same reward began, in its spread there."""
        first = next((r for r in self._records if _reward(r) == _reward(line)), line)
        start, spread = (first.values.get(f"policy/{name}") for name in ("score", "score_sd"))
        if start is None or not spread:
            return None
        return (line.values["policy/score"] - start) / spread


def alarm_sentence(raised: RaisedAlarm) -> str:
    """Return an alarm with its update, what was measured and what to do."""
    return f"Alarm in update {raised.update}, {raised.name}: {raised.message} {raised.action}"


def _reward(line: MetricsLine) -> int:
    """Return the round of the reward model that scored an update."""
    return line.round if line.reward_round is None else line.reward_round
