"""How the result is judged."""

from prefloop.settings import Count, Index, Section


class EvaluationConfig(Section):
    """How the result is judged: by someone whose taste the labels did not come from."""

    judge: str | None = "lexicon"
    """Name of the held-out judge; must not be the taste that labeled. `null` judges nothing."""

    prompts: Count = 256
    """Held-out prompts in the head-to-head, one sample of each model on each."""

    every_round: bool = False
    """Judge after every round, not only after the last."""

    frontier_prompts: Index = 64
    """Held-out prompts in the estimate of the best reachable reward at this KL; 0 leaves it out."""

    frontier_samples: Count = 64
    """Reference samples per prompt in that estimate."""
