"""How the result is judged."""

from typing import Self

from pydantic import Field, model_validator

from prefloop.records import REFERENCE
from prefloop.settings.section import Count, Index, Section


class EvaluationConfig(Section):
    """How the result is judged: by judges that the labels did not come from."""

    judges: list[str] = Field(default_factory=lambda: ["lexicon"])
    """Held-out judges; the first gives the verdict. None may rest on what the labels rest on."""

    models: list[str] = Field(default_factory=list)
    """Models that are compared with the reference besides the round's policy: `policy/update-40`, a
    folder, a hub name."""

    prompts: Count = 256
    """Held-out prompts in the head-to-head, one sample of each model on each."""

    every_round: bool = False
    """Judge after every round, not only after the last."""

    frontier_prompts: Index = 64
    """Held-out prompts in the estimate of the best reachable reward at this KL; 0 leaves it out."""

    frontier_samples: Count = 64
    """Reference samples per prompt in that estimate."""

    @model_validator(mode="after")
    def _models_differ_from_the_reference(self) -> Self:
        if REFERENCE in self.models:
            raise ValueError(
                f"models names {REFERENCE}, which all others are compared with; take it out"
            )
        return self
