"""The README of a saved model: what it is, what it was made from, and how to load it."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from prefloop import __version__
from prefloop.figures.evaluation import EvaluationFigures
from prefloop.figures.sentence import verdict_sentence
from prefloop.figures.trust import TrustFigures
from prefloop.report.filters import FILTERS
from prefloop.report.labels import labels_text
from prefloop.report.made import Made
from prefloop.report.methods import methods_of
from prefloop.run_folder import RunFigures


def policy_card(
    *,
    name: str,
    made: Made,
    run: RunFigures,
    figures: EvaluationFigures | None,
) -> str:
    """Return the card of a tuned model; `figures` are its evaluation, None if it has none yet."""
    not_evaluated = verdict_sentence(
        None,
        None,
        model="policy/",
        task=made.config.task.name,
        why_not="this model has no evaluation yet",
    )
    return _render(
        "policy_card.md.jinja",
        name=name,
        made=made,
        config=made.config,
        labels=labels_text(made.labels),
        methods=methods_of(run, made.config),
        tags=run.methods or (made.config.policy.method,),
        figures=figures,
        verdict=figures.verdict if figures else not_evaluated,
    )


def reward_card(*, name: str, made: Made, trust: TrustFigures | None) -> str:
    """Return the card of a reward model; `trust` are its figures, None if there are none."""
    return _render(
        "reward_card.md.jinja",
        name=name,
        config=made.config,
        labels=labels_text(made.labels),
        trust=trust,
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
    return environment.get_template(template).render(version=__version__, **values)
