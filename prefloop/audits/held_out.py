"""The scorers of a run that neither labels nor reward rest on: its judges that give a score."""

from collections.abc import Iterator, Sequence

from prefloop.choices import chosen_kind, is_scorer
from prefloop.registry import SCORERS
from prefloop.scorers.build import CheckedScorer, build_scorer
from prefloop.scorers.english import english_problem
from prefloop.settings.run import RunConfig

SLOW_KINDS = frozenset({"function", "hf_classifier", "openai", "reward_model"})
"""Kinds of scorers that run a model, ask a server, or run code of which nobody knows what it does.
"""


def held_out_scorer(config: RunConfig) -> CheckedScorer | None:
    """Return the first judge of a run that is a scorer and costs nothing to ask."""
    for name in _scoring_judges(config):
        scorer = build_scorer(name, config.scorers)
        if scorer.metered is None:
            return scorer
    return None


def quick_held_out_scorer(config: RunConfig) -> CheckedScorer | None:
    """Return the first judge of a run that may be asked in every update.

    That is a scorer of prefloop's own that reads texts by rules or by weights that come with it.
    """
    for name in _scoring_judges(config):
        kind, _ = chosen_kind(config.scorers, name)
        if SCORERS.is_own(kind) and kind not in SLOW_KINDS:
            return build_scorer(name, config.scorers)
    return None


def mean_score(
    scorer: CheckedScorer | None, prompts: Sequence[str], texts: Sequence[str]
) -> float | None:
    """Return what a scorer says of an update's responses, their mean.

    None without a scorer, or if it knows English words only and the texts are not in Latin script.
    """
    if scorer is None or english_problem(scorer.sources, texts) is not None:
        return None
    return float(scorer.score(prompts, texts).mean())


def _scoring_judges(config: RunConfig) -> Iterator[str]:
    return (name for name in config.evaluation.judges if is_scorer(config, name))
