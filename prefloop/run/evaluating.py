"""The last step of a round: its models are compared with the baseline on held-out prompts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from prefloop.choices import chosen_kind, is_scorer, judge_sources
from prefloop.comparisons.labelers.sources import labeler_groups
from prefloop.errors import InputError, SettingsError
from prefloop.evaluation.evaluate import evaluate_models
from prefloop.evaluation.judges.build import build_judge, compared_with_labelers
from prefloop.evaluation.judges.people import PeopleJudge
from prefloop.policy.reward_source import metered_reward
from prefloop.records import HUMAN, REFERENCE
from prefloop.registry import JUDGES, SCORERS
from prefloop.rewards.scorer import labels_source
from prefloop.run.judging import close_others, collect_verdicts
from prefloop.run.stages import Stages
from prefloop.run.usage import recording_usage
from prefloop.run_folder import read_run_folder
from prefloop.samples.human_answers import human_samples
from prefloop.scorers.build import build_weighted
from prefloop.scorers.endpoint.usage import ENDPOINTS_HAVE
from prefloop.settings.comparisons import PEOPLE
from prefloop.settings.run import RunConfig


def evaluate(stages: Stages, round_number: int) -> None:
    """Have held-out judges compare the round's models with the baseline."""
    if stages.rounds.wants_evaluation(round_number):
        _judge(stages, stages.rounds.contestants.of_round(round_number), round_number)
        if PEOPLE not in stages.config.evaluation.judges:
            close_others(stages.store, set())


def judge_again(stages: Stages, models: Sequence[str]) -> None:
    """Have all judges compare these models with the baseline, whatever rounds are unfinished.

    Without names: those that have figures. Nothing is trained, and figures of other judges stay.
    """
    named = models or [file.figures.model for file in read_run_folder(stages.folder).evaluations]
    if not named:
        raise InputError(
            "no model has figures yet. Name one, such as --models policy/round-0, or go on with "
            f"`prefloop run {stages.folder}`."
        )
    chosen: dict[str, int | None] = {}
    updates = stages.rounds.updates
    for name in map(stages.rounds.contestants.models.canonical, named):
        chosen[name] = max(updates.rounds_of(name), default=None)
    ended = [number for number in chosen.values() if number is not None]
    # People may be at the questions of the run's own evaluation: those stay open.
    _judge(stages, chosen, max(ended, default=0), closes_others=False)


def _judge(
    stages: Stages,
    models: Mapping[str, int | None],
    round_number: int,
    *,
    closes_others: bool = True,
) -> None:
    stages.monitor.before_making()
    config, settings = stages.config, stages.config.evaluation
    known = known_reward(config)
    # Only a policy that is best of n asks its reward for evaluation samples.
    reward = {} if config.policy.trains else metered_reward(stages.policy.trainer.collector.reward)
    with recording_usage(stages.folder, stages.monitor, reward):
        draw_evaluation_samples(stages, models, round_number, with_frontier=bool(known))
    stages.monitor.check_stop("during evaluation")
    groups = labeler_groups(stages.store, config)
    judges = [build_judge(name, config) for name in settings.judges]
    if PEOPLE in settings.judges:
        asked = PeopleJudge(collect_verdicts(stages, models, closes_others=closes_others))
        judges = [replace(j, judge=asked) if j.name == PEOPLE else j for j in judges]
    judges = [compared_with_labelers(judge, groups) for judge in judges]
    scorer = build_weighted(known, config.scorers) if known else None
    metered = {judge.name: judge.metered for judge in judges} | (scorer.metered if scorer else {})
    with recording_usage(stages.folder, stages.monitor, metered):
        evaluate_models(
            stages.store,
            models=models,
            baseline=stages.rounds.contestants.baseline,
            judges=judges,
            scorer=scorer,
            config=config,
            folder=stages.folder,
            check_stop=stages.monitor.check_stop,
        )


def refuse_own_reward_models(config: RunConfig, folder: Path) -> None:
    """Refuse judges that learned from the labels of this very run, whoever gave them."""
    for name in config.evaluation.judges:
        if labels_source(folder) in judge_sources(config, name):
            raise SettingsError(
                f"evaluation.judges: {name!r} is no independent judge: it learned from the labels "
                "of this run. Choose another judge."
            )


def refuse_broken_judges(config: RunConfig) -> None:
    """Make every judge that reads files here once: errors come now, not after training.

    Those behind an endpoint are left out: they may need a key only later.
    """
    for name in [name for name in config.evaluation.judges if name != PEOPLE]:
        registry, section = (
            (SCORERS, config.scorers) if is_scorer(config, name) else (JUDGES, config.judges)
        )
        if not hasattr(registry.load(chosen_kind(section, name)[0]), ENDPOINTS_HAVE):
            build_judge(name, config)


def draw_evaluation_samples(
    stages: Stages, models: Iterable[str], round_number: int, *, with_frontier: bool
) -> None:
    """Draw what the evaluation compares, and keep the weights that it is drawn from."""
    settings, draw = stages.config.evaluation, stages.drawer.draw
    held_out = stages.shuffled_prompts("held_out", "evaluation prompts")
    chosen = held_out[: settings.prompts]
    baseline = stages.rounds.contestants.baseline
    if baseline == HUMAN:
        stages.store.add_samples(human_samples(chosen))
    for name in [*models] if baseline == HUMAN else [baseline, *models]:
        stages.rounds.updates.keep(name)
        of_round = 0 if name == REFERENCE else round_number
        draw(chosen, model=name, round=of_round, purpose="evaluation", per_prompt=1)
    if settings.frontier_prompts and with_frontier:
        several, n = held_out[: settings.frontier_prompts], settings.frontier_samples
        draw(several, model=REFERENCE, round=0, purpose="frontier", per_prompt=n)


def known_reward(config: RunConfig) -> dict[str, float]:
    """Return the scorers behind the reward, with their weights; nothing is known of people."""
    if config.policy.uses_reward_model:
        return config.comparisons.known_scorers
    return {config.policy.reward: 1.0}
