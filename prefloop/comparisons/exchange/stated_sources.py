"""What labels rest on, as the one who imports them says: `person`, `model:gpt-4o`, ..."""

from collections.abc import Callable, Sequence

from prefloop.choices import scorer_sources
from prefloop.comparisons.labelers.sources import PERSON
from prefloop.errors import InputError, listing
from prefloop.registry import SCORERS
from prefloop.scorers.endpoint.settings import model_source
from prefloop.settings.run import RunConfig

HELP = "write person (whoever the file names), person:NAME, model:NAME or program:NAME"


def stated_sources(
    said: Sequence[str], config: RunConfig
) -> Callable[[str], tuple[str, ...]] | None:
    """Return a function from a labeler's name to its sources; None if nothing was said.

    `person` is each labeler of the file, `person:ann` is ann, `model:gpt-4o` that language model,
    and `program:length` a scorer: what it rests on if the run knows it, and itself otherwise.
    """
    if not said:
        return None
    problems = [f"{text!r} says nothing that is known; {HELP}" for text in said if not _is(text)]
    if problems:
        raise InputError(listing("--source", problems))

    def sources(labeler: str) -> tuple[str, ...]:
        return tuple(sorted({name for text in said for name in _named(text, labeler, config)}))

    return sources


def _is(text: str) -> bool:
    kind, colon, name = text.partition(":")
    return text == "person" or (kind in ("person", "model", "program") and bool(colon and name))


def _named(text: str, labeler: str, config: RunConfig) -> frozenset[str]:
    kind, _, name = text.partition(":")
    if kind == "person":
        return frozenset({PERSON + (name or labeler)})
    if kind == "model":
        return frozenset({model_source(name)})
    known = name in config.scorers or name in SCORERS.names()
    return scorer_sources(config, name) if known else frozenset({name})
