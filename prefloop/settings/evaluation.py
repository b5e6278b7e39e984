"""How the result is judged."""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from prefloop.records import HUMAN, REFERENCE
from prefloop.settings.section import Count, Index, Section, refuse


class PeopleJudgeConfig(Section):
    """How people judge, where `evaluation.judges` names `people`."""

    answers: Literal[1, 3] = 1
    """People who answer each question; of three the majority decides."""

    looks: Annotated[int, Field(ge=1, le=20)] = 4
    """How often the result is looked at, evenly spread over the questions. Once it is clear, with
    five people or more, nothing more is asked; all looks together err as rarely as one."""


class EvaluationConfig(Section):
    """How the result is judged: by judges that the labels did not come from."""

    judges: list[str] = Field(default_factory=list)
    """Held-out judges; the first gives the verdict. None may rest on what the labels rest on.
    `people` are people, who compare texts without knowing whose they are. Left out, it is the
    task's: `lexicon` for sentiment, `imagery` for descriptiveness; other tasks are not judged."""

    models: list[str] = Field(default_factory=list)
    """Models that are compared with the baseline besides the round's policy: `policy/update-40`, a
    folder, a hub name."""

    baseline: str = REFERENCE
    """What all of them are compared with: `reference`, another model's name, or `human`, the
    prompts' own answers."""

    prompts: Count = 256
    """Held-out prompts in the head-to-head, one sample of each model on each."""

    every_round: bool = False
    """Judge after every round, not only after the last."""

    frontier_prompts: Index = 64
    """Held-out prompts in the estimate of the best reachable reward at this KL; 0 leaves it out."""

    frontier_samples: Count = 64
    """Reference samples per prompt in that estimate."""

    people: PeopleJudgeConfig = Field(default_factory=PeopleJudgeConfig)
    """How people judge."""

    @model_validator(mode="after")
    def _models_differ_from_the_baseline(self, info: ValidationInfo) -> Self:
        problems = []
        if self.baseline in self.models:
            problems.append(
                f"models names {self.baseline}, which all others are compared with; take it out"
            )
        if HUMAN in self.models:
            problems.append(f"models names {HUMAN}, which is no model; write baseline: {HUMAN}")
        if self.every_round and self.baseline.startswith("policy/"):
            problems.append(
                f"baseline {self.baseline} is not there after earlier rounds; set every_round: "
                "false, or another baseline"
            )
        refuse(problems, info)
        return self

    @model_validator(mode="after")
    def _frontier_can_be_weighted(self, info: ValidationInfo) -> Self:
        if self.frontier_prompts and self.frontier_samples < 2:
            refuse(
                [
                    f"frontier_samples {self.frontier_samples} cannot be weighted against each "
                    "other: write 2 or more (64 is usual), or frontier_prompts: 0"
                ],
                info,
            )
        return self
