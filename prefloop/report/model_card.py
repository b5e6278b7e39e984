"""The README of a saved model: what it is, what it was made from, and how to load it."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from prefloop import __version__
from prefloop.evaluation.sentence import verdict_sentence
from prefloop.report.labels import synthetic_scorers
from prefloop.report.wording import FILTERS
from prefloop.settings.task import TaskConfig


def policy_card(
    *, name: str, task: TaskConfig, settings: dict[str, Any], figures: dict[str, Any] | None
) -> str:
    """Return the card of a tuned model; `figures` are its evaluation, None if it has none yet."""
    known = figures or {"missing": {"win_rate": "this model has no evaluation yet"}}
    return _render(
        "policy_card.md.jinja",
        name=name,
        task=task,
        settings=settings,
        figures=known,
        verdict=verdict_sentence(known, task),
    )


def reward_card(
    *, name: str, task: TaskConfig, settings: dict[str, Any], trust: dict[str, Any] | None
) -> str:
    """Return the card of a reward model; `trust` is the content of its trust.json, None if none."""
    known = trust or {}
    return _render(
        "reward_card.md.jinja",
        name=name,
        task=task,
        settings=settings,
        labels=known.get("labels"),
        validation=known.get("validation"),
    )


def _render(template: str, **values: Any) -> str:
    """Fill a template. Markdown is no HTML: texts are from the run file, not from models."""
    environment = Environment(
        loader=PackageLoader("prefloop.report"),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(FILTERS)
    scorers = synthetic_scorers(values["settings"])
    return environment.get_template(template).render(version=__version__, scorers=scorers, **values)
