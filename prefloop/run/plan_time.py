"""How long the machine will need for a run: the arithmetic of its passes over a measured rate.

2 operations per weight and token forward, 4 more backward (Kaplan et al. 2020, arXiv:2001.08361,
section 2.1). Responses are counted at full length and padding is not; neither are samples that are
drawn again. `SHARES` spans what runs were seen to take against this count:
docs/experiments.md, "How long a run takes".
"""

from dataclasses import dataclass

from prefloop.run.schedule import labels_due, planned_labels
from prefloop.settings.run import RunConfig

FORWARD = 2.0
"""Multiplications and additions per weight and token."""

TRAINING = 3.0
"""Forward passes that one forward and one backward pass cost."""

SHARES = (0.2, 1.0)
"""Least and most of the matrix-product rate that a run uses: seen were 0.35 and 0.85."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Tokens that a run puts through the whole model, or as much work, by stage."""

    samples: float
    """Samples for questions, and those that the scores are normalized with."""
    rewards: float
    policy: float
    evaluation: float

    @property
    def tokens(self) -> float:
        return self.samples + self.rewards + self.policy + self.evaluation


def workload_of(config: RunConfig, *, layers: int, judged: int) -> Workload:
    """Return the tokens that a run of a model with so many layers reads.

    `judged` is the number of held-out prompts in the verdict. A scorer's own model is not counted.
    """
    task, policy = config.task, config.policy
    text = (task.query_tokens_min + task.query_tokens_max) / 2 + task.response_tokens
    trained = _trained_share(config, layers)
    questions = sum(planned_labels(config)[1].values())
    learned = policy.uses_reward_model
    trainings = sum(
        labels_due(config.comparisons, round_number, config.rounds)
        for round_number in range(config.rounds if learned else 0)
    )
    normalized = config.rewards.normalize_samples * config.rounds if learned else 0
    rollout = 2.0 + learned  # drawn, read by the reference, read by the reward model
    # Of the reference, for a method that asks for it: at most, as if no prompt came twice.
    asked = int(policy.options.get("value_samples", 0)) * (1.0 + learned)
    n_frontier = config.evaluation.frontier_prompts * config.evaluation.frontier_samples
    models = 2 + len(config.evaluation.models)
    # Each response of best of n is drawn and scored n times: the samples of later rounds, too.
    n = 1 if policy.trains else int(policy.options.get("n", 1))
    chosen = (n - 1) * (1.0 + learned)
    later = questions * (config.rounds - 1) / config.rounds
    rolled_out = policy.updates * policy.batch_size
    return Workload(
        samples=text * (config.samples.per_prompt * (questions + later * chosen) + 2 * normalized),
        rewards=text
        * trainings
        * config.samples.per_prompt
        * _training_passes(trained, config.rewards.epochs),
        policy=text * rolled_out * (rollout + asked + _training_passes(trained, policy.epochs))
        if policy.trains
        else text * config.rounds * max(policy.batch_size, n) * (1.0 + learned),
        evaluation=text * (2 * models * judged + judged * chosen + 2 * n_frontier),
    )


def machine_seconds(work: Workload, *, weights: int, rate: float) -> tuple[float, float]:
    """Return the least and the most seconds; `rate` is in operations a second.

    `weights` are those that are multiplied.

    >>> work = Workload(samples=0, rewards=0, policy=1e6, evaluation=0)
    >>> [round(s) for s in machine_seconds(work, weights=100_000_000, rate=1e11)]
    [2000, 10000]
    """
    least, most = SHARES
    operations = FORWARD * weights * work.tokens
    return operations / rate / most, operations / rate / least


def _trained_share(config: RunConfig, layers: int) -> float:
    top = config.models.lora_top_layers
    return 1.0 if top is None else min(1.0, top / layers)


def _training_passes(trained: float, epochs: int) -> float:
    """Return the forward passes that `epochs` of training cost; frozen layers are read once."""
    return 1.0 - trained + epochs * TRAINING * trained
