"""How long the machine will need for a run: the arithmetic of its passes over a measured rate.

What a pass costs stands in `prefloop/functional/model_cost.py`. Responses are counted at full
length and padding is not; neither are samples that are drawn again. `SHARES` spans what runs were
seen to take against this count: docs/experiments.md, "How long a run takes". How well the
count foretells single stages: docs/scaling.md.
"""

from dataclasses import dataclass
from operator import add, sub

from prefloop.functional.model_cost import FORWARD, TRAINED, drawn_tokens, question_tokens
from prefloop.policy.methods.build import build_method
from prefloop.run.schedule import labels_due, planned_labels
from prefloop.settings.run import RunConfig

SHARES = (0.15, 0.75)
"""Least and most of the matrix-product rate that a run uses: seen were 0.26 and 0.62."""


@dataclass(frozen=True, kw_only=True)
class StageTokens:
    """Tokens that a stage puts through the layers, or as much work, by what is done with them.

    Layers that are skipped count for their share; a step of training for what it costs in forward
    passes.
    """

    drawn: float = 0.0
    """In queries that are read and in responses that are drawn, a token of each at a time."""
    read: float = 0.0
    """In responses of which a language model gives the log-probabilities."""
    scored: float = 0.0
    """In texts that the reward model reads."""
    trained: float = 0.0
    """In steps of training, forward and backward."""

    def __add__(self, other: "StageTokens") -> "StageTokens":
        return StageTokens(**{k: add(v, vars(other)[k]) for k, v in vars(self).items()})

    def __sub__(self, other: "StageTokens") -> "StageTokens":
        return StageTokens(**{k: sub(v, vars(other)[k]) for k, v in vars(self).items()})

    @property
    def total(self) -> float:
        """All of them."""
        return self.drawn + self.read + self.scored + self.trained


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Tokens that a run puts through the layers, by stage."""

    samples: StageTokens = StageTokens()
    """Samples for questions, and those that the scores are normalized with."""
    rewards: StageTokens = StageTokens()
    policy: StageTokens = StageTokens()
    evaluation: StageTokens = StageTokens()

    @property
    def tokens(self) -> float:
        """Of all stages."""
        return (self.samples + self.rewards + self.policy + self.evaluation).total


def workload_of(config: RunConfig, *, layers: int, judged: int) -> Workload:
    """Return the tokens that a run of a model with so many layers reads.

    `judged` is the number of held-out prompts in the verdict. A scorer's own model is not counted.
    """
    return Workload(
        samples=_samples(config),
        rewards=_rewards(config, trained_share(config, layers)),
        policy=_policy(config, trained_share(config, layers)),
        evaluation=_evaluation(config, judged),
    )


def text_tokens(config: RunConfig) -> tuple[float, float]:
    """Return the tokens of a query in the mean, and those of a response, which is full."""
    task = config.task
    return (task.query_tokens_min + task.query_tokens_max) / 2, float(task.response_tokens)


def trained_share(config: RunConfig, layers: int) -> float:
    """Return the share of the layers that are trained; what lies below is read once for a text."""
    top = config.models.lora_top_layers
    if top is None or config.models.adapter == "none":
        return 1.0
    return min(1.0, top / layers)


def _samples(config: RunConfig) -> StageTokens:
    query, response = text_tokens(config)
    policy, n = config.policy, config.samples.per_prompt
    questions = sum(planned_labels(config)[1].values())
    learned = policy.uses_reward_model
    normalized = config.rewards.normalize_samples * config.rounds if learned else 0
    # Each response of best of n is drawn and scored n times: the samples of later rounds, too.
    later = questions * (config.rounds - 1) / config.rounds * _chosen_of(config)
    return StageTokens(
        drawn=questions * drawn_tokens(query=query, response=response, responses=n)
        + normalized * (query + response)
        + later * drawn_tokens(query=query, response=response, responses=n),
        scored=later * n * learned * (query + response),
    )


def _rewards(config: RunConfig, trained: float) -> StageTokens:
    if not config.policy.uses_reward_model:
        return StageTokens()
    query, response = text_tokens(config)
    rewards, rounds = config.rewards, config.rounds
    asked, overlap = config.comparisons, config.comparisons.overlap
    questions = sum(-(-labels_due(asked, number, rounds) // overlap) for number in range(rounds))
    question = question_tokens(query=query, response=response, responses=config.samples.per_prompt)
    # Frozen layers read a question once for all rounds.
    distinct = planned_labels(config)[1].get("train", 0)
    normalized = rewards.normalize_samples * rounds * (query + response)
    times = rewards.normalize_before + rewards.normalize_after
    return StageTokens(
        scored=(1.0 - trained) * (distinct * question + normalized) + trained * times * normalized,
        trained=questions * question * trained * rewards.epochs * TRAINED[config.models.adapter],
    )


def _policy(config: RunConfig, trained: float) -> StageTokens:
    query, response = text_tokens(config)
    policy, learned = config.policy, config.policy.uses_reward_model
    if not policy.trains:
        n = config.rounds * max(policy.batch_size, int(policy.options.get("n", 1)))
        return StageTokens(drawn=n * (query + response), scored=n * learned * (query + response))
    each = build_method(policy).samples_per_prompt
    # Of the reference, for a method that asks for it: at most, as if no prompt came twice.
    asked = int(policy.options.get("value_samples", 0))
    prompts = policy.updates * policy.batch_size / each
    text = prompts * each * (query + response)
    # Responses to one prompt stand in a row behind it, which the reference and the steps read.
    row = prompts * question_tokens(query=query, response=response, responses=each)
    drawn = drawn_tokens(query=query, response=response, responses=each)
    if asked:
        drawn += drawn_tokens(query=query, response=response, responses=asked)
    # What the frozen layers make of a text is kept from its draw. Where layers round, the policy
    # reads it again.
    return StageTokens(
        drawn=prompts * drawn,
        read=row * trained * (1 + config.models.is_rounded),
        scored=trained * learned * (text + prompts * asked * (query + response)),
        trained=row * trained * policy.epochs * TRAINED[config.models.adapter],
    )


def _evaluation(config: RunConfig, judged: int) -> StageTokens:
    query, response = text_tokens(config)
    evaluation, learned = config.evaluation, config.policy.uses_reward_model
    n_frontier = evaluation.frontier_prompts * evaluation.frontier_samples
    models = 2 + len(evaluation.models)
    chosen = judged * _chosen_of(config)
    text = query + response
    return StageTokens(
        drawn=text * (models * judged + chosen + n_frontier),
        read=text * (models * judged + n_frontier),
        scored=text * chosen * learned,
    )


def _chosen_of(config: RunConfig) -> int:
    """Return how many more responses are drawn for each that is kept."""
    policy = config.policy
    return 0 if policy.trains else int(policy.options.get("n", 1)) - 1


def machine_seconds(work: Workload, *, weights: int, rate: float) -> tuple[float, float]:
    """Return the least and the most seconds; `rate` is in operations a second.

    `weights` are those that are multiplied.

    >>> work = Workload(policy=StageTokens(trained=1e6))
    >>> [round(s) for s in machine_seconds(work, weights=100_000_000, rate=1e11)]
    [2667, 13333]
    """
    least, most = SHARES
    operations = FORWARD * weights * work.tokens
    return operations / rate / most, operations / rate / least
