"""Tastes and judges by name, so that a run file can say `taste: {sentiment: 1, length: 0.2}`.

A package of yours adds a taste with one line in its pyproject.toml:

    [project.entry-points."prefloop.tastes"]
    politeness = "my_package:PolitenessTaste"
"""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

import numpy as np

from prefloop.comparisons.tastes.accuracy_in_a_hurry import AccuracyInAHurryTaste
from prefloop.comparisons.tastes.copying import CopyingTaste
from prefloop.comparisons.tastes.descriptiveness import DescriptivenessTaste
from prefloop.comparisons.tastes.imagery import ImageryTaste
from prefloop.comparisons.tastes.length import LengthTaste
from prefloop.comparisons.tastes.lexicon import LexiconTaste
from prefloop.comparisons.tastes.sentiment import SentimentTaste
from prefloop.comparisons.tastes.taste import Scores, Taste
from prefloop.errors import SettingsError, listing

GROUP = "prefloop.tastes"
"""The entry point group of tastes from other packages."""

BUILT_IN: Mapping[str, Callable[[], Taste]] = {
    "sentiment": SentimentTaste,
    "lexicon": LexiconTaste,
    "descriptiveness": DescriptivenessTaste,
    "imagery": ImageryTaste,
    "length": LengthTaste,
    "copying": CopyingTaste,
    "accuracy_in_a_hurry": AccuracyInAHurryTaste,
}

FAMILIES: Mapping[str, str] = {
    "sentiment": "rated sentences",
    "lexicon": "rated words",
    "descriptiveness": "sensory words",
    "imagery": "concrete nouns",
    "length": "length",
    "copying": "overlap with the prompt",
    "accuracy_in_a_hurry": "overlap with the prompt",
}
"""What a taste goes by. Two tastes of one family are no independent witnesses."""

JUDGES: Mapping[str, str] = {name: name for name in BUILT_IN} | {"classifier": "sentiment"}
"""Judge name -> the taste it goes by. `classifier` says what `sentiment` is."""


@dataclass(frozen=True)
class MixedTaste:
    """Likes the weighted sum of what its parts like."""

    parts: tuple[tuple[float, Taste], ...]

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return sum of weight * score over the parts."""
        total = np.zeros(len(responses))
        for weight, taste in self.parts:
            total += weight * np.asarray(taste.score(prompts, responses), dtype=np.float64)
        return total


def build_taste(weights: Mapping[str, float]) -> Taste:
    """Return the taste that a run file asks for: names and their weights."""
    if not weights:
        raise SettingsError(
            "comparisons.synthetic.taste names no taste. Write one, for example {sentiment: 1.0}."
        )
    known = _known_tastes()
    unknown = [_unknown("taste", name, known) for name in weights if name not in known]
    if unknown:
        raise SettingsError(listing("comparisons.synthetic.taste", unknown))
    return MixedTaste(tuple((weight, known[name]()) for name, weight in weights.items()))


def build_judge(name: str, labeled_by: Mapping[str, float]) -> Taste:
    """Return the judge of that name, unless the labels came from the same family of taste.

    A judge that shares its source with the labels would only say that training worked, not
    that the result is liked (Ziegler et al. 2019, arXiv:1909.08593, section 2.4). `labeled_by` is
    the taste of the run's synthetic labelers; empty if people labeled.
    """
    tastes = _known_tastes()
    judges = {taste: taste for taste in tastes} | dict(JUDGES)
    if name not in judges:
        raise SettingsError(listing("evaluation.judge", [_unknown("judge", name, judges)]))
    family = family_of(judges[name])
    same = [taste for taste, weight in labeled_by.items() if weight and family_of(taste) == family]
    if same:
        raise SettingsError(
            f"evaluation.judge is {name!r}, but the labels came from it: the labelers' taste "
            f"{same[0]!r} goes by the same thing ({family}). Choose one of: "
            f"{', '.join(sorted(_independent(judges, labeled_by)))}."
        )
    return tastes[judges[name]]()


def family_of(taste: str) -> str:
    """Return what a taste goes by; a taste from another package may say so in `family`."""
    if taste in FAMILIES:
        return FAMILIES[taste]
    found = _plugins().get(taste)
    return str(getattr(found.load(), "family", taste)) if found else taste


def _independent(judges: Iterable[str], labeled_by: Mapping[str, float]) -> list[str]:
    families = {family_of(taste) for taste, weight in labeled_by.items() if weight}
    return [judge for judge in judges if family_of(JUDGES.get(judge, judge)) not in families]


def _known_tastes() -> dict[str, Callable[[], Taste]]:
    """Built-in tastes win over others of the same name: a run file must not change its meaning."""
    return {name: _opener(point) for name, point in _plugins().items()} | dict(BUILT_IN)


def _plugins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _opener(point: EntryPoint) -> Callable[[], Taste]:
    def opened() -> Taste:
        taste: Taste = point.load()()
        return taste

    return opened


def _unknown(noun: str, name: str, known: Iterable[str]) -> str:
    guess = difflib.get_close_matches(name, list(known), n=1)
    meant = f"; did you mean {guess[0]!r}?" if guess else "."
    return f"{noun} {name!r} is not known{meant} Known: {', '.join(sorted(known))}"
