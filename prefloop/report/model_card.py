"""The README of a saved model: what it is, what it was made from, and how to load it."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment

from prefloop import __version__
from prefloop.figures.best_of_n import BestOfNPolicy
from prefloop.figures.evaluation import EvaluationFigures
from prefloop.figures.sentence import verdict_sentence
from prefloop.figures.trust import TrustFigures
from prefloop.models.hub_names import described, hub_name
from prefloop.report.filters import FILTERS
from prefloop.report.labels import labels_text
from prefloop.report.made import Made
from prefloop.report.methods import methods_of
from prefloop.run_folder import RunFigures
from prefloop.scorers.function import is_handed_over
from prefloop.settings.run import RunConfig
from prefloop.settings.task import END_OF_TEXT
from prefloop.templates import template_environment


def policy_card(
    *,
    name: str,
    made: Made,
    run: RunFigures,
    figures: EvaluationFigures | None,
    stop_id: int | None = None,
    chosen: BestOfNPolicy | None = None,
) -> str:
    """Return the card of a policy; `figures` are its evaluation, None if it has none yet.

    `stop_id` is the token that ends a response where the task's stop is compared as a token,
    `chosen` how a policy without weights of its own chooses.
    """
    not_evaluated = verdict_sentence(
        None,
        None,
        model="policy/",
        task=made.config.task.name,
        why_not="this model has no evaluation yet",
    )
    of_content = {} if chosen is None else _of_choice(chosen, made)
    return _render(
        "policy_card.md.jinja" if chosen is None else "best_of_n_card.md.jinja",
        name=name,
        made=made,
        **_of_config(made.config),
        **of_content,
        labels=labels_text(made.labels),
        methods=methods_of(run, made.config),
        tags=run.methods or (made.config.policy.method,),
        figures=figures,
        verdict=figures.verdict if figures else not_evaluated,
        stop_id=stop_id,
    )


def reward_card(
    *,
    name: str,
    made: Made,
    trust: TrustFigures | None,
    reward_input: Mapping[str, Any] | None = None,
) -> str:
    """Return the card of a reward model; `trust` are its figures, None if there are none.

    `reward_input` is what its config.json says of how it reads texts.
    """
    return _render(
        "reward_card.md.jinja",
        name=name,
        **_of_config(made.config),
        labels=labels_text(made.labels),
        trust=trust,
        reward_input={"response": "alone", "end_id": None, **(reward_input or {})},
    )


def _of_choice(chosen: BestOfNPolicy, made: Made) -> dict[str, Any]:
    """Return what the card of a policy says that is best of n."""
    config = made.config
    learned = config.policy.uses_reward_model
    return {
        "chosen": chosen,
        "learned": learned,
        # What is held out of a reward model's scores, transformers does not take out.
        "stands_alone": learned and not config.rewards.hold_out,
        "base_path": _base_path(config.models.name, chosen),
        "handed_over": not learned and is_handed_over(config.policy.reward, config.scorers),
        "policy_name": f"policy/round-{made.rounds - 1}",
    }


def _base_path(name: str, chosen: BestOfNPolicy) -> str | None:
    """Return what transformers finds the base by; None where prefloop has to find it."""
    if chosen.base != name:
        return f"../../{chosen.base}"
    if Path(name).expanduser().is_dir():
        return str(Path(name).expanduser().resolve())
    # The packaged smollm2 is rounded: it is not the model of this name on the hub.
    return None if name == "smollm2" else hub_name(name)


def _of_config(config: RunConfig) -> dict[str, Any]:
    """Return what both cards say of the settings."""
    task = config.task
    return {
        "config": config,
        "base_model": hub_name(config.models.name),
        "base_described": described(config.models.name),
        "query": f"{task.prefix}Your prompt.{task.suffix}",
        "stop_text": None if task.stop == END_OF_TEXT else task.stop,
    }


def _render(template: str, **values: Any) -> str:
    """Fill a template. Markdown is no HTML: texts are from the run file, not from models."""
    return _environment().get_template(template).render(version=__version__, **values)


@cache
def _environment() -> Environment:
    """Return the environment of the cards; a run writes one with every model that it keeps."""
    environment = template_environment(
        "prefloop.report", autoescape=False, keep_trailing_newline=True
    )
    environment.filters.update(FILTERS)
    environment.filters["python"] = _python
    return environment


def _python(text: str) -> str:
    """Return a text as Python writes it; JSON's strings are Python's."""
    return json.dumps(text, ensure_ascii=False)
