"""The last step of a round: the policy is compared with the reference on held-out prompts."""

from prefloop.comparisons.labelers.sources import labeler_groups
from prefloop.evaluation.evaluate import evaluate_models
from prefloop.evaluation.judges.build import build_judge, compared_with_labelers
from prefloop.records import REFERENCE
from prefloop.run.stages import Stages
from prefloop.run.usage import recording_usage
from prefloop.scorers.build import build_weighted
from prefloop.settings.policy import REWARD_MODEL
from prefloop.settings.run import RunConfig


def _known_reward(config: RunConfig) -> dict[str, float]:
    """Return the scorers behind the reward, with their weights; nothing is known of people."""
    if config.policy.reward == REWARD_MODEL:
        return config.comparisons.known_scorers
    return {config.policy.reward: 1.0}


def evaluate(stages: Stages, round_number: int) -> None:
    """Have held-out judges compare policy and reference on prompts that nothing trained on."""
    if not stages.rounds.wants_evaluation(round_number):
        return
    config, settings = stages.config, stages.config.evaluation
    held_out = stages.shuffled_prompts("held_out", "evaluation prompts")
    chosen = held_out[: settings.prompts]
    known = _known_reward(config)
    model = stages.policy.name_of(round_number)
    if model == stages.policy.current_name:
        stages.policy.keep_weights()
    draw = stages.drawer.draw
    draw(chosen, model=REFERENCE, round=0, purpose="evaluation", per_prompt=1)
    draw(chosen, model=model, round=round_number, purpose="evaluation", per_prompt=1)
    if settings.frontier_prompts and known:
        several = held_out[: settings.frontier_prompts]
        n = settings.frontier_samples
        draw(several, model=REFERENCE, round=0, purpose="frontier", per_prompt=n)
    stages.monitor.check_stop("during evaluation")
    groups = labeler_groups(stages.store, config)
    judges = [compared_with_labelers(build_judge(n, config), groups) for n in settings.judges]
    scorer = build_weighted(known, config.scorers) if known else None
    metered = {judge.name: judge.metered for judge in judges} | (scorer.metered if scorer else {})
    with recording_usage(stages.folder, stages.monitor, metered):
        evaluate_models(
            stages.store,
            models={model: round_number},
            judges=judges,
            scorer=scorer,
            config=settings,
            task=config.task,
            folder=stages.folder,
        )
