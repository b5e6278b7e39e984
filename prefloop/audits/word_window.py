"""The words of the newest answers, counted update by update."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from prefloop.audits.alarm_rules import NEWEST, START
from prefloop.evaluation.repetition import WordCounts, risen_words
from prefloop.figures.repetition import PhraseFigures
from prefloop.text.words import words

LOOKED_AT = 50
"""Words among which those that have taken over are sought."""

KEPT = 5
"""Words in the line of an update."""


@dataclass(frozen=True, kw_only=True)
class WordWindow:
    """Counts of the first updates and of the newest ones; in every checkpoint."""

    updates: int = 0
    """Updates that were counted."""
    start: tuple[WordCounts, ...] = ()
    newest: tuple[WordCounts, ...] = ()

    def after(self, texts: Sequence[str]) -> "WordWindow":
        """Return the window after an update with these responses."""
        counts = count_words(texts)
        return WordWindow(
            updates=self.updates + 1,
            start=self.start if len(self.start) == START else (*self.start, counts),
            newest=(*self.newest, counts)[-NEWEST:],
        )

    def risen(self, reference: WordCounts | None) -> tuple[PhraseFigures, ...]:
        """Return the words that rose most in the newest updates, each tested.

        Those that have taken over come first: common words rise with the length of the answers.
        They are compared with `reference`; without it with the first updates, once those are apart
        from the newest.
        """
        if reference is None:
            if self.updates < START + NEWEST:
                return ()
            reference = _total(self.start)
        risen = risen_words(_total(self.newest), reference, shown=LOOKED_AT)
        return tuple(sorted(risen, key=lambda word: not word.has_taken_over)[:KEPT])

    def state(self) -> dict[str, Any]:
        """Return the window as JSON."""
        return {
            "updates": self.updates,
            "start": [[counts.n, counts.counts] for counts in self.start],
            "newest": [[counts.n, counts.counts] for counts in self.newest],
        }


def read_window(state: Mapping[str, Any]) -> WordWindow:
    """Return the window that a checkpoint holds; an empty one if it holds none."""
    start, newest = (
        tuple(WordCounts(n, Counter(counts)) for n, counts in state.get(name, ()))
        for name in ("start", "newest")
    )
    return WordWindow(updates=state.get("updates", 0), start=start, newest=newest)


def count_words(texts: Sequence[str]) -> WordCounts:
    """Return in how many texts each word stands."""
    return WordCounts.of(words(text) for text in texts)


def _total(parts: Sequence[WordCounts]) -> WordCounts:
    return reduce(add, parts, WordCounts(0, Counter()))
