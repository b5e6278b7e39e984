"""What a run file chooses by name: scorers, judges, labelers and methods.

All of them are entry points, those that come with prefloop included. A package adds one with a line
in its pyproject.toml, and a run file can then name it:

    [project.entry-points."prefloop.scorers"]
    politeness = "my_package:PolitenessScorer"

Names are read from package metadata. Reading a run file imports the classes that it names, for
their settings and sources, and constructs none of them.
"""

import difflib
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from prefloop.errors import InputError, PrefloopError, SettingsError
from prefloop.settings.section import Section, problem_lines

OWN = "prefloop"
"""The distribution whose names win, so that a run file means the same whatever is installed."""


@dataclass(frozen=True)
class Registry:
    """The classes of one entry-point group."""

    group: str
    noun: str
    """What messages call one of them."""

    def names(self) -> list[str]:
        """Return the known names, sorted."""
        return sorted(_points(self.group))

    def is_own(self, name: str) -> bool:
        """Whether `name` is one of those that come with prefloop."""
        point = _points(self.group).get(name)
        return point is not None and _is_own(point)

    def problem(self, name: str, also: Iterable[str] = ()) -> str | None:
        """Return why `name` cannot be chosen, with a guess; None if it can.

        `also` are names that mean something without being in the registry.
        """
        known = sorted({*self.names(), *also})
        return None if name in known else f"{self.noun} {name!r} is not known{guess(name, known)}"

    def load(self, name: str) -> Any:
        """Return the class registered under `name`; SettingsError if there is none to import."""
        if (problem := self.problem(name)) is not None:
            raise SettingsError(problem)
        point = _points(self.group)[name]
        try:
            return point.load()
        except Exception as error:
            raise SettingsError(
                f"{self.noun} {name!r} is registered as {point.value}, which cannot be imported "
                f"({type(error).__name__}: {error}). Correct or reinstall the package that "
                "registers it."
            ) from error

    def settings(self, name: str, raw: Mapping[str, Any], place: str) -> Section:
        """Return the settings of `name` that `raw` means; problems are named under `place`."""
        section: type[Section] = getattr(self.load(name), "Settings", NoSettings)
        try:
            return section(**raw)
        except ValidationError as error:
            raise SettingsError("\n".join(problem_lines(error, section, place))) from error

    def make(
        self, name: str, raw: Mapping[str, Any], place: str, *, called: str | None = None
    ) -> tuple[Any, Section]:
        """Return an instance of the class registered as `name`, and the settings it was made with.

        `place` is where the run file has its settings, such as `scorers.polite`, and `called` what
        the run file calls it, if not so. SettingsError if the settings do not fit; InputError if
        the constructor raises.
        """
        chosen, settings = self.load(name), self.settings(name, raw, place)
        try:
            return (chosen(settings) if hasattr(chosen, "Settings") else chosen()), settings
        except PrefloopError:
            raise
        except Exception as error:
            subject = f"{self.noun} {(called or place.rpartition('.')[2])!r}"
            raise InputError(plug_in_error(subject, chosen, error)) from error


class NoSettings(Section):
    """The settings of something that has none."""


SCORERS = Registry("prefloop.scorers", "scorer")
JUDGES = Registry("prefloop.judges", "judge")
LABELERS = Registry("prefloop.labelers", "labeler")
METHODS = Registry("prefloop.methods", "method")


def guess(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown name: the nearest known one, and all of them.

    >>> guess("lenght", ["length", "copying"])
    "; did you mean 'length'? Known: copying, length"
    """
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    meant = f"; did you mean {close[0]!r}?" if close else "."
    return f"{meant} Known: {', '.join(known)}"


def sources_of(chosen: Any, settings: Section) -> frozenset[str]:
    """Return what the verdicts of a scorer, judge or labeler rest on, given its class or itself.

    Its class says so in `sources`: a set of names, or a function of the settings. A class that does
    not say rests on itself alone.
    """
    made = chosen if isinstance(chosen, type) else type(chosen)
    said: Callable[[Section], Iterable[str]] | Iterable[str]
    said = getattr(chosen, "sources", None) or (f"{made.__module__}.{made.__qualname__}",)
    try:
        return frozenset(said(settings) if callable(said) else said)
    except PrefloopError:
        raise
    except Exception as error:
        raise SettingsError(plug_in_error("sources", made, error)) from error


def calibration_of(chosen: Any, settings: Section) -> str | None:
    """Return the people's answers that a scorer's numbers were fitted to; None if none are known.

    Its class says so in `calibrated_on`: a text, or a function of the settings.
    """
    said: Callable[[Section], str | None] | str | None = getattr(chosen, "calibrated_on", None)
    return said(settings) if callable(said) else said


def overlapping_sources(judge: Iterable[str], labelers: Iterable[str]) -> frozenset[str]:
    """Return what a judge and labelers both rest on; such a judge is not independent of them.

    >>> overlapping_sources({"length", "rated words"}, {"length", "person:ann"})
    frozenset({'length'})
    """
    return frozenset(judge) & frozenset(labelers)


def plug_in_error(subject: str, chosen: type, error: BaseException, about: str = "") -> str:
    """Return the message for an exception that a registered class raised in its own code.

    `about` says on what it was at work, such as ` for response 2 of 4`.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return (
        f"{subject} ({chosen.__module__}.{chosen.__qualname__}) raised {type(error).__name__}: "
        f"{error}{place}{about}. Nothing that was stored is lost. Correct the code or choose "
        "another one, and run the same command again."
    )


def _points(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of a group by name, prefloop's own before others of that name."""
    return _points_on(tuple(sys.path), group)


@cache
def _points_on(path: tuple[str, ...], group: str) -> dict[str, EntryPoint]:
    """Return what packages on `path` register, which is read once."""
    found = sorted(entry_points(group=group), key=_is_own)
    return {point.name: point for point in found}


def _is_own(point: EntryPoint) -> bool:
    return point.dist is not None and point.dist.name == OWN
